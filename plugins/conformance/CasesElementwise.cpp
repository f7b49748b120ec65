// CasesElementwise.cpp - arithmetic and math, every op with every type it takes, as tiles and as scalars
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Case.h"

#include <bit>
#include <cstring>

namespace tessera::conformance {

using namespace tbc;

namespace {

constexpr int64_t kCount = 64;
constexpr Elem kInts[] = {Elem::I8, Elem::I16, Elem::I32, Elem::I64};
constexpr Elem kFloats[] = {Elem::F16, Elem::BF16, Elem::F32, Elem::F64};

struct Row {
  Opcode op;
  int operands;
  Fill first, second;
  Tolerance tolerance;
};

// Tolerances: + - * / sqrt and what rounds once are exact; functions have the ulps that the interpreter and a good
// library may differ by together (interpreter at most 1, library 2, erf 4), rarer ones more.
constexpr Tolerance kExact{}, kZeros{0, true}, kMath{4, false}, kErf{6, false}, kRare{8, false};
const Row kFloatRows[] = {
    {Opcode::AddF, 2, Fill::Any, Fill::Any, kExact},         {Opcode::SubF, 2, Fill::Any, Fill::Any, kExact},
    {Opcode::MulF, 2, Fill::Any, Fill::Any, kExact},         {Opcode::DivF, 2, Fill::Any, Fill::Any, kExact},
    {Opcode::RemF, 2, Fill::Finite, Fill::Positive, kExact}, {Opcode::NegF, 1, Fill::Any, Fill::Any, kExact},
    {Opcode::MinNumF, 2, Fill::Any, Fill::Any, kZeros},      {Opcode::MaxNumF, 2, Fill::Any, Fill::Any, kZeros},
    {Opcode::MinimumF, 2, Fill::Any, Fill::Any, kZeros},     {Opcode::MaximumF, 2, Fill::Any, Fill::Any, kZeros},
    {Opcode::Fma, 3, Fill::Finite, Fill::Finite, kExact},    {Opcode::AbsF, 1, Fill::Any, Fill::Any, kExact},
    {Opcode::Floor, 1, Fill::Any, Fill::Any, kExact},        {Opcode::Ceil, 1, Fill::Any, Fill::Any, kExact},
    {Opcode::Trunc, 1, Fill::Any, Fill::Any, kExact},        {Opcode::Round, 1, Fill::Any, Fill::Any, kExact},
    {Opcode::RoundEven, 1, Fill::Any, Fill::Any, kExact},    {Opcode::Sqrt, 1, Fill::Any, Fill::Any, kExact},
    {Opcode::Rsqrt, 1, Fill::Positive, Fill::Any, kMath},    {Opcode::Exp, 1, Fill::Any, Fill::Any, kMath},
    {Opcode::Exp2, 1, Fill::Any, Fill::Any, kMath},          {Opcode::Log, 1, Fill::Any, Fill::Any, kMath},
    {Opcode::Log2, 1, Fill::Any, Fill::Any, kMath},          {Opcode::Sin, 1, Fill::Finite, Fill::Any, kMath},
    {Opcode::Cos, 1, Fill::Finite, Fill::Any, kMath},        {Opcode::Erf, 1, Fill::Any, Fill::Any, kErf},
    {Opcode::Tanh, 1, Fill::Any, Fill::Any, kMath},          {Opcode::Tan, 1, Fill::Unit, Fill::Any, kRare},
    {Opcode::Asin, 1, Fill::Unit, Fill::Any, kRare},         {Opcode::Acos, 1, Fill::Unit, Fill::Any, kRare},
    {Opcode::Atan, 1, Fill::Any, Fill::Any, kRare},          {Opcode::Atan2, 2, Fill::Finite, Fill::Finite, kRare},
    {Opcode::Sinh, 1, Fill::Unit, Fill::Any, kRare},         {Opcode::Cosh, 1, Fill::Unit, Fill::Any, kRare},
    {Opcode::Asinh, 1, Fill::Finite, Fill::Any, kRare},      {Opcode::Acosh, 1, Fill::Positive, Fill::Any, kRare},
    {Opcode::Atanh, 1, Fill::Unit, Fill::Any, kRare},        {Opcode::Expm1, 1, Fill::Finite, Fill::Any, kRare},
    {Opcode::Log1p, 1, Fill::Positive, Fill::Any, kRare},    {Opcode::Log10, 1, Fill::Positive, Fill::Any, kRare},
    {Opcode::Cbrt, 1, Fill::Finite, Fill::Any, kRare},       {Opcode::Pow, 2, Fill::Positive, Fill::Small, kRare},
    {Opcode::CopySign, 2, Fill::Any, Fill::Any, kExact},     {Opcode::Erfc, 1, Fill::Unit, Fill::Any, kRare},
};
const Row kIntRows[] = {
    {Opcode::AddI, 2, Fill::Any, Fill::Any, kExact},       {Opcode::SubI, 2, Fill::Any, Fill::Any, kExact},
    {Opcode::MulI, 2, Fill::Any, Fill::Any, kExact},       {Opcode::DivSI, 2, Fill::Any, Fill::Positive, kExact},
    {Opcode::DivUI, 2, Fill::Any, Fill::Positive, kExact}, {Opcode::RemSI, 2, Fill::Any, Fill::Positive, kExact},
    {Opcode::RemUI, 2, Fill::Any, Fill::Positive, kExact}, {Opcode::AndI, 2, Fill::Any, Fill::Any, kExact},
    {Opcode::OrI, 2, Fill::Any, Fill::Any, kExact},        {Opcode::XorI, 2, Fill::Any, Fill::Any, kExact},
    {Opcode::ShlI, 2, Fill::Any, Fill::Shift, kExact},     {Opcode::ShrSI, 2, Fill::Any, Fill::Shift, kExact},
    {Opcode::ShrUI, 2, Fill::Any, Fill::Shift, kExact},    {Opcode::MinSI, 2, Fill::Any, Fill::Any, kExact},
    {Opcode::MaxSI, 2, Fill::Any, Fill::Any, kExact},      {Opcode::MinUI, 2, Fill::Any, Fill::Any, kExact},
    {Opcode::MaxUI, 2, Fill::Any, Fill::Any, kExact},      {Opcode::MulHiUI, 2, Fill::Any, Fill::Any, kExact},
    {Opcode::MulHiSI, 2, Fill::Any, Fill::Any, kExact},    {Opcode::AbsI, 1, Fill::Any, Fill::Any, kExact},
    {Opcode::CtLz, 1, Fill::Any, Fill::Any, kExact},       {Opcode::CtPop, 1, Fill::Any, Fill::Any, kExact},
    {Opcode::CtTz, 1, Fill::Any, Fill::Any, kExact},
};

// One scalar would only ever be the first edge.
Fill notAllEdges(Fill fill, bool tile) { return !tile && fill == Fill::Any ? Fill::Finite : fill; }

Case make(const Row &row, Elem e, bool tile) {
  std::string op(opInfo(row.op)->name);
  CaseBuilder c(op + "/" + typeName(e) + (tile ? "/tile" : "/scalar"), op);
  std::vector<size_t> ins;
  size_t n = tile ? kCount : 1;
  for (int i = 0; i < row.operands; ++i)
    ins.push_back(c.in(e, n, notAllEdges(i == 0 ? row.first : row.second, tile)));
  size_t out = c.out(e, n, row.tolerance);
  Values operands;
  for (size_t i : ins)
    operands.push_back(c.load(i, tile ? std::vector<int64_t>{kCount} : std::vector<int64_t>{}));
  c.store(out, c.b().op(row.op, operands));
  return c.finish();
}

// All predicates of one type in one kernel: one output each.
Case compare(Opcode op, Elem e, int predicates) {
  std::string name(opInfo(op)->name);
  CaseBuilder c(name + "/" + typeName(e) + "/all-predicates", name);
  size_t a = c.in(e, kCount), b = c.in(e, kCount), first = 0;
  for (int p = 0; p < predicates; ++p) {
    size_t o = c.out(Elem::I1, kCount);
    first = p ? first : o;
  }
  ValueId x = c.load(a, {kCount}), y = c.load(b, {kCount});
  for (int p = 0; p < predicates; ++p)
    c.store(first + static_cast<size_t>(p), c.b().op(op, {x, y}, {intAttr(AttrId::Predicate, p)}));
  return c.finish();
}

// Sums just off the middle of two numbers of the narrow type: what rounds them to a wider one first gets the middle, and goes to the even one. The
// products are odd numbers of one digit more than the type has, the addends too small for f32 beside them, of both signs.
Case fusedTies(Elem e) {
  CaseBuilder c("fma/" + typeName(e) + "/ties", "fma");
  size_t x = c.in(e, kCount), y = c.in(e, kCount), z = c.in(e, kCount), o = c.out(e, kCount);
  ValueId a = c.load(x, {kCount}), b = c.load(y, {kCount}), d = c.load(z, {kCount});
  c.store(o, c.b().op(Opcode::Fma, {a, b, d}));
  auto set = [&](size_t buffer, size_t i, float v) {
    const uint16_t bits = e == Elem::F16 ? std::bit_cast<uint16_t>(static_cast<_Float16>(v))
                                         : static_cast<uint16_t>(std::bit_cast<uint32_t>(v) >> 16);
    std::memcpy(&c.raw().buffers[buffer].bytes[2 * i], &bits, 2);
  };
  // Multiples of an odd number, odd themselves, with 9 (bf16) or 12 (f16) binary digits.
  const bool isHalf = e == Elem::F16;
  const float factor = isHalf ? 33 : 17, first = isHalf ? 63 : 17, scale = isHalf ? 1 : 0x1p+40F;
  for (size_t i = 0; i < static_cast<size_t>(kCount); ++i) {
    const float sign = i & 1 ? -1 : 1, other = i & 2 ? -1 : 1;
    set(x, i, sign * factor * scale);
    set(y, i, first + 2 * static_cast<float>(i / 4 % 7));
    set(z, i, other * (isHalf ? 0x1p-20F : 0x1p-30F));
  }
  return c.finish();
}

Case select(Elem e, bool scalarCondition) {
  CaseBuilder c("select/" + typeName(e) + (scalarCondition ? "/scalar-condition" : "/tile"), "select");
  size_t k = c.in(Elem::I1, scalarCondition ? 1 : kCount), a = c.in(e, kCount), b = c.in(e, kCount),
         o = c.out(e, kCount);
  ValueId condition = c.load(k, scalarCondition ? std::vector<int64_t>{} : std::vector<int64_t>{kCount});
  ValueId x = c.load(a, {kCount}), y = c.load(b, {kCount});
  c.store(o, c.b().op(Opcode::Select, {condition, x, y}));
  return c.finish();
}

} // namespace

void addElementwiseCases(std::vector<Case> &out) {
  for (const Row &row : kIntRows)
    for (Elem e : kInts)
      out.push_back(make(row, e, true));
  // A set bit is -1 where signs count.
  for (Opcode op :
       {Opcode::AndI, Opcode::OrI, Opcode::XorI, Opcode::MinSI, Opcode::MaxSI, Opcode::MinUI, Opcode::MaxUI})
    out.push_back(make({op, 2, Fill::Any, Fill::Any, kExact}, Elem::I1, true));
  for (const Row &row : kFloatRows)
    for (Elem e : kFloats)
      out.push_back(make(row, e, true));
  for (const Row &row : kIntRows)
    out.push_back(make(row, Elem::I32, false));
  for (const Row &row : kFloatRows)
    out.push_back(make(row, Elem::F32, false));
  for (Elem e : {Elem::F16, Elem::BF16})
    out.push_back(fusedTies(e));
  for (Elem e : kInts)
    out.push_back(compare(Opcode::CmpI, e, 10));
  for (Elem e : kFloats)
    out.push_back(compare(Opcode::CmpF, e, 16));
  for (Elem e :
       {Elem::I1, Elem::I8, Elem::I16, Elem::I32, Elem::I64, Elem::F16, Elem::BF16, Elem::F32, Elem::F64, Elem::F8E5M2})
    out.push_back(select(e, false));
  out.push_back(select(Elem::F32, true));
}

} // namespace tessera::conformance
