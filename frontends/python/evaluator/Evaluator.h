// Evaluator.h - Python at compile time, without Python: module constants, constexpr functions, `math`
//
// SPDX-License-Identifier: Apache-2.0
//
// A tree-walking evaluator over the syntax tree. A module's names are evaluated when they are first asked for, so code
// that no kernel needs (torch imports, tests, benchmarks) is never looked at. Failures are Python exceptions: an
// operation returns null and the exception is pending until takeError or report.
#pragma once

#include "frontends/python/evaluator/HostValue.h"

#include <functional>
#include <unordered_map>

namespace tessera::py {

// What the evaluator asks of its owner.
class EvalHost {
public:
  virtual ~EvalHost() = default;
  // The value of an imported thing by its full path ("triton", "triton.language", "triton.language.float32",
  // "triton.cdiv"). Null: unknown; it becomes an OpaqueObject that carries the path.
  virtual std::optional<HostValue> resolve(std::string_view path) { return std::nullopt; }
  // A relative or sibling module's scope (`from .ops import helper`), or null.
  virtual ModuleScope *importModule(std::string_view path, const ModuleScope &from) { return nullptr; }
  // Text that print() writes.
  virtual void print(std::string_view text) {}
};

struct EvalError {
  std::string type; // "ValueError"; "Unsupported" for what this evaluator does not do
  std::string message;
  SourcePlace place;                   // where it was raised
  std::vector<Diagnostic::Note> trace; // calls on the way, innermost first
};

// One module's globals. Lazy: `lookup` runs just the statements that bind the name, in order of the source.
class ModuleScope {
public:
  ModuleScope(std::string name, const Module *tree, std::shared_ptr<const SourceFile> file, Evaluator &evaluator);
  ~ModuleScope();

  const std::string &name() const { return name_; }
  const std::shared_ptr<const SourceFile> &file() const { return file_; }
  const Module *tree() const { return tree_; }
  // Value of a global; null and nothing pending: there is no such name; null and an exception pending: evaluating it
  // failed.
  std::optional<HostValue> lookup(std::string_view name);
  // Whether the module binds the name at its top level (without evaluating anything).
  bool binds(std::string_view name) const;
  // All top-level names, in order of their first binding; for "did you mean".
  std::vector<std::string> names() const;
  // Overrides or adds a global (command line -D of a module constant, tests).
  void set(std::string_view name, HostValue value);
  // The annotation of a module-level `X: tl.constexpr = …`, or null.
  const Expr *annotation(std::string_view name) const;

private:
  friend struct EvaluatorImpl;
  struct Binding;
  // As lookup; only statements before `limit` count, where there are any.
  std::optional<HostValue> lookupBefore(std::string_view name, size_t limit);
  void collect(const Stmt *s, size_t index);

  std::string name_;
  const Module *tree_;
  std::shared_ptr<const SourceFile> file_;
  Evaluator &evaluator_;
  std::unordered_map<std::string_view, std::unique_ptr<Binding>> bindings_;
  std::vector<std::string_view> order_;
  std::vector<std::string> starImports_; // modules of `from m import *`
  Arena ownNames_;                       // names that the tree does not hold
};

class Evaluator {
public:
  explicit Evaluator(EvalHost &host);
  ~Evaluator();

  // An expression with the module's globals, and `locals` first (both may be null).
  std::optional<HostValue> evaluate(const Expr *e, ModuleScope *module, const std::shared_ptr<Scope> &locals = nullptr);

  // Python's operators and protocols on values. `at`: place of the error, file included.
  std::optional<HostValue> binary(BinOpKind op, const HostValue &a, const HostValue &b);
  std::optional<HostValue> unary(UnaryOpKind op, const HostValue &a);
  std::optional<bool> compare(CmpOpKind op, const HostValue &a, const HostValue &b);
  std::optional<bool> truth(const HostValue &v);
  std::optional<HostValue> getAttribute(const HostValue &v, std::string_view name);
  std::optional<HostValue> getItem(const HostValue &v, const HostValue &index);
  std::optional<HostValue> call(const HostValue &callee, std::vector<HostValue> args, HostKeywords keywords = {});
  std::optional<std::vector<HostValue>> iterate(const HostValue &v);            // list(v), bounded
  std::optional<std::string> format(const HostValue &v, std::string_view spec); // format(v, spec)
  std::optional<std::string> text(const HostValue &v, bool isRepr); // repr(v) or str(v), user methods included
  std::optional<bool> isInstance(const HostValue &v, const HostValue &cls);
  std::optional<size_t> hash(const HostValue &v);
  // len, range, min, int, … and the exception types; null: no such builtin.
  std::optional<HostValue> builtin(std::string_view name);

  EvalHost &host();
  // "…".format(…)
  std::optional<std::string> formatFields(const std::string &f, const std::vector<HostValue> &args,
                                          const HostKeywords &keywords);

  // Sets the pending exception and returns nullopt, for use in builtins and foreign objects.
  std::nullopt_t raise(std::string type, std::string message);
  bool hasError() const { return error_ != nullptr; }
  EvalError takeError();
  // The pending exception as a diagnostic with its place (else `fallback`); clears it.
  void report(DiagnosticList &out, const SourcePlace &fallback = {});
  // Place of the errors of operations called from outside (binary, call, …).
  void setPlace(SourcePlace place);

  // Stops runaway compile-time loops with a clear error. Counts statements and iterations.
  uint64_t stepLimit = 50'000'000;
  uint32_t depthLimit = 400;

private:
  friend class ModuleScope;
  friend struct EvaluatorImpl;
  std::unique_ptr<struct EvaluatorImpl> impl_;
  std::unique_ptr<EvalError> error_;
};

} // namespace tessera::py
