// Emitter.h - typed operations on kernel values: every rule of the language that is not about syntax
//
// SPDX-License-Identifier: Apache-2.0
//
// One Emitter a kernel. Methods check types, promote, broadcast and create ops at the builder's place with the location of
// the expression under visit. A violated rule throws SemaError, which the statement visitor turns into a diagnostic.
#pragma once

#include "core/support/Diagnostic.h"
#include "frontends/python/sema/Sema.h"
#include "frontends/python/sema/Value.h"
#include "frontends/python/syntax/Ast.h"
#include "mlir/IR/Builders.h"

#include <functional>
#include <optional>
#include <utility>

namespace tessera::py {

// Thrown inside the semantic analysis only.
struct SemaError {
  Diagnostic diagnostic;
};
// Thrown where an operand was already reported as wrong: nothing more to say.
struct Suppressed {};
// Thrown where the compile ends at once: the user interrupts it.
struct Interrupt {
  Diagnostic diagnostic;
};

enum class Relation : uint8_t { Eq, Ne, Lt, Le, Gt, Ge };
enum class ReduceKind : uint8_t { Sum, Max, Min, Xor, Or, Prod };

class Emitter {
public:
  Emitter(mlir::MLIRContext &context, const EmitOptions &options, DiagnosticList &diags)
      : b(&context), options(options), diags(diags) {}
  virtual ~Emitter() = default;

  mlir::OpBuilder b;
  const EmitOptions &options;
  DiagnosticList &diags;
  mlir::Location loc = mlir::UnknownLoc::get(b.getContext()); // of the expression under visit

  // --- errors
  // exception: of a Python host, where it is not the usual one of the id.
  [[noreturn]] void fail(DiagId id, std::string message, std::string help = {}, std::string exception = {});
  [[noreturn]] void failType(std::string message, std::string help = {}) {
    fail(DiagId::WrongType, std::move(message), std::move(help));
  }
  // Of a type that the operation does not take, where Triton calls the value wrong.
  [[noreturn]] void failValue(std::string message, std::string help = {}) {
    fail(DiagId::WrongType, std::move(message), std::move(help), "ValueError");
  }
  // Arguments that a function's parameters do not take.
  [[noreturn]] void failBinding(std::string message, std::string help = {}) {
    fail(DiagId::BadArgument, std::move(message), std::move(help), "TypeError");
  }
  [[noreturn]] void failArgument(std::string message, std::string help = {}) {
    fail(DiagId::BadArgument, std::move(message), std::move(help));
  }
  [[noreturn]] void notSupported(const std::string &what);
  void warn(DiagId id, std::string message);
  virtual SourcePlace currentPlace() const = 0;
  virtual std::vector<Diagnostic::Note> callNotes() const { return {}; }
  virtual std::string currentFunction() const { return {}; }
  // Whether +, - and * of integers under visit are to be checked.
  virtual bool checksOverflow() const { return options.debug && options.sanitizeOverflow && !inRegion; }
  // Regions of reductions and scans around the builder. Their order is open, and with it which partial sums wrap.
  unsigned inRegion = 0;

  // --- values
  static Value tensor(mlir::Value v, TensorType t);
  static Value scalar(mlir::Value v, ScalarKind k) { return tensor(v, scalarType(py::dtype(k))); }
  static Value constant(HostValue h);
  // The number or text that a constant is by inheritance (a member of an IntEnum); other values as they are.
  static Value plain(const Value &v);
  static Value constInt(int64_t v);
  static Value constBool(bool v);
  static Value constStr(std::string s);
  static Value none();
  static Value tuple(std::vector<Value> items, std::vector<std::string> names = {}, std::string typeName = {});
  static Value typeValue(TensorType t);
  mlir::Type irType(DType t);
  mlir::Type irType(const TensorType &t);
  Value intConstant(DType t, int64_t v, llvm::ArrayRef<int64_t> shape = {}, bool block = false);
  Value floatConstant(DType t, double v, llvm::ArrayRef<int64_t> shape = {}, bool block = false);
  Value number(const Value &v, DType t); // a host number as a runtime scalar of type t
  Value zeroOf(const TensorType &t);
  // Numbers become runtime scalars (bool int1; int32, uint32, int64, uint64 by range; fp32 or fp64); tensors stay.
  Value toTensor(const Value &v);
  // The type that toTensor would give to a number.
  DType numberType(const Value &v);
  std::string describeType(const Value &v); // for messages
  std::string describe(const Value &v);     // str() of a constant, the type of the rest

