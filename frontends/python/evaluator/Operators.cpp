// Operators.cpp - arithmetic, comparisons, truth, hashing
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/EvaluatorImpl.h"

#include <algorithm>
#include <cmath>

namespace tessera::py {

namespace {
constexpr size_t kMaxBits = 1 << 17, kMaxElements = 1 << 20;

std::string_view methodName(BinOpKind op) {
  static constexpr std::string_view names[] = {"add",    "sub",    "mul", "matmul", "truediv", "mod",     "pow",
                                               "lshift", "rshift", "or",  "xor",    "and",     "floordiv"};
  return names[static_cast<size_t>(op)];
}

// a / b, rounded once: the quotient of scaled integers carries 66 bits and a sticky one.
double quotient(const BigInt &a, const BigInt &b) {
  if (a.bitLength() <= 53 && b.bitLength() <= 53)
    return a.toDouble() / b.toDouble();
  bool negative = a.isNegative() != b.isNegative();
  BigInt x = a.isNegative() ? -a : a, y = b.isNegative() ? -b : b, q, r;
  ptrdiff_t shift = static_cast<ptrdiff_t>(y.bitLength()) - static_cast<ptrdiff_t>(x.bitLength()) + 66;
  if (shift > 0)
    x = x.shiftLeft(static_cast<size_t>(shift));
  else
    y = y.shiftLeft(static_cast<size_t>(-shift));
  BigInt::floorDivMod(x, y, q, r);
  if (!r.isZero() && !q.isOdd())
    q = q + BigInt(1);
  double v = std::ldexp(q.toDouble(), static_cast<int>(std::clamp<ptrdiff_t>(-shift, -5000, 5000)));
  return negative ? -v : v;
}

MaybeValue integerBinary(Evaluator &ev, BinOpKind op, const HostValue &x, const HostValue &y) {
  BigInt a = x.bigInt(), b = y.bigInt();
  bool bothBool = x.isBool() && y.isBool();
  switch (op) {
  case BinOpKind::Add:
    return HostValue::integer(a + b);
  case BinOpKind::Sub:
    return HostValue::integer(a - b);
  case BinOpKind::Mult:
    if (a.bitLength() + b.bitLength() > kMaxBits)
      return ev.raise("OverflowError", "the product is too large to compute at compile time");
    return HostValue::integer(a * b);
  case BinOpKind::FloorDiv:
  case BinOpKind::Mod: {
    if (b.isZero())
      return ev.raise("ZeroDivisionError",
                      op == BinOpKind::Mod ? "integer modulo by zero" : "integer division or modulo by zero");
    BigInt q, r;
    BigInt::floorDivMod(a, b, q, r);
    return HostValue::integer(op == BinOpKind::Mod ? r : q);
  }
  case BinOpKind::Div: {
    if (b.isZero())
      return ev.raise("ZeroDivisionError", "division by zero");
    double v = quotient(a, b);
    if (!std::isfinite(v))
      return ev.raise("OverflowError", "integer division result too large for a float");
    return HostValue::real(v);
  }
  case BinOpKind::Pow: {
    if (b.isNegative()) {
      if (a.isZero())
        return ev.raise("ZeroDivisionError", "0.0 cannot be raised to a negative power");
      return HostValue::real(std::pow(a.toDouble(), b.toDouble()));
    }
    auto e = b.toU64();
    if (a.bitLength() > 1 && (!e || *e > kMaxBits || *e * a.bitLength() > kMaxBits))
      return ev.raise("OverflowError", "the power is too large to compute at compile time");
    if (a.bitLength() <= 1) // 0, 1, -1
      return HostValue::integer(b.isZero() ? BigInt(1) : a.isNegative() && !b.isOdd() ? BigInt(1) : a);
    return HostValue::integer(a.power(*e));
  }
  case BinOpKind::LShift:
  case BinOpKind::RShift: {
    if (b.isNegative())
      return ev.raise("ValueError", "negative shift count");
    auto n = b.toU64();
    if (op == BinOpKind::RShift)
      return HostValue::integer(n && *n < kMaxBits * 2 ? a.shiftRight(*n) : a.isNegative() ? BigInt(-1) : BigInt(0));
    if (!a.isZero() && (!n || *n > kMaxBits))
      return ev.raise("OverflowError", "the shift is too large to compute at compile time");
    return HostValue::integer(a.isZero() ? a : a.shiftLeft(*n));
  }
  case BinOpKind::BitAnd:
    return bothBool ? HostValue::boolean(x.boolValue() && y.boolValue()) : HostValue::integer(a & b);
  case BinOpKind::BitOr:
    return bothBool ? HostValue::boolean(x.boolValue() || y.boolValue()) : HostValue::integer(a | b);
  case BinOpKind::BitXor:
    return bothBool ? HostValue::boolean(x.boolValue() != y.boolValue()) : HostValue::integer(a ^ b);
  case BinOpKind::MatMult:
    break;
  }
  return ev.raise("TypeError", "unsupported operand type(s) for @: 'int' and 'int'");
}

// Python's: quotient toward minus infinity, remainder with the divisor's sign.
double floatMod(double a, double b) {
  double m = std::fmod(a, b);
  if (m != 0 && (m < 0) != (b < 0))
    m += b;
  return m == 0 ? std::copysign(0.0, b) : m;
}

double floatFloorDiv(double a, double b) {
  double q = (a - floatMod(a, b)) / b;
  if (q == 0)
    return std::copysign(0.0, a / b);
  double f = std::floor(q);
  return q - f > 0.5 ? f + 1 : f;
}

MaybeValue floatBinary(Evaluator &ev, BinOpKind op, double a, double b) {
  switch (op) {
  case BinOpKind::Add:
    return HostValue::real(a + b);
  case BinOpKind::Sub:
    return HostValue::real(a - b);
  case BinOpKind::Mult:
    return HostValue::real(a * b);
  case BinOpKind::Div:
    if (b == 0)
      return ev.raise("ZeroDivisionError", "float division by zero");
    return HostValue::real(a / b);
  case BinOpKind::FloorDiv:
    if (b == 0)
      return ev.raise("ZeroDivisionError", "float floor division by zero");
    return HostValue::real(floatFloorDiv(a, b));
  case BinOpKind::Mod:
    if (b == 0)
      return ev.raise("ZeroDivisionError", "float modulo");
    return HostValue::real(floatMod(a, b));
  case BinOpKind::Pow: {
    if (a == 0 && b < 0)
      return ev.raise("ZeroDivisionError", "0.0 cannot be raised to a negative power");
    if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b))
      return ev.raise(
          "ValueError",
          "a negative number cannot be raised to a fractional power: complex numbers are not supported here");
    double v = std::pow(a, b);
    if (std::isinf(v) && std::isfinite(a) && std::isfinite(b))
      return ev.raise("OverflowError", "(34, 'Numerical result out of range')");
    return HostValue::real(v);
  }
  default:
    return ev.raise("TypeError",
                    "unsupported operand type(s) for " + std::string(spelling(op)) + ": 'float' and 'float'");
  }
}

