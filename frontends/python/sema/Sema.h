// Sema.h - from a kernel's syntax tree to a module of the tile dialect
//
// SPDX-License-Identifier: Apache-2.0
//
// The kernel is executed symbolically: compile-time values are computed at once, runtime values become ops, calls of jit
// functions are inlined. One emitKernel a thread and MLIRContext; a FileHost may serve many kernels of its file in turn.
#pragma once

#include "core/support/Diagnostic.h"
#include "frontends/python/evaluator/Evaluator.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::py {

// One kernel parameter after specialisation. The type is spelled as Triton does: "*fp32", "*kfp32" (const), "i32", "u8",
// "fp32", "u1" (bool), or "constexpr" with `constant` set.
// A tuple has `items` instead, whose names are unused; its runtime leaves become parameters "x.0", "x.2.1".
struct ParamSpec {
  std::string name;
  std::string type;
  std::optional<HostValue> constant;
  bool divisibleBy16 = false; // an integer's value, a pointer's address
  bool isTuple = false;
  std::vector<ParamSpec> items;
  std::vector<std::string> itemNames; // of a named tuple, else empty
  HostValue cls;                      // of a named tuple
};
struct KernelSignature {
  std::vector<ParamSpec> params; // parameters that are missing here need a default, and become constexpr
};

// Reads "*fp32:16, i32, i32:16, i32:1, 1024" (one entry a parameter, in order; ":16" divisible by 16, ":1" folded to
// the constant 1) or the same with names ("x: …" is written "x=*fp32:16"). Defines: NAME=VALUE pairs for constexpr
// parameters, VALUE a Python literal or a dtype. Errors go to `out`; then the result is empty.
// `paramNames`: the kernel's parameters in order; constexpr ones are skipped by positional entries when defined.
std::optional<KernelSignature> parseSignature(std::string_view text, const std::vector<std::string> &paramNames,
                                              const std::vector<std::pair<std::string, std::string>> &defines,
                                              DiagnosticList &out);

struct EmitOptions {
  bool debug = false;           // device_assert and assert statements make code
  bool sanitizeOverflow = true; // with debug: +, - and * of integers below 64 bits assert that they do not wrap
  int64_t numWarps = 4, numStages = 3, numCtas = 1;
  // What input_precision=None of dot means for fp32 operands: "tf32" or "ieee".
  std::string defaultDotPrecision = "ieee";
  // What max_num_imprecise_acc=None of dot means for fp8 operands: as many products as the unit likes.
  int64_t defaultImprecise = int64_t(1) << 30;
  std::vector<std::string> unsupportedFp8; // element types that the target refuses, as "fp8e4nv"
  // The target as --target= spells it: what tl.target_info answers from. Empty: none of the vendors that it knows.
  std::string targetName;
  // The smallest block that dot takes: rows, columns, depth, depth of 8-bit elements.
  std::array<int64_t, 4> minDot = {1, 1, 1, 1};
  bool allowNonConstexprGlobals = false; // any global may be read, as a constant
  unsigned maxErrors = 20;
  unsigned maxCallDepth = 128;
};

// A jit function as sema sees it.
struct JitFunction {
  std::string name;
  const FunctionDef *def = nullptr;
  std::shared_ptr<const SourceFile> file;
  std::shared_ptr<FunctionObject> object; // null: of the language's own library
  bool isPlain = false;                   // no jit function: Python of the host that is run on values of the kernel
  bool isConstructor = false;             // __init__ of an aggregate; plain
  std::string space;                      // of a library function: the namespace whose names it sees first
  bool isLibrary() const { return !object; }
};

class Visitor;

// Where names come from that a kernel uses but does not define. While a kernel is visited any of these may throw what the
// visitor catches (Emitter.h).
class HostInterface {
public:
  virtual ~HostInterface() = default;
  struct Global {
    HostValue value;
    bool isConstexpr = false; // `X = tl.constexpr(…)`; an annotation does not count, as in Triton
  };
  // A name of the function's closure or module. Null without a pending error in evaluator(): there is none.
  virtual std::optional<Global> global(const JitFunction &from, std::string_view name) = 0;
  virtual std::vector<std::string> globalNames(const JitFunction &from) = 0;
  // Operators, attributes, items and calls on host values.
  virtual Evaluator &evaluator() = 0;
  // What a path below the language's modules is that the compiler does not know; null: nothing.
  virtual std::optional<HostValue> languageName(std::string_view path) { return std::nullopt; }
  // An attribute of a jit function, or of a tuple whose class lives in the host. A jit function that comes from a tuple is a
  // method, which the caller binds, unless `isBound`. Null: there is none.
  virtual std::optional<HostValue> member(const HostValue &of, std::string_view name, bool &isBound) {
    return std::nullopt;
  }
  // The visitor that asks, from its first question to its last; then null.
  virtual void attach(Visitor *visitor) {}
  // Between statements: throws Interrupt where the compile is to end.
  virtual void poll() {}
};

// The host without Python: one source file and what it imports, read by the evaluator.
class FileHost final : public HostInterface, public EvalHost {
public:
  FileHost();
  ~FileHost() override;
  // Parses the text. Null after syntax errors. The module belongs to the host.
  ModuleScope *load(std::shared_ptr<const SourceFile> file, DiagnosticList &out);
  // Names of the module's jit functions, in order.
  static std::vector<std::string> kernelNames(const ModuleScope &module);
  // The parameters of a kernel, in order, and which are annotated constexpr; null and a diagnostic where there is none.
  struct ParamInfo {
    std::string name;
    bool isConstexpr = false, hasDefault = false;
  };
  std::optional<std::vector<ParamInfo>> kernelParams(ModuleScope &module, std::string_view kernel, DiagnosticList &out);
  static std::vector<ParamInfo> paramsOf(const FunctionDef &def);
  // The jit function of that name, through decorators such as autotune; null and a diagnostic where there is none.
  std::shared_ptr<FunctionObject> findKernel(ModuleScope &module, std::string_view kernel, DiagnosticList &out);

  std::optional<Global> global(const JitFunction &from, std::string_view name) override;
  std::vector<std::string> globalNames(const JitFunction &from) override;
  Evaluator &evaluator() override;
  std::optional<HostValue> resolve(std::string_view path) override;
  ModuleScope *importModule(std::string_view path, const ModuleScope &from) override;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The dialects that emitKernel needs, loaded into the context.
void loadSemaDialects(mlir::MLIRContext &context);

// Null after errors (in `out`; warnings and static_print output are there too, as W09xx). The module holds one
// func.func with the kernel's name.
mlir::OwningOpRef<mlir::ModuleOp> emitKernel(mlir::MLIRContext &context, const JitFunction &kernel,
                                             const KernelSignature &signature, const EmitOptions &options,
                                             HostInterface &host, DiagnosticList &out);
mlir::OwningOpRef<mlir::ModuleOp> emitKernel(mlir::MLIRContext &context, ModuleScope &module, std::string_view kernel,
                                             const KernelSignature &signature, const EmitOptions &options,
                                             FileHost &host, DiagnosticList &out);

} // namespace tessera::py