  // --- host constants as arguments; `what` names the argument in messages
  int64_t needInt(const Value &v, std::string_view what);
  bool needBool(const Value &v, std::string_view what);
  std::string needString(const Value &v, std::string_view what);
  DType needDType(const Value &v, std::string_view what);
  std::optional<DType> asDType(const Value &v);                                  // also of "fp16" strings
  llvm::SmallVector<int64_t, 4> needInts(const Value &v, std::string_view what); // an int or a tuple of ints
  static std::string constexprAdvice(const Value &v);      // what to do about a value that should be known now
  llvm::SmallVector<int64_t, 4> needShape(const Value &v); // checked: powers of two, size limit
  std::vector<Value> items(const Value &v);                // of a tuple or host list; else the value alone
  void checkShape(llvm::ArrayRef<int64_t> shape);

  // --- arithmetic (Arithmetic.cpp)
  Value binary(BinOpKind op, const Value &a, const Value &b);
  Value compare(Relation op, const Value &a, const Value &b);
  Value negate(const Value &v);
  Value invert(const Value &v);
  Value logicalNot(const Value &v);
  Value logical(BoolOpKind op, const Value &a, const Value &b);
  Value minMax(bool isMax, const Value &a, const Value &b, bool propagateNan);
  Value where(const Value &cond, const Value &x, const Value &y);
  Value clamp(const Value &x, const Value &lo, const Value &hi, bool propagateNan);
  // Promotes and broadcasts two operands to one type.
  std::pair<Value, Value> unify(const Value &a, const Value &b, bool lhsPtr = false, bool rhsPtr = false,
                                bool arithmetic = true, bool divOrMod = false);
  Value addOffset(const Value &ptr, const Value &offset);

  // --- conversions (Cast.cpp)
  Value cast(const Value &v, DType to, std::optional<int> rounding = std::nullopt);
  Value bitcast(const Value &v, DType to);
  Value toBool(const Value &v); // != 0
  // A condition of if, while, and, assert: a scalar int1.
  Value condition(const Value &v);

  // --- shapes (Shape.cpp)
  std::pair<Value, Value> broadcast(const Value &a, const Value &b);
  Value broadcastTo(const Value &v, llvm::ArrayRef<int64_t> shape);
  Value splat(const Value &scalar, llvm::ArrayRef<int64_t> shape);
  Value expandDims(const Value &v, int64_t axis);
  Value reshape(const Value &v, llvm::ArrayRef<int64_t> shape, bool reorder = false);
  Value permute(const Value &v, llvm::ArrayRef<int64_t> order);
  Value join(const Value &a, const Value &b);
  std::pair<Value, Value> split(const Value &v);
  Value arange(int64_t start, int64_t end);
  Value full(llvm::ArrayRef<int64_t> shape, bool block, const Value &v, DType t);
  Value extractScalar(const Value &v);
  Value gather(const Value &src, const Value &index, int64_t axis);
  int64_t checkAxis(int64_t axis, size_t rank, std::string_view what);

  // --- whole tiles (Reduce.cpp)
  using Combine = std::function<std::vector<Value>(llvm::ArrayRef<Value>)>;
  std::vector<Value> reduce(std::vector<Value> inputs, std::optional<int64_t> axis, bool keepDims,
                            const Combine &combine);
  std::vector<Value> scan(std::vector<Value> inputs, int64_t axis, bool reverse, const Combine &combine);
  Combine simpleCombine(ReduceKind kind);
  Value reduceSimple(ReduceKind kind, const Value &v, std::optional<int64_t> axis, bool keepDims);
  std::pair<Value, Value> reduceArg(bool isMax, const Value &v, std::optional<int64_t> axis, bool keepDims,
                                    bool tieLeft);
  Value sort(const Value &v, int64_t axis, bool descending);

  // Math functions of one type in, the same out (Math.cpp): checks nothing.
  Value mathOp(std::string_view name, const Value &x);

protected:
  template <class Op> Value elementwise(const Value &a, const Value &b) {
    return tensor(Op::create(this->b, loc, a.ir, b.ir), a.type);
  }
  template <class Op> Value unaryOp(const Value &a) { return tensor(Op::create(this->b, loc, a.ir), a.type); }
  template <class Op> Value convert(const Value &a, DType to) {
    TensorType t = a.type.with(to);
    return tensor(Op::create(this->b, loc, irType(t), a.ir), t);
  }
  Value mod(const Value &a, const Value &b);
  Value trueDivide(const Value &a, const Value &b);
  Value shift(BinOpKind op, const Value &a, const Value &b);
  void assertNoOverflow(BinOpKind op, const Value &a, const Value &b);
  void checkPointers(DType a, DType b, bool allowPtr);
  Value throughFloat(const Value &a, const Value &b, const std::function<Value(Value, Value)> &f);
};

} // namespace tessera::py