MaybeValue repeat(Evaluator &ev, const HostValue &sequence, const HostValue &count) {
  auto n = count.toI64();
  int64_t times = n ? std::max<int64_t>(*n, 0) : 0;
  size_t size = sequence.isStr() ? sequence.str().size() : sequence.elements().size();
  if (!n || (size && static_cast<uint64_t>(times) > kMaxElements / size))
    return ev.raise("OverflowError", "the repeated sequence is too large for compile time");
  if (sequence.isStr()) {
    std::string s;
    for (int64_t i = 0; i < times; ++i)
      s += sequence.str();
    return HostValue::string(std::move(s));
  }
  Values v;
  for (int64_t i = 0; i < times; ++i)
    v.insert(v.end(), sequence.elements().begin(), sequence.elements().end());
  return sequence.isTuple() ? HostValue::tuple(std::move(v)) : HostValue::list(std::move(v));
}

// Sets and dicts: | & - ^
MaybeValue setBinary(Evaluator &ev, BinOpKind op, const HostValue &a, const HostValue &b) {
  HostValue out = a.kind() == HostKind::Dict ? makeDict() : makeSet();
  DictAccess result{ev, *out.get<DictObject>()}, left{ev, *a.get<DictObject>()}, right{ev, *b.get<DictObject>()};
  for (auto &[k, v] : left.d.entries) {
    TSR_TRY(there, right.find(k));
    bool inBoth = *there >= 0;
    if (op == BinOpKind::BitOr || (op == BinOpKind::BitAnd && inBoth) ||
        ((op == BinOpKind::Sub || op == BinOpKind::BitXor) && !inBoth))
      result.set(k, v);
  }
  if (op == BinOpKind::BitOr || op == BinOpKind::BitXor)
    for (auto &[k, v] : right.d.entries) {
      TSR_TRY(there, left.find(k));
      if (op == BinOpKind::BitOr || *there < 0)
        result.set(k, v);
    }
  return out;
}
} // namespace

