// Visitor.h - executes a kernel's syntax tree symbolically
//
// SPDX-License-Identifier: Apache-2.0
//
// Expressions become Values, statements change the environment of the current frame. Runtime `if`, `for` and `while`
// become scf ops whose results are the variables that the arms or the body changed. return, break and continue under
// runtime conditions become flags (ExitFlow): what follows is put into the arm that did not leave, or guarded.
#pragma once

#include "frontends/python/sema/Emitter.h"
#include "frontends/python/sema/Language.h"

#include "mlir/IR/Region.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <set>

namespace tessera::py {

// Variables in order of their first binding. Names of one tree are interned: mostly one pointer comparison a step.
class Env {
public:
  Value *find(std::string_view name) {
    for (auto &v : vars)
      if (v.first == name)
        return &v.second;
    return nullptr;
  }
  void set(std::string_view name, Value value) {
    if (Value *v = find(name))
      *v = std::move(value);
    else
      vars.emplace_back(name, std::move(value));
  }
  void erase(std::string_view name) {
    std::erase_if(vars, [&](auto &v) { return v.first == name; });
  }
  std::vector<std::pair<std::string_view, Value>> vars;
};

// Whether control has left the statements visited so far: never, always, or as an i1 says.
struct Flag {
  enum State : uint8_t { No, Yes, Maybe } state = No;
  mlir::Value ir; // Maybe
};
struct ExitFlow {
  Flag ret, brk, cont;
  bool left() const { return ret.state == Flag::Yes || brk.state == Flag::Yes || cont.state == Flag::Yes; }
  bool maybeLeft() const {
    return !left() && (ret.state == Flag::Maybe || brk.state == Flag::Maybe || cont.state == Flag::Maybe);
  }
};

struct KernelFrame {
  std::shared_ptr<const JitFunction> function;
  Env env;
  std::set<std::string_view> constexprNames;                   // bound by `x: tl.constexpr = …`
  std::vector<std::pair<std::string_view, const char *>> lost; // names that went out of scope, and why
  ExitFlow flow;
  bool tail = true;          // nothing of the function follows the block under visit
  unsigned runtimeLoops = 0; // for and while loops around it
  Span lastReturn;           // of the return statements visited so far
  unsigned withDepth = 0;    // `with` blocks around it
  mlir::LocationAttr caller; // of the call; null for the kernel
  SourcePlace callPlace;
  bool isKernel = false;
  bool isPlain = false; // Python of the host: numbers stay numbers, attributes of aggregates may be set
};

// Thrown by report: enough was said.
struct TooManyErrors {};

class Visitor final : public Emitter {
public:
  Visitor(mlir::MLIRContext &context, const EmitOptions &options, HostInterface &host, DiagnosticList &diags)
      : Emitter(context, options, diags), host(host) {}

  mlir::OwningOpRef<mlir::ModuleOp> emit(const JitFunction &kernel, const KernelSignature &signature);

  HostInterface &host;

  // --- expressions (Expressions.cpp, Attributes.cpp)
  Value visit(const Expr *e);
  Value attribute(const Value &base, std::string_view name);
  Value subscript(const Value &base, const Value &index);
  Value binaryOp(BinOpKind op, const Value &a, const Value &b);
  Value compareOp(CmpOpKind op, const Value &a, const Value &b);
  Value applyUnary(UnaryOpKind op, const Value &v);
  Value lookup(std::string_view name);
  // What the host says of an attribute of a jit function or of a tuple whose class is the host's; null: there is none.
  std::optional<Value> hostMember(const Value &self, const HostValue &object, std::string_view name);
  Value hostResult(std::optional<HostValue> v);    // the value, or the evaluator's pending error as ours
  Value sanitize(const Value &v);                  // what a plain assignment keeps: numbers become runtime scalars
  std::optional<bool> staticTruth(const Value &v); // of a compile-time value
  // tl.condition: whether the loop whose condition this is keeps what it does not change.
  void keepInvariants(bool keep) { keepsInvariants_ = keep; }
  bool truth(const Value &v, std::string_view what);

  // --- calls (Calls.cpp)
  using Keywords = std::vector<std::pair<std::string_view, Value>>;
  Value call(const Value &callee, std::vector<Value> args, Keywords keywords);
  Value callFunction(const Value &fn, std::vector<Value> args, Keywords keywords);
  Value callBuiltin(const BuiltinDef &def, std::vector<Value> args, Keywords keywords);
  // Aggregates (Aggregates.cpp)
  Value construct(const Value &cls, std::vector<Value> args, Keywords keywords);
  std::optional<Value> memberOf(const Value &self, const HostValue &cls, std::string_view name);
  Combine combiner(const Value &fn); // a jit function of scalars, for reduce and scan

  SourcePlace currentPlace() const override;
  std::vector<Diagnostic::Note> callNotes() const override;
  std::string currentFunction() const override { return frames.empty() ? "" : frames.back()->function->name; }
  std::string callStackText() const;
  KernelFrame &frame() { return *frames.back(); }
  unsigned errors = 0;
  // Functions of the library wrap on purpose.
  bool checksOverflow() const override {
    return Emitter::checksOverflow() && !mayWrap && !frames.back()->function->isLibrary();
  }
  bool mayWrap = false; // sanitize_overflow=False of the call under visit

private:
  struct At; // sets place and location for its scope
  std::vector<std::unique_ptr<KernelFrame>> frames;
  Span place;
  const Call *unusedCall = nullptr; // a statement that is a call, until the call is under visit
  void checkUsed(const Call *call, const Value &callee);
  Value changedSelf; // what a method has made of the aggregate that it was called on; absent: the same

