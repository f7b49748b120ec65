// ScalarSemantics.cpp - lookup by opcode; integers, selection, conversions, atomics, random bits
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/ScalarSemantics.h"

#include "core/interpreter/ScalarFloat.h"

#include <cmath>

namespace tessera::scalar {

using tbc::Opcode;

namespace {
unsigned width(const Context &c) { return intBits(c.in); }
uint64_t wrap(const Context &c, uint64_t v) { return v & lowMask(width(c)); }
int64_t sx(const Context &c, uint64_t v) { return signExtend(v, width(c)); }

#define BINARY(name, expression)                                                                                       \
  uint64_t name(const Context &c, uint64_t a, uint64_t b, uint64_t) { return wrap(c, expression); }
#define UNARY(name, expression)                                                                                        \
  uint64_t name(const Context &c, uint64_t a, uint64_t, uint64_t) { return wrap(c, expression); }

BINARY(addI, a + b)
BINARY(subI, a - b)
BINARY(mulI, a *b)
BINARY(andI, a &b)
BINARY(orI, a | b)
BINARY(xorI, a ^ b)
BINARY(divUI, b ? a / b : lowMask(width(c)))
BINARY(remUI, b ? a % b : a)
// -min / -1 wraps to min, as the unsigned negation does.
BINARY(divSI, b == 0 ? lowMask(width(c)) : sx(c, b) == -1 ? 0 - a : static_cast<uint64_t>(sx(c, a) / sx(c, b)))
BINARY(remSI, b == 0 ? a : sx(c, b) == -1 ? 0 : static_cast<uint64_t>(sx(c, a) % sx(c, b)))
BINARY(shlI, b >= width(c) ? 0 : a << b)
BINARY(shrUI, b >= width(c) ? 0 : a >> b)
BINARY(shrSI, static_cast<uint64_t>(sx(c, a) >> (b >= width(c) ? 63 : b)))
BINARY(minSI, sx(c, a) < sx(c, b) ? a : b)
BINARY(maxSI, sx(c, a) > sx(c, b) ? a : b)
BINARY(minUI, a < b ? a : b)
BINARY(maxUI, a > b ? a : b)
BINARY(mulHiUI, static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b >> width(c)))
BINARY(mulHiSI, static_cast<uint64_t>(static_cast<__int128>(sx(c, a)) * sx(c, b) >> width(c)))
UNARY(absI, sx(c, a) < 0 ? 0 - a : a)
UNARY(ctLz, static_cast<uint64_t>(std::countl_zero(a)) - (64 - width(c)))
UNARY(ctPop, static_cast<uint64_t>(std::popcount(a)))
UNARY(ctTz, a ? static_cast<uint64_t>(std::countr_zero(a)) : width(c))

uint64_t cmpI(const Context &c, uint64_t a, uint64_t b, uint64_t) {
  int64_t x = sx(c, a), y = sx(c, b);
  switch (static_cast<tbc::CmpI>(c.attr)) {
  case tbc::CmpI::Eq:
    return a == b;
  case tbc::CmpI::Ne:
    return a != b;
  case tbc::CmpI::Slt:
    return x < y;
  case tbc::CmpI::Sle:
    return x <= y;
  case tbc::CmpI::Sgt:
    return x > y;
  case tbc::CmpI::Sge:
    return x >= y;
  case tbc::CmpI::Ult:
    return a < b;
  case tbc::CmpI::Ule:
    return a <= b;
  case tbc::CmpI::Ugt:
    return a > b;
  case tbc::CmpI::Uge:
    return a >= b;
  }
  return 0;
}

uint64_t select(const Context &, uint64_t a, uint64_t b, uint64_t c) { return a & 1 ? b : c; }
uint64_t identity(const Context &, uint64_t a, uint64_t, uint64_t) { return a; }
uint64_t truncI(const Context &c, uint64_t a, uint64_t, uint64_t) { return a & lowMask(intBits(c.out)); }
uint64_t extSI(const Context &c, uint64_t a, uint64_t, uint64_t) {
  return static_cast<uint64_t>(sx(c, a)) & lowMask(intBits(c.out));
}

uint64_t intToFloat(const Context &c, uint64_t magnitude, bool negative) {
  // Straight from the integer: through a double there would be two roundings.
  if (c.out == Elem::F32)
    return bitsOf(negative ? -static_cast<float>(magnitude) : static_cast<float>(magnitude));
  if (c.out == Elem::F64)
    return bitsOf(negative ? -static_cast<double>(magnitude) : static_cast<double>(magnitude));
  return encodeFloat(c.out, oddDouble(magnitude, negative));
}
uint64_t siToFP(const Context &c, uint64_t a, uint64_t, uint64_t) {
  int64_t v = sx(c, a);
  return intToFloat(c, v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v), v < 0);
}
uint64_t uiToFP(const Context &c, uint64_t a, uint64_t, uint64_t) { return intToFloat(c, a, false); }