HostValue unwrapped(const HostValue &v) {
  if (v.isForeign())
    if (auto plain = v.get<ForeignObject>()->unwrap())
      return *plain;
  return v;
}

namespace {
// As unwrapped; members of an IntEnum are their numbers.
HostValue operandOf(const HostValue &v) {
  if (v.kind() == HostKind::Instance && v.get<InstanceObject>()->cls->isIntEnum)
    return *v.get<InstanceObject>()->find("value");
  return unwrapped(v);
}

// The live object among the operands, whose side decides; null: there is none.
LiveObject *liveAmong(const HostValue &a, const HostValue &b) {
  LiveObject *live = liveObject(a);
  return live ? live : liveObject(b);
}
HostValue asText(std::string_view s) { return HostValue::string(std::string(s)); }
} // namespace

MaybeValue EvaluatorImpl::instanceBinary(BinOpKind op, const HostValue &a, const HostValue &b, bool &handled) {
  handled = false;
  std::string name(methodName(op));
  for (bool reflected : {false, true}) {
    const HostValue &self = reflected ? b : a;
    if (self.kind() != HostKind::Instance || !lookupMethod(self, (reflected ? "__r" : "__") + name + "__"))
      continue;
    TSR_TRY(r, callMethod(self, (reflected ? "__r" : "__") + name + "__", {reflected ? a : b}));
    if (r->kind() != HostKind::NotImplemented) {
      handled = true;
      return r;
    }
  }
  return HostValue();
}

MaybeValue Evaluator::binary(BinOpKind op, const HostValue &left, const HostValue &right) {
  HostValue a = operandOf(left), b = operandOf(right);
  if (a.isIntOrBool() && b.isIntOrBool())
    return integerBinary(*this, op, a, b);
  auto x = a.toDouble(), y = b.toDouble();
  if (x && y) {
    if ((a.isInt() && std::isinf(*x)) || (b.isInt() && std::isinf(*y)))
      return raise("OverflowError", "int too large to convert to float");
    return floatBinary(*this, op, *x, *y);
  }
  if (LiveObject *live = liveAmong(a, b))
    return live->apply(*this, LiveOp::Binary, {asText(spelling(op)), a, b});
  HostKind ka = a.kind(), kb = b.kind();
  bool isSequenceA = ka == HostKind::Str || ka == HostKind::Tuple || ka == HostKind::List;
  bool isSequenceB = kb == HostKind::Str || kb == HostKind::Tuple || kb == HostKind::List;
  if (op == BinOpKind::Add && isSequenceA && ka == kb) {
    if (a.isStr()) {
      impl_->steps += (a.str().size() + b.str().size()) / 64;
      return HostValue::string(a.str() + b.str());
    }
    impl_->steps += a.elements().size() + b.elements().size();
    Values v = a.elements();
    v.insert(v.end(), b.elements().begin(), b.elements().end());
    return a.isTuple() ? HostValue::tuple(std::move(v)) : HostValue::list(std::move(v));
  }
  bool repeatsA = op == BinOpKind::Mult && isSequenceA && b.isIntOrBool(),
       repeatsB = op == BinOpKind::Mult && isSequenceB && a.isIntOrBool();
  if (repeatsA || repeatsB) {
    TSR_TRY(r, repeatsA ? repeat(*this, a, b) : repeat(*this, b, a));
    impl_->steps += r->isStr() ? r->str().size() / 64 : r->elements().size();
    return r;
  }
  if (op == BinOpKind::Mod && a.isStr()) {
    TSR_TRY(s, impl_->percentFormat(a.str(), b));
    return HostValue::string(std::move(*s));
  }
  bool setOp = op == BinOpKind::BitOr || op == BinOpKind::BitAnd || op == BinOpKind::Sub || op == BinOpKind::BitXor;
  if (setOp && ka == kb && (ka == HostKind::Set || (ka == HostKind::Dict && op == BinOpKind::BitOr)))
    return setBinary(*this, op, a, b);
  bool handled = false;
  TSR_TRY(r, impl_->instanceBinary(op, a, b, handled));
  if (handled)
    return r;
  for (const HostValue *v : {&a, &b})
    if (v->kind() == HostKind::Opaque)
      return impl_->unsupported("'" + v->get<OpaqueObject>()->path +
                                "' is not available when compiling without Python, so it cannot be an operand of '" +
                                std::string(spelling(op)) + "'");
  return raise("TypeError", "unsupported operand type(s) for " +
                                std::string(op == BinOpKind::Pow ? "** or pow()" : spelling(op)) + ": '" + typeName(a) +
                                "' and '" + typeName(b) + "'");
}

