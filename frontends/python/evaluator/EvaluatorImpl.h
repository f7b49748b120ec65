// EvaluatorImpl.h - the evaluator's state and its parts; inside frontends/python/evaluator only
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/evaluator/Evaluator.h"

#include <array>
#include <string>

namespace tessera::py {

using MaybeValue = std::optional<HostValue>;
using Values = std::vector<HostValue>;

// `auto v = TSR_TRY(expression)`: leaves the function where an exception is pending.
#define TSR_TRY(var, expression)                                                                                       \
  auto var = (expression);                                                                                             \
  if (!var)                                                                                                            \
  return std::nullopt

enum class Flow : uint8_t { Normal, Break, Continue, Return, Error };

// One activation: where names are looked up, and where errors are placed.
struct Frame {
  ModuleScope *module = nullptr;
  std::shared_ptr<Scope> locals; // null: module level
  const Node *current = nullptr;
  HostValue result; // of `return`
  std::vector<std::string_view> globals, nonlocals;
  size_t limit = SIZE_MAX; // module level: names count as bound by earlier statements only
  bool isClass = false;    // of a class body: functions defined here do not see its names
};

struct EvaluatorImpl {
  EvaluatorImpl(Evaluator &e, EvalHost &h) : ev(e), host(h) {}

  Evaluator &ev;
  EvalHost &host;
  std::vector<Frame *> frames;
  SourcePlace outsidePlace;
  uint64_t steps = 0;
  uintptr_t stackBase = 0;        // of the outermost entry; 0: outside
  HostValue pendingException;     // an instance, where user code raised it
  std::vector<EvalError> handled; // innermost `except` being run, for a bare raise
  std::map<std::string, HostValue, std::less<>> builtins;
  std::map<std::string, HostValue, std::less<>> knownPaths; // math.sqrt, …
  Arena names;                                              // names that no tree holds
  // Scopes and classes that may be part of a cycle; emptied at the end.
  std::vector<std::weak_ptr<Scope>> captured;
  std::vector<std::weak_ptr<ClassObject>> classes;
  ~EvaluatorImpl();

  SourcePlace place() const;
  bool step(); // false: too many steps, or too deep a recursion
  std::nullopt_t unsupported(std::string message);

  // Expressions
  MaybeValue eval(const Expr *e);
  MaybeValue evalName(std::string_view name);
  MaybeValue evalBoolOp(const BoolOp *e);
  MaybeValue evalCompare(const Compare *e);
  MaybeValue evalCall(const Call *e);
  MaybeValue evalDict(const Dict *e);
  MaybeValue evalJoined(const JoinedStr *e);
  MaybeValue evalConstant(const Constant *e);
  MaybeValue evalSlice(const Slice *e);
  MaybeValue evalLambda(const Lambda *e);
  std::optional<Values> evalList(std::span<Expr *> elts); // with starred elements
  // Calls `each` for every combination; false: an exception is pending.
  bool comprehension(std::span<Comprehension> generators, size_t at, const std::function<bool()> &each);
  template <class F> bool withComprehensionScope(F f);
  HostValue *findLocal(std::string_view name);
  std::shared_ptr<Scope> closureHere(); // what a function defined here captures

  // Statements
  Flow exec(const Stmt *s);
  Flow execAll(std::span<Stmt *> list);
  Flow execFor(const For *s);
  Flow execWhile(const While *s);
  Flow execTry(const Try *s);
  Flow execAugAssign(const AugAssign *s);
  Flow execImport(const Import *s);
  Flow execImportFrom(const ImportFrom *s);
  Flow execRaise(const Raise *s);
  bool assign(const Expr *target, const HostValue &value);
  bool assignTo(std::span<Expr *> targets, const HostValue &value);
  void bind(std::string_view name, HostValue value);
  bool matchesHandler(const ExceptHandler &h, const EvalError &error, const HostValue &exception);
  Flow execDelete(const Delete *s);
  void restoreError(EvalError error, const HostValue &exception);