// Out of range saturates and NaN gives 0: one of the values that "unspecified" allows.
uint64_t fpToSI(const Context &c, uint64_t a, uint64_t, uint64_t) {
  unsigned w = intBits(c.out);
  double v = decodeFloat(c.in, a), bound = std::ldexp(1.0, static_cast<int>(w) - 1);
  if (v != v)
    return 0;
  if (v >= bound)
    return lowMask(w - 1);
  if (v <= -bound)
    return uint64_t(1) << (w - 1);
  return static_cast<uint64_t>(static_cast<int64_t>(v)) & lowMask(w);
}
uint64_t fpToUI(const Context &c, uint64_t a, uint64_t, uint64_t) {
  unsigned w = intBits(c.out);
  double v = decodeFloat(c.in, a);
  if (!(v > 0))
    return 0;
  if (v >= std::ldexp(1.0, static_cast<int>(w)))
    return lowMask(w);
  return static_cast<uint64_t>(v);
}

uint64_t fpToFP(const Context &c, uint64_t a, uint64_t, uint64_t) {
  return encodeFloat(c.out, decodeFloat(c.in, a), static_cast<Rounding>(c.attr));
}
uint64_t addPtr(const Context &c, uint64_t a, uint64_t b, uint64_t) {
  return a + static_cast<uint64_t>(signExtend(b, intBits(c.offset))) * (tbc::elemBits(c.in) / 8);
}

// clang-format off
Fn integerFn(Opcode code) {
  switch (code) {
#define CASE(Name, function)                                                                                             \
  case Opcode::Name:                                                                                                     \
    return function;
    CASE(AddI, addI) CASE(SubI, subI) CASE(MulI, mulI) CASE(DivSI, divSI) CASE(DivUI, divUI) CASE(RemSI, remSI) CASE(RemUI, remUI)
    CASE(AndI, andI) CASE(OrI, orI) CASE(XorI, xorI) CASE(ShlI, shlI) CASE(ShrSI, shrSI) CASE(ShrUI, shrUI) CASE(MinSI, minSI)
    CASE(MaxSI, maxSI) CASE(MinUI, minUI) CASE(MaxUI, maxUI) CASE(MulHiUI, mulHiUI) CASE(MulHiSI, mulHiSI) CASE(CmpI, cmpI)
    CASE(AbsI, absI) CASE(CtLz, ctLz) CASE(CtPop, ctPop) CASE(CtTz, ctTz)
    CASE(Select, select) CASE(Bitcast, identity) CASE(Hint, identity) CASE(PtrToInt, identity) CASE(IntToPtr, identity)
    CASE(ExtUI, identity) CASE(TruncI, truncI) CASE(ExtSI, extSI) CASE(SIToFP, siToFP) CASE(UIToFP, uiToFP)
    CASE(FPToSI, fpToSI) CASE(FPToUI, fpToUI) CASE(FPToFP, fpToFP) CASE(AddPtr, addPtr)
#undef CASE
  default:
    return nullptr;
  }
}
// clang-format on
} // namespace

Fn scalarFn(Opcode code, Elem in) {
  if (Fn f = integerFn(code))
    return f;
  return floatFn(code, in);
}

Fn scalarFn(const tbc::Module &m, const tbc::Op &op, Context &context) {
  if (op.operands.empty() || op.results.size() != 1)
    return nullptr;
  const tbc::Type &in = m.typeOf(op.operands[op.code == Opcode::Select && op.operands.size() > 1 ? 1 : 0]);
  context.in = in.elem;
  context.pointer = in.pointer;
  context.out = m.typeOf(op.results[0]).elem;
  if (op.code == Opcode::AddPtr)
    context.offset = m.typeOf(op.operands[1]).elem;
  context.attr = op.code == Opcode::FPToFP ? op.intAttr(tbc::AttrId::Rounding) : op.intAttr(tbc::AttrId::Predicate);
  return scalarFn(op.code, context.in);
}