MaybeValue Evaluator::unary(UnaryOpKind op, const HostValue &operand) {
  HostValue a = operandOf(operand);
  if (op == UnaryOpKind::Not) {
    TSR_TRY(t, truth(a));
    return HostValue::boolean(!*t);
  }
  if (LiveObject *live = liveObject(a))
    return live->apply(*this, LiveOp::Unary, {asText(spelling(op)), a});
  if (a.isIntOrBool())
    return HostValue::integer(op == UnaryOpKind::USub     ? -a.bigInt()
                              : op == UnaryOpKind::Invert ? ~a.bigInt()
                                                          : a.bigInt());
  if (a.isFloat() && op != UnaryOpKind::Invert)
    return HostValue::real(op == UnaryOpKind::USub ? -a.floatValue() : a.floatValue());
  if (a.kind() == HostKind::Instance) {
    std::string name = op == UnaryOpKind::USub ? "__neg__" : op == UnaryOpKind::UAdd ? "__pos__" : "__invert__";
    if (impl_->lookupMethod(a, name))
      return impl_->callMethod(a, name, {});
  }
  return raise("TypeError", "bad operand type for unary " + std::string(spelling(op)) + ": '" + typeName(a) + "'");
}

std::optional<bool> EvaluatorImpl::equals(const HostValue &left, const HostValue &right) {
  HostValue a = unwrapped(left), b = unwrapped(right);
  if (a.isIntOrBool() && b.isIntOrBool())
    return a.bigInt() == b.bigInt();
  auto x = a.toDouble(), y = b.toDouble();
  if (x && y)
    return *x == *y;
  if (LiveObject *live = liveAmong(a, b)) {
    TSR_TRY(r, live->apply(ev, LiveOp::Compare, {asText("=="), a, b}));
    return ev.truth(*r);
  }
  HostKind ka = a.kind(), kb = b.kind();
  for (bool swap : {false, true}) {
    const HostValue &self = swap ? b : a;
    if (self.kind() == HostKind::Instance && lookupMethod(self, "__eq__")) {
      TSR_TRY(r, callMethod(self, "__eq__", {swap ? a : b}));
      if (r->kind() != HostKind::NotImplemented)
        return ev.truth(*r);
    }
  }
  if (ka == HostKind::Instance && kb != HostKind::Instance && a.get<InstanceObject>()->cls->isIntEnum)
    return equals(*a.get<InstanceObject>()->find("value"), b);
  if (kb == HostKind::Instance && ka != HostKind::Instance && b.get<InstanceObject>()->cls->isIntEnum)
    return equals(a, *b.get<InstanceObject>()->find("value"));
  if (ka != kb)
    return false;
  switch (ka) {
  case HostKind::Tuple:
  case HostKind::List: {
    // Copies: a comparison may change a list. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    Values va = a.elements(), vb = b.elements();
    if (va.size() != vb.size())
      return false;
    if (!step())
      return std::nullopt;
    for (size_t i = 0; i < va.size(); ++i) {
      TSR_TRY(same, va[i].isSame(vb[i]) ? std::optional<bool>(true) : equals(va[i], vb[i]));
      if (!*same)
        return false;
    }
    return true;
  }
  case HostKind::Dict:
  case HostKind::Set: {
    DictAccess da{ev, *a.get<DictObject>()}, db{ev, *b.get<DictObject>()};
    if (da.d.entries.size() != db.d.entries.size())
      return false;
    for (auto &[k, v] : da.d.entries) {
      TSR_TRY(at, db.find(k));
      if (*at < 0)
        return false;
      TSR_TRY(same, ka == HostKind::Set ? std::optional<bool>(true)
                                        : equals(v, db.d.entries[static_cast<size_t>(*at)].second));
      if (!*same)
        return false;
    }
    return true;
  }
  case HostKind::Range: {
    auto *r = a.get<RangeObject>(), *q = b.get<RangeObject>();
    int64_t n = r->size();
    return n == q->size() && (n == 0 || (r->start == q->start && (n == 1 || r->step == q->step)));
  }
  case HostKind::Instance: {
    auto *p = a.get<InstanceObject>(), *q = b.get<InstanceObject>();
    if (p == q)
      return true;
    if (p->cls != q->cls || p->cls->flavour != ClassFlavour::Dataclass)
      return false;
    for (const std::string &f : p->cls->fields) {
      TSR_TRY(same, equals(*p->find(f), *q->find(f)));
      if (!*same)
        return false;
    }
    return true;
  }
  default:
    return a.isSame(b);
  }
}