  // Definitions
  MaybeValue makeFunction(const FunctionDef *def);
  MaybeValue makeClass(const ClassDef *def);
  bool functionDefaults(const Arguments *args, FunctionObject &f);
  std::vector<std::string> decoratorPaths(std::span<Expr *> decorators, std::vector<const Expr *> &toApply);
  std::string dottedPath(const Expr *e);
  MaybeValue callFunction(const HostValue &f, Values args, HostKeywords keywords);
  bool bindArguments(const FunctionObject &f, const Arguments *a, Values &args, HostKeywords &keywords, Scope &scope);
  MaybeValue instantiate(const HostValue &cls, Values args, HostKeywords keywords);
  MaybeValue instantiateTuple(const HostValue &cls, const std::vector<std::string> &fields, Values args,
                              HostKeywords keywords);
  MaybeValue instantiateDataclass(const HostValue &cls, Values args, HostKeywords keywords);
  bool finishEnum(const HostValue &cls);

  MaybeValue runBody(const FunctionObject &f, std::shared_ptr<Scope> scope);

  // Paths and modules
  Flow execForName(const Stmt *s, std::string_view name);
  MaybeValue resolvePath(const std::string &path); // never null without a pending exception
  MaybeValue knownPath(std::string_view path);
  void addBuiltins();
  void addMath();
  void addExceptions();

  // Protocols
  MaybeValue callMethod(const HostValue &self, std::string_view name,
                        Values args); // null, none pending: no such method
  std::optional<HostValue> lookupMethod(const HostValue &self, std::string_view name);
  MaybeValue instanceBinary(BinOpKind op, const HostValue &a, const HostValue &b, bool &handled);
  MaybeValue builtinTypeCall(std::string_view name, Values &args, HostKeywords &keywords);
  MaybeValue slice(const HostValue &v, const SliceObject &s);
  bool setItem(const HostValue &v, const HostValue &index, const HostValue &value);
  bool setAttribute(const HostValue &v, std::string_view name, const HostValue &value);
  bool isSubclass(const ClassObject *cls, const ClassObject *of);
  std::optional<std::string> textOf(const HostValue &v, bool isRepr); // str() and repr() with user methods
  std::optional<std::string> percentFormat(const std::string &f, const HostValue &args);
  std::optional<std::string> formatMethod(const std::string &f, const Values &args, const HostKeywords &keywords);
  std::optional<int> order(const HostValue &a, const HostValue &b); // -1, 0, 1; 2: unordered (NaN)
  std::optional<bool> equals(const HostValue &a, const HostValue &b);
};

// Marks the outermost entry into the evaluator, from which steps and the depth of the stack count.
class Entry {
public:
  explicit Entry(EvaluatorImpl &impl) : impl_(impl), isOutermost_(impl.stackBase == 0) {
    if (isOutermost_) {
      impl_.stackBase = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
      impl_.steps = 0;
    }
  }
  ~Entry() {
    if (isOutermost_)
      impl_.stackBase = 0;
  }
  Entry(const Entry &) = delete;

private:
  EvaluatorImpl &impl_;
  bool isOutermost_;
};

// The names that a statement binds or changes, in order; nested blocks included, function bodies not.
void boundNames(const Stmt *s, std::vector<std::string_view> &out);

// Dicts and sets
struct DictAccess {
  Evaluator &ev;
  DictObject &d;
  // Entry's place, or -1; null: not hashable.
  std::optional<ptrdiff_t> find(const HostValue &key);
  bool set(const HostValue &key, const HostValue &value);
  bool erase(ptrdiff_t at);
};
HostValue makeDict();
HostValue makeSet();

// Strings by code points
size_t codePointCount(std::string_view s);
std::vector<std::string> codePoints(std::string_view s);

// Methods of builtin types: whether there is one, and the call (see Methods.cpp).
bool hasMethod(const HostValue &v, std::string_view name);
MaybeValue callBuiltinMethod(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords);

HostValue makeBuiltin(std::string name, decltype(BuiltinObject::call) call, HostValue bound = {});
std::optional<double> toReal(Evaluator &ev, const HostValue &v); // float(v) for math functions
// A wrapped foreign value's content, else the value itself.
HostValue unwrapped(const HostValue &v);

} // namespace tessera::py
