// Arithmetic.cpp - binary and unary operators, comparisons, selection
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Emitter.h"

#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

namespace tessera::py {

namespace arith = mlir::arith;
using K = ScalarKind;

static constexpr const char *kForIntegers =
    "shifts and bitwise operators are for integers: convert with `.to(tl.int32)`, or reinterpret with `bitcast=True`";

void Emitter::checkPointers(DType a, DType b, bool allowPtr) {
  if (!a.isPtr())
    return;
  bool mismatch = !allowPtr || (b.isPtr() && a.kind != b.kind) || b.isFloat();
  if (mismatch)
    failType("invalid operands of type " + a.repr() + " and " + b.repr(),
             "a pointer takes integers added to it or subtracted, and is compared with its like; what it points to is "
             "loaded "
             "with `tl.load`");
}

std::pair<Value, Value> Emitter::unify(const Value &a, const Value &b, bool lhsPtr, bool rhsPtr, bool arithmetic,
                                       bool divOrMod) {
  bool aNumber = a.isNumber(), bNumber = b.isNumber();
  auto elemOf = [&](const Value &v) {
    if (v.isNumber())
      return numberType(v);
    return toTensor(v).type.elem; // fails where v is neither
  };
  DType ta = elemOf(a), tb = elemOf(b);
  checkPointers(ta, tb, lhsPtr);
  checkPointers(tb, ta, rhsPtr);
  Value x = a, y = b;
  if (arithmetic && !ta.isPtr() && !tb.isPtr()) {
    Promotion p = promote(ta, aNumber, tb, bNumber, divOrMod);
    if (!p.type)
      failType(p.error);
    DType t = *p.type;
    auto place = [&](const Value &v, bool isNumber, bool otherIsNumber) {
      if (!isNumber)
        return cast(v, t);
      if (t.isInt() && v.host.isIntOrBool()) {
        BigInt i = v.host.bigInt();
        if (i.isNegative() && t.isUnsigned())
          failValue(
              "Cannot perform a binary operation between an unsigned tensor and a negative scalar. Perform a explicit "
              "cast on one of them.");
        unsigned bits = t.isSigned() ? t.bits() - 1 : t.bits();
        bool fits = i.isNegative() ? (-i - BigInt(1)).bitLength() <= bits : i.bitLength() <= bits;
        if (!fits)
          failValue("Scalar " + str(v.host) + " is out of range for type " + t.str());
      }
      return number(v, t);
    };
    x = place(a, aNumber, bNumber);
    y = place(b, bNumber, aNumber);
  } else {
    x = toTensor(a);
    y = toTensor(b);
  }
  return broadcast(x, y);
}

// fp8 has storage only: computed in fp32 and rounded back.
Value Emitter::throughFloat(const Value &a, const Value &b, const std::function<Value(Value, Value)> &f) {
  DType t = a.type.elem;
  if (!t.isFp8())
    return f(a, b);
  Value r = f(cast(a, py::dtype(K::FP32)), cast(b, py::dtype(K::FP32)));
  return r.type.elem.isFloat() ? cast(r, t) : r;
}

Value Emitter::addOffset(const Value &ptr, const Value &offset) {
  Value o = offset;
  DType t = o.type.elem;
  if (!t.isInt())
    failType("invalid operands of type " + ptr.type.elem.repr() + " and " + t.repr(),
             "what is added to a pointer is an integer, counted in elements");
  if (t.isUnsigned() && t.bits() < 64)
    o = tensor(arith::ExtUIOp::create(b, loc, irType(o.type.with(py::dtype(K::Int64))), o.ir),
               o.type.with(py::dtype(K::Int64)));
  else if (t.bits() < 32)
    o = cast(o, py::dtype(K::Int32));
  auto [p, q] = broadcast(ptr, o);
  return tensor(tile::AddPtrOp::create(b, loc, p.ir, q.ir), p.type);
}

Value Emitter::trueDivide(const Value &a, const Value &b) {
  auto [x, y] = unify(a, b, false, false, true, true);
  if (x.type.elem.isInt()) {
    x = cast(x, py::dtype(K::FP32));
    y = cast(y, py::dtype(K::FP32));
  }
  // Triton's `/` promises two units in the last place, not a correctly rounded quotient (that is div_rn).
  return throughFloat(x, y, [&](const Value &p, const Value &q) {
    Value quotient = elementwise<arith::DivFOp>(p, q);
    if (auto op = quotient.ir.getDefiningOp<arith::DivFOp>())
      op.setFastmath(arith::FastMathFlags::afn);
    return quotient;
  });
}

Value Emitter::mod(const Value &a, const Value &b) {
  auto [x, y] = unify(a, b, false, false, true, true);
  if (x.type.elem.isFloat())
    return throughFloat(x, y, [&](const Value &p, const Value &q) { return elementwise<arith::RemFOp>(p, q); });
  return x.type.elem.isSigned() ? elementwise<arith::RemSIOp>(x, y) : elementwise<arith::RemUIOp>(x, y);
}

Value Emitter::shift(BinOpKind op, const Value &a, const Value &b) {
  auto [x, y] = unify(a, b, false, false, true, false);
  if (!x.type.elem.isInt())
    failType("invalid operands of type " + x.type.elem.repr() + " and " + y.type.elem.repr(), kForIntegers);
  if (op == BinOpKind::LShift)
    return elementwise<arith::ShLIOp>(x, y);
  // Signed by what was shifted before promotion; beside a Python number by the other operand.
  bool isSigned = a.isTensor() ? a.type.elem.isSigned() : b.type.elem.isSigned();
  return isSigned ? elementwise<arith::ShRSIOp>(x, y) : elementwise<arith::ShRUIOp>(x, y);
}

// Computed again in 64 bits, which hold every sum and product of 32; the result must fit the type.
void Emitter::assertNoOverflow(BinOpKind op, const Value &a, const Value &b) {
  DType t = a.type.elem, wide = py::dtype(K::Int64);
  if (t.bits() >= 64)
    return;
  Value x = cast(a, wide), y = cast(b, wide);
  Value r = op == BinOpKind::Add   ? elementwise<arith::AddIOp>(x, y)
            : op == BinOpKind::Sub ? elementwise<arith::SubIOp>(x, y)
                                   : elementwise<arith::MulIOp>(x, y);
  unsigned bits = t.isSigned() ? t.bits() - 1 : t.bits();
  Value high = intConstant(wide, (int64_t(1) << bits) - 1, r.type.shape, r.type.block);
  Value low = intConstant(wide, t.isSigned() ? -(int64_t(1) << bits) : 0, r.type.shape, r.type.block);
  Value fits = binary(BinOpKind::BitAnd, compare(Relation::Le, r, high), compare(Relation::Ge, r, low));
  std::string name = op == BinOpKind::Add ? "add" : op == BinOpKind::Sub ? "sub" : "mul";
  tile::AssertOp::create(this->b, loc, fits.ir,
                         "int" + std::to_string(t.bits()) + " overflow detected for operation " + name, mlir::Value());
}

Value Emitter::binary(BinOpKind op, const Value &a, const Value &b) {
  auto simple = [&](auto intOp, auto floatOp) {
    auto [x, y] = unify(a, b);
    if (x.type.elem.isInt()) {
      if (checksOverflow())
        assertNoOverflow(op, x, y);
      return elementwise<decltype(intOp)>(x, y);
    }
    return throughFloat(x, y, [&](const Value &p, const Value &q) { return elementwise<decltype(floatOp)>(p, q); });
  };
  auto bits = [&](auto intOp) {
    auto [x, y] = unify(a, b, false, false, true, false);
    if (!x.type.elem.isInt())
      failType("invalid operands of type " + x.type.elem.repr() + " and " + y.type.elem.repr(), kForIntegers);
    return elementwise<decltype(intOp)>(x, y);
  };
  auto isPtr = [](const Value &v) { return v.isTensor() && v.type.elem.isPtr(); };
  switch (op) {
  case BinOpKind::Add:
    if (isPtr(a) || isPtr(b)) {
      auto [x, y] = unify(a, b, true, true);
      if (x.type.elem.isPtr() && y.type.elem.isPtr())
        failType("cannot add pointers together");
      return x.type.elem.isPtr() ? addOffset(x, y) : addOffset(y, x);
    }
    return simple(arith::AddIOp(), arith::AddFOp());
  case BinOpKind::Sub:
    if (isPtr(a) || isPtr(b)) {
      auto [x, y] = unify(a, b, true, false);
      return addOffset(x, negate(y));
    }
    return simple(arith::SubIOp(), arith::SubFOp());
  case BinOpKind::Mult:
    return simple(arith::MulIOp(), arith::MulFOp());
  case BinOpKind::Div:
    return trueDivide(a, b);
  case BinOpKind::FloorDiv: {
    auto [x, y] = unify(a, b, false, false, true, true);
    if (!x.type.elem.isInt())
      failType("unexpected type " + x.type.elem.str() + " for //: it takes integers",
               "divide with / and round with tl.floor for floats");
    return x.type.elem.isSigned() ? elementwise<arith::DivSIOp>(x, y) : elementwise<arith::DivUIOp>(x, y);
  }
  case BinOpKind::Mod:
    return mod(a, b);
  case BinOpKind::LShift:
  case BinOpKind::RShift:
    return shift(op, a, b);
  case BinOpKind::BitAnd:
    return bits(arith::AndIOp());
  case BinOpKind::BitOr:
    return bits(arith::OrIOp());
  case BinOpKind::BitXor:
    return bits(arith::XOrIOp());
  case BinOpKind::Pow:
    failType("** is for constexpr values only", "for runtime values use tl.exp2(tl.log2(x) * y), or multiply");
  case BinOpKind::MatMult:
    failType("@ is for constexpr values only", "use tl.dot(a, b)");
  }
  failType("unknown operator");
}

namespace {
// Whether a number is one of the type's, so that comparing it there tells the same as comparing where both are promoted to.
bool isExact(const HostValue &n, DType t) {
  if (t.isPtr())
    return false;
  if (t.isInt()) {
    if (!n.isIntOrBool())
      return false;
    BigInt i = n.bigInt();
    unsigned bits = t.isSigned() ? t.bits() - 1 : t.bits();
    return i.isNegative() ? t.isSigned() && (-i - BigInt(1)).bitLength() <= bits : i.bitLength() <= bits;
  }
  if (n.isIntOrBool() && n.bigInt().bitLength() > 53)
    return false;
  double d = *n.toDouble();
  if (d != d || d == 0 || t.is(K::FP64))
    return true;
  int exponent = 0;
  double scaled = std::ldexp(std::frexp(d, &exponent), static_cast<int>(t.mantissaBits()) + 1);
  bool inRange = t.is(K::FP16) ? exponent > -14 && exponent <= 16 : exponent > -126 && exponent <= 128;
  return (t.is(K::FP16) || t.is(K::BF16) || t.is(K::FP32)) && inRange && scaled == std::trunc(scaled);
}
} // namespace

// A number that is compared is a value of its own type, int32 or fp32 as a rule, and promotes the other.
Value Emitter::compare(Relation op, const Value &a, const Value &b) {
  auto beside = [&](const Value &v, const Value &other) {
    return v.isNumber() && other.isTensor() && !isExact(v.host, other.type.elem) ? toTensor(v) : v;
  };
  auto [x, y] = unify(beside(a, b), beside(b, a));
  DType t = x.type.elem;
  TensorType result = x.type.with(py::dtype(K::Int1));
  if (t.isFloat()) {
    if (t.isFp8()) {
      x = cast(x, py::dtype(K::FP32));
      y = cast(y, py::dtype(K::FP32));
    }
    static constexpr arith::CmpFPredicate p[] = {arith::CmpFPredicate::OEQ, arith::CmpFPredicate::UNE,
                                                 arith::CmpFPredicate::OLT, arith::CmpFPredicate::OLE,
                                                 arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE};
    return tensor(arith::CmpFOp::create(this->b, loc, p[static_cast<int>(op)], x.ir, y.ir), result);
  }
  using P = arith::CmpIPredicate;
  static constexpr P s[] = {P::eq, P::ne, P::slt, P::sle, P::sgt, P::sge};
  static constexpr P u[] = {P::eq, P::ne, P::ult, P::ule, P::ugt, P::uge};
  return tensor(arith::CmpIOp::create(this->b, loc, (t.isSigned() ? s : u)[static_cast<int>(op)], x.ir, y.ir), result);
}

Value Emitter::negate(const Value &v) {
  if (v.type.elem.isPtr())
    failValue("wrong type argument to unary minus (" + v.type.elem.repr() + ")");
  Value zero = zeroOf(v.type);
  if (v.type.elem.isInt() && checksOverflow())
    assertNoOverflow(BinOpKind::Sub, zero, v);
  if (v.type.elem.isInt())
    return elementwise<arith::SubIOp>(zero, v);
  return throughFloat(zero, v, [&](const Value &p, const Value &q) { return elementwise<arith::SubFOp>(p, q); });
}

Value Emitter::invert(const Value &v) {
  if (!v.type.elem.isInt())
    failValue("wrong type argument to unary invert (" + v.type.elem.repr() + ")");
  return elementwise<arith::XOrIOp>(v, intConstant(v.type.elem, -1, v.type.shape, v.type.block));
}

Value Emitter::logicalNot(const Value &v) { return invert(bitcast(v, py::dtype(K::Int1))); }

Value Emitter::logical(BoolOpKind op, const Value &a, const Value &b) {
  Value x = bitcast(toTensor(a), py::dtype(K::Int1)), y = bitcast(toTensor(b), py::dtype(K::Int1));
  return binary(op == BoolOpKind::And ? BinOpKind::BitAnd : BinOpKind::BitOr, x, y);
}

Value Emitter::minMax(bool isMax, const Value &a, const Value &b, bool propagateNan) {
  // Numbers are values of their own types here: maximum(fp16, 0.0) is fp32.
  auto widen = [&](const Value &v) {
    Value t = toTensor(v);
    return t.type.elem.is(K::BF16) ? cast(t, py::dtype(K::FP32)) : t;
  };
  auto [x, y] = unify(widen(a), widen(b));
  DType t = x.type.elem;
  if (t.isFloat())
    return throughFloat(x, y, [&](const Value &p, const Value &q) {
      if (propagateNan)
        return isMax ? elementwise<arith::MaximumFOp>(p, q) : elementwise<arith::MinimumFOp>(p, q);
      return isMax ? elementwise<arith::MaxNumFOp>(p, q) : elementwise<arith::MinNumFOp>(p, q);
    });
  if (t.isSigned())
    return isMax ? elementwise<arith::MaxSIOp>(x, y) : elementwise<arith::MinSIOp>(x, y);
  return isMax ? elementwise<arith::MaxUIOp>(x, y) : elementwise<arith::MinUIOp>(x, y);
}

Value Emitter::where(const Value &cond, const Value &xIn, const Value &yIn) {
  for (const Value *v : {&xIn, &yIn})
    if (v->kind == ValueKind::BlockPtr || v->kind == ValueKind::Descriptor)
      failType("tl.where chooses between tensors, not values of type " + describeType(*v),
               "of one condition for the whole program: `x if condition else y`");
  Value c = toTensor(cond);
  if (!c.type.elem.isBool()) {
    warn(DiagId::Deprecated,
         "tl.where with a non-boolean condition is deprecated and will error out in a future triton release. Got " +
             c.type.elem.str());
    c = cast(c, py::dtype(K::Int1));
  }
  auto [x, y] = unify(xIn, yIn, true, true);
  if (!(x.type.elem == y.type.elem))
    failType("invalid operands of type " + x.type.elem.repr() + " and " + y.type.elem.repr());
  if (c.isBlock()) {
    std::tie(c, x) = broadcast(c, x);
    std::tie(x, y) = broadcast(x, y);
    std::tie(c, x) = broadcast(c, x);
  } else if (x.isBlock()) {
    c = splat(c, x.type.shape);
  }
  return tensor(arith::SelectOp::create(b, loc, c.ir, x.ir, y.ir), x.type);
}

Value Emitter::clamp(const Value &xIn, const Value &loIn, const Value &hiIn, bool propagateNan) {
  Value x = toTensor(xIn), lo = toTensor(loIn), hi = toTensor(hiIn);
  for (Value *v : {&x, &lo, &hi})
    if (v->type.elem.is(K::BF16))
      *v = cast(*v, py::dtype(K::FP32));
  std::tie(lo, hi) = unify(lo, hi);
  std::tie(x, lo) = unify(x, lo);
  std::tie(x, hi) = unify(x, hi);
  std::tie(x, lo) = broadcast(x, lo);
  if (!x.type.elem.isFloat())
    failType("Unexpected dtype " + x.type.elem.str() + ". Only floating point clamp is supported",
             "use tl.minimum(tl.maximum(x, lo), hi) for integers");
  return minMax(false, minMax(true, x, lo, propagateNan), hi, propagateNan);
}

} // namespace tessera::py