std::optional<int> EvaluatorImpl::order(const HostValue &left, const HostValue &right) {
  HostValue a = operandOf(left), b = operandOf(right);
  if (a.isIntOrBool() && b.isIntOrBool()) {
    auto c = a.bigInt() <=> b.bigInt();
    return c < 0 ? -1 : c > 0 ? 1 : 0;
  }
  auto x = a.toDouble(), y = b.toDouble();
  if (x && y)
    return std::isnan(*x) || std::isnan(*y) ? 2 : *x < *y ? -1 : *x > *y ? 1 : 0;
  if (a.isStr() && b.isStr()) {
    int c = a.str().compare(b.str());
    return c < 0 ? -1 : c > 0 ? 1 : 0;
  }
  if (a.kind() == b.kind() && (a.isTuple() || a.isList())) {
    if (!step())
      return std::nullopt;
    // Copies: a comparison may change a list. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    Values va = a.elements(), vb = b.elements();
    for (size_t i = 0; i < std::min(va.size(), vb.size()); ++i) {
      TSR_TRY(same, equals(va[i], vb[i]));
      if (!*same)
        return order(va[i], vb[i]);
    }
    return va.size() < vb.size() ? -1 : va.size() > vb.size() ? 1 : 0;
  }
  return ev.raise("TypeError",
                  "'<' not supported between instances of '" + typeName(a) + "' and '" + typeName(b) + "'");
}