bool canBeUnspecified(Opcode code) {
  switch (code) {
  case Opcode::DivSI:
  case Opcode::DivUI:
  case Opcode::RemSI:
  case Opcode::RemUI:
  case Opcode::FPToSI:
  case Opcode::FPToUI:
    return true;
  default:
    return false;
  }
}

bool isUnspecified(Opcode code, const Context &c, uint64_t a, uint64_t b) {
  switch (code) {
  case Opcode::DivUI:
  case Opcode::RemUI:
    return b == 0;
  case Opcode::DivSI:
  case Opcode::RemSI:
    return b == 0 || (b == lowMask(width(c)) && a == uint64_t(1) << (width(c) - 1));
  case Opcode::FPToSI: {
    double v = std::trunc(decodeFloat(c.in, a)), bound = std::ldexp(1.0, static_cast<int>(intBits(c.out)) - 1);
    return !(v >= -bound && v < bound);
  }
  case Opcode::FPToUI: {
    double v = std::trunc(decodeFloat(c.in, a));
    return !(v >= 0 && v < std::ldexp(1.0, static_cast<int>(intBits(c.out))));
  }
  default:
    return false;
  }
}

void philox(Elem e, int64_t rounds, const uint64_t in[6], uint64_t out[4]) {
  bool wide = e == Elem::I64;
  Context c;
  c.in = e;
  const uint64_t keyA = wide ? 0x9e3779b97f4a7c15ull : 0x9e3779b9ull,
                 keyB = wide ? 0xbb67ae8584caa73bull : 0xbb67ae85ull;
  const uint64_t roundA = wide ? 0xd2e7470ee14c6c93ull : 0xd2511f53ull,
                 roundB = wide ? 0xca5a826395121157ull : 0xcd9e8d57ull;
  uint64_t k0 = in[0], k1 = in[1], c0 = in[2], c1 = in[3], c2 = in[4], c3 = in[5];
  for (int64_t i = 0; i < rounds; ++i) {
    uint64_t previous0 = c0, previous2 = c2;
    c0 = mulHiUI(c, roundB, previous2, 0) ^ c1 ^ k0;
    c2 = mulHiUI(c, roundA, previous0, 0) ^ c3 ^ k1;
    c1 = wrap(c, roundB * previous2);
    c3 = wrap(c, roundA * previous0);
    k0 = wrap(c, k0 + keyA);
    k1 = wrap(c, k1 + keyB);
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

uint64_t atomicResult(tbc::Rmw kind, Elem e, uint64_t old, uint64_t value) {
  Context c;
  c.in = c.out = e;
  switch (kind) {
  case tbc::Rmw::Add:
    return addI(c, old, value, 0);
  case tbc::Rmw::FAdd:
    return floatFn(Opcode::AddF, e)(c, old, value, 0);
  case tbc::Rmw::Max:
    return tbc::isFloat(e) ? floatFn(Opcode::MaxNumF, e)(c, old, value, 0) : maxSI(c, old, value, 0);
  case tbc::Rmw::Min:
    return tbc::isFloat(e) ? floatFn(Opcode::MinNumF, e)(c, old, value, 0) : minSI(c, old, value, 0);
  case tbc::Rmw::UMax:
    return maxUI(c, old, value, 0);
  case tbc::Rmw::UMin:
    return minUI(c, old, value, 0);
  case tbc::Rmw::And:
    return old & value;
  case tbc::Rmw::Or:
    return old | value;
  case tbc::Rmw::Xor:
    return old ^ value;
  case tbc::Rmw::Xchg:
    return value;
  }
  return value;
}

double decodeE2M1(unsigned nibble) {
  static constexpr double values[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  double v = values[nibble & 7];
  return nibble & 8 ? -v : v;
}

double decodeE8M0(unsigned byte) { return byte == 255 ? std::nan("") : std::ldexp(1.0, static_cast<int>(byte) - 127); }

} // namespace tessera::scalar