  mlir::Location locationOf(const Span &span);
  void report(const Diagnostic &d);

  // --- entry (KernelEntry.cpp)
  struct Leaf { // one argument of the kernel function: a parameter, or a part of one
    std::string name;
    TensorType type;
    int64_t divisibility; // 1: nothing known
  };
  bool bindKernelParams(const JitFunction &kernel, const KernelSignature &signature, KernelFrame &f,
                        std::vector<const ParamSpec *> &runtime, std::vector<Leaf> &leaves);
  Value paramValue(const ParamSpec &spec, const std::vector<Leaf> &leaves, mlir::Block::BlockArgListType args,
                   size_t &next);
  void markReadOnly(mlir::Operation *function);

  // --- statements (Statements.cpp)
  void visitBlock(Seq<Stmt> stmts);
  void visitStmt(const Stmt *s);
  void dispatch(const Stmt *s);
  void assign(const Expr *target, const Value &value);
  void assignField(const Attribute *target, const Value &value);
  void visitWith(const With *s, size_t item);
  void visitAssign(const Assign *s);
  void visitAnnAssign(const AnnAssign *s);
  void visitAugAssign(const AugAssign *s);
  void visitReturn(const Return *s);
  void visitAssert(const Assert *s);
  void visitExprStmt(const ExprStmt *s);
  void poison(const Stmt *s);
  void reportNames(const Stmt *s);
  void reportNames(const Node *n);
  void setVariable(std::string_view name, Value v);

  // --- branches (Branches.cpp)
  struct Arm {
    std::unique_ptr<mlir::Region> region;
    Env env;
    ExitFlow flow;
    bool dead = false; // control never falls out of it
    bool gone = false; // the function has returned where this arm runs: nobody sees its variables again
    Span lastReturn;   // where it returns; line 0: nowhere
  };
  bool visitIf(const If *s, Seq<Stmt> rest); // whether it took care of the rest
  void guard(llvm::function_ref<void()> rest);
  bool branch(mlir::Value cond, llvm::function_ref<void()> thenBody, llvm::function_ref<void()> elseBody,
              llvm::function_ref<void()> rest, bool restIsEmpty, bool guarding);
  Arm visitArm(llvm::function_ref<void()> body, const Env &env);
  void mergeArms(mlir::Value cond, Arm &a, Arm &c, bool onlyReturn);
  void mergeReturns(Arm &a, Arm &c);
  void joinVariable(std::string_view name, Arm &a, Arm &c, struct Merge &m);
  void joinFlag(Flag &result, const Flag &x, const Flag &y, Arm &a, Arm &c, struct Merge &m);
  void finishMerge(mlir::Value cond, Arm &a, Arm &c, struct Merge &m);
  Value visitIfExp(const IfExp *e);
  Value visitBoolOp(const BoolOp *e);

  // --- loops (Loops.cpp)
  struct Carried {
    std::string_view name;
    Value initial;
    size_t first = 0, count = 0; // of its leaves
  };
  void visitFor(const For *s);
  void visitWhile(const While *s);
  void runtimeFor(const For *s, const Value &range);
  void unrolledFor(const For *s, std::vector<Value> items, size_t next);
  struct LoopWishes {
    std::optional<int64_t> stages, unroll;
    int32_t flags = 0; // bits of loop_flags
  };
  LoopWishes wishesOf(const Expr *place, const Value &range);
  struct LoopBounds { // the counter goes up from `lower` by `step` while it is less than `upper`
    Value lower, upper, step;
    bool down;  // the index mirrors the counter
    bool known; // the step is, now, and is greater than 0
  };
  void forWithBreak(const For *s, const LoopBounds &l, const LoopWishes &wishes, std::vector<Carried> &carried,
                    std::vector<mlir::Value> &leaves);
  void bindIndexBehind(const For *s, const LoopBounds &l, const std::function<Value()> &counter);
  std::vector<Carried> carriedVariables(Seq<Stmt> body, std::string_view except, std::vector<mlir::Value> &leaves);
  void bindCarried(const std::vector<Carried> &carried, mlir::ValueRange leaves);
  std::vector<mlir::Value> carriedAfterBody(const std::vector<Carried> &carried, const Env &before);
  void finishLoop(const std::vector<Carried> &carried, mlir::ValueRange results, Env before);
  mlir::Value flagValue(const Flag &f);

  // Leaves of a value that travels through regions: runtime parts only.
  void flatten(const Value &v, std::vector<mlir::Value> &leaves);
  Value rebuild(const Value &like, mlir::ValueRange leaves, size_t &next);
  // Whether both have the same structure and types (constants equal).
  bool sameShape(const Value &a, const Value &b);
  mlir::Value poisonOf(mlir::Type t);

  bool keepsInvariants_ = false;

  friend struct CallScope;
};

// Names that the statements bind, without nested functions; and whether they hold a break of this loop.
void assignedNames(Seq<Stmt> stmts, std::vector<std::string_view> &out);
void assignedNames(const Expr *target, std::vector<std::string_view> &out);
bool hasBreak(Seq<Stmt> stmts);

} // namespace tessera::py