std::optional<bool> Evaluator::compare(CmpOpKind op, const HostValue &a, const HostValue &b) {
  switch (op) {
  case CmpOpKind::Is:
    return a.isSame(b);
  case CmpOpKind::IsNot:
    return !a.isSame(b);
  case CmpOpKind::Eq:
    return impl_->equals(a, b);
  case CmpOpKind::NotEq: {
    TSR_TRY(e, impl_->equals(a, b));
    return !*e;
  }
  case CmpOpKind::In:
  case CmpOpKind::NotIn: {
    HostValue item = unwrapped(a), v = unwrapped(b);
    bool found = false;
    if (LiveObject *live = liveObject(v)) {
      TSR_TRY(r, live->apply(*this, LiveOp::Compare, {asText(spelling(op)), item, v}));
      return truth(*r);
    }
    if (v.isStr()) {
      if (!item.isStr())
        return raise("TypeError", "'in <string>' requires string as left operand, not " + typeName(item));
      found = v.str().find(item.str()) != std::string::npos;
    } else if (v.kind() == HostKind::Dict || v.kind() == HostKind::Set) {
      TSR_TRY(at, (DictAccess{*this, *v.get<DictObject>()}.find(item)));
      found = *at >= 0;
    } else if (v.kind() == HostKind::Instance && impl_->lookupMethod(v, "__contains__")) {
      TSR_TRY(r, impl_->callMethod(v, "__contains__", {item}));
      TSR_TRY(t, truth(*r));
      found = *t;
    } else {
      TSR_TRY(list, iterate(v));
      for (const HostValue &x : *list) {
        TSR_TRY(same, x.isSame(item) ? std::optional<bool>(true) : impl_->equals(x, item));
        if (*same) {
          found = true;
          break;
        }
      }
    }
    return found == (op == CmpOpKind::In);
  }
  default:
    break;
  }
  // < <= > >=
  if (LiveObject *live = liveAmong(unwrapped(a), unwrapped(b))) {
    TSR_TRY(r, live->apply(*this, LiveOp::Compare, {asText(spelling(op)), unwrapped(a), unwrapped(b)}));
    return truth(*r);
  }
  static constexpr std::string_view methods[] = {"", "", "__lt__", "__le__", "__gt__", "__ge__"};
  static constexpr std::string_view mirrored[] = {"", "", "__gt__", "__ge__", "__lt__", "__le__"};
  for (bool swap : {false, true}) {
    const HostValue &self = swap ? b : a;
    std::string_view name = (swap ? mirrored : methods)[static_cast<size_t>(op)];
    if (self.kind() == HostKind::Instance && impl_->lookupMethod(self, name)) {
      TSR_TRY(r, impl_->callMethod(self, name, {swap ? a : b}));
      if (r->kind() != HostKind::NotImplemented)
        return truth(*r);
    }
  }
  if (a.kind() == HostKind::Set && b.kind() == HostKind::Set) { // subsets
    const HostValue &small = op == CmpOpKind::Lt || op == CmpOpKind::LtE ? a : b, &big = &small == &a ? b : a;
    DictAccess in{*this, *big.get<DictObject>()};
    for (auto &entry : small.get<DictObject>()->entries) {
      TSR_TRY(at, in.find(entry.first));
      if (*at < 0)
        return false;
    }
    bool strict = op == CmpOpKind::Lt || op == CmpOpKind::Gt;
    return !strict || small.get<DictObject>()->entries.size() < in.d.entries.size();
  }
  auto c = impl_->order(a, b);
  if (!c) {
    if (error_ && error_->type == "TypeError")
      error_->message.replace(0, 3, "'" + std::string(spelling(op)) + "'");
    return std::nullopt;
  }
  switch (op) {
  case CmpOpKind::Lt:
    return *c == -1;
  case CmpOpKind::LtE:
    return *c == -1 || *c == 0;
  case CmpOpKind::Gt:
    return *c == 1;
  default:
    return *c == 1 || *c == 0;
  }
}

std::optional<bool> Evaluator::truth(const HostValue &value) {
  HostValue v = unwrapped(value);
  switch (v.kind()) {
  case HostKind::None:
    return false;
  case HostKind::Bool:
    return v.boolValue();
  case HostKind::Int:
    return !v.bigInt().isZero();
  case HostKind::Float:
    return v.floatValue() != 0;
  case HostKind::Str:
    return !v.str().empty();
  case HostKind::Tuple:
  case HostKind::List:
    return !v.elements().empty();
  case HostKind::Dict:
  case HostKind::Set:
    return !v.get<DictObject>()->entries.empty();
  case HostKind::Range:
    return v.get<RangeObject>()->size() != 0;
  case HostKind::Foreign:
    if (LiveObject *live = liveObject(v)) {
      TSR_TRY(r, live->apply(*this, LiveOp::Truth, {v}));
      return r->isBool() && r->boolValue();
    }
    return v.get<ForeignObject>()->truth();
  case HostKind::Opaque:
    return impl_->unsupported("'" + v.get<OpaqueObject>()->path +
                              "' is not available when compiling without Python, so its truth is unknown");
  case HostKind::Instance:
    for (std::string_view name : {"__bool__", "__len__"})
      if (impl_->lookupMethod(v, name)) {
        TSR_TRY(r, impl_->callMethod(v, name, {}));
        return truth(*r);
      }
    if (v.get<InstanceObject>()->cls->isIntEnum)
      return truth(*v.get<InstanceObject>()->find("value"));
    return true;
  default:
    return true;
  }
}

std::optional<size_t> Evaluator::hash(const HostValue &value) {
  HostValue v = unwrapped(value);
  switch (v.kind()) {
  case HostKind::Bool:
  case HostKind::Int: {
    BigInt b = v.bigInt();
    return b.bitLength() <= 64 ? std::hash<uint64_t>()(b.wrapU64()) : std::hash<double>()(b.toDouble());
  }
  case HostKind::Float: {
    double d = v.floatValue();
    if (d == std::floor(d) && std::fabs(d) < 1e18)
      return std::hash<uint64_t>()(static_cast<uint64_t>(static_cast<int64_t>(d)));
    return std::hash<double>()(d);
  }
  case HostKind::Str:
    return std::hash<std::string>()(v.str());
  case HostKind::Tuple: {
    size_t h = 0x9E3779B9;
    for (const HostValue &x : v.elements()) {
      TSR_TRY(one, hash(x));
      h = h * 1000003 ^ *one;
    }
    return h;
  }
  case HostKind::Opaque:
    return std::hash<std::string>()(v.get<OpaqueObject>()->path);
  case HostKind::Foreign:
    if (LiveObject *live = liveObject(v)) {
      TSR_TRY(r, live->apply(*this, LiveOp::Hash, {v}));
      return r->isIntOrBool() ? static_cast<size_t>(r->bigInt().wrapU64()) : 0;
    }
    return v.get<ForeignObject>()->hash();
  case HostKind::List:
  case HostKind::Dict:
  case HostKind::Set:
    return raise("TypeError", "unhashable type: '" + typeName(v) + "'");
  case HostKind::Instance: {
    auto *i = v.get<InstanceObject>();
    if (impl_->lookupMethod(v, "__hash__")) {
      TSR_TRY(r, impl_->callMethod(v, "__hash__", {}));
      return r->toI64() ? static_cast<size_t>(*r->toI64()) : 0;
    }
    if (i->cls->isIntEnum)
      return hash(*i->find("value"));
    if (i->cls->flavour == ClassFlavour::Dataclass) {
      if (!i->cls->isFrozen)
        return raise("TypeError", "unhashable type: '" + typeName(v) + "'");
      size_t h = 17;
      for (const std::string &f : i->cls->fields) {
        TSR_TRY(one, hash(*i->find(f)));
        h = h * 1000003 ^ *one;
      }
      return h;
    }
    return std::hash<void *>()(i);
  }
  default:
    return std::hash<void *>()(v.shared().get()) + static_cast<size_t>(v.kind());
  }
}

std::optional<ptrdiff_t> DictAccess::find(const HostValue &key) {
  TSR_TRY(h, ev.hash(key));
  auto [first, last] = d.index.equal_range(*h);
  for (auto it = first; it != last; ++it) {
    const HostValue &k = d.entries[it->second].first;
    TSR_TRY(same, k.isSame(key) ? std::optional<bool>(true) : ev.compare(CmpOpKind::Eq, k, key));
    if (*same)
      return static_cast<ptrdiff_t>(it->second);
  }
  return -1;
}

bool DictAccess::set(const HostValue &key, const HostValue &value) {
  auto at = find(key);
  if (!at)
    return false;
  if (*at >= 0) {
    d.entries[static_cast<size_t>(*at)].second = value;
    return true;
  }
  auto h = ev.hash(key);
  if (!h)
    return false;
  d.index.emplace(*h, d.entries.size());
  d.entries.emplace_back(key, value);
  return true;
}

bool DictAccess::erase(ptrdiff_t at) {
  d.entries.erase(d.entries.begin() + at);
  d.index.clear();
  for (size_t i = 0; i < d.entries.size(); ++i) {
    auto h = ev.hash(d.entries[i].first);
    if (!h)
      return false;
    d.index.emplace(*h, i);
  }
  return true;
}

HostValue makeDict() { return HostValue::object(HostKind::Dict, std::make_shared<DictObject>()); }
HostValue makeSet() { return HostValue::object(HostKind::Set, std::make_shared<DictObject>()); }

} // namespace tessera::py
