// CasesConversion.cpp - every conversion between every pair of types that has one
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Case.h"

namespace tessera::conformance {

using namespace tbc;

namespace {

constexpr int64_t kCount = 256; // every bit pattern of 8 bits once
constexpr Elem kInts[] = {Elem::I1, Elem::I8, Elem::I16, Elem::I32, Elem::I64};
constexpr Elem kFloats[] = {Elem::F8E5M2, Elem::F8E4M3FN, Elem::F8E4M3FNUZ, Elem::F8E5M2FNUZ, Elem::F8E4B15,
                            Elem::F16,    Elem::BF16,     Elem::F32,        Elem::F64};

unsigned widthOf(Elem e) { return e == Elem::I1 ? 1 : elemBits(e); }

Case convert(Opcode op, Elem from, Elem to, Fill fill, Attrs attrs = {}, const char *suffix = "") {
  std::string name(opInfo(op)->name);
  CaseBuilder c(name + "/" + typeName(from) + "-" + typeName(to) + suffix, name);
  size_t a = c.in(from, kCount, fill), o = c.out(to, kCount);
  c.store(o, c.b().convert(op, c.load(a, {kCount}), to, std::move(attrs)));
  return c.finish();
}

void addIntegers(std::vector<Case> &out) {
  for (Elem from : kInts)
    for (Elem to : kInts) {
      if (widthOf(from) > widthOf(to))
        out.push_back(convert(Opcode::TruncI, from, to, Fill::Any));
      if (widthOf(from) < widthOf(to)) {
        out.push_back(convert(Opcode::ExtUI, from, to, Fill::Any));
        out.push_back(convert(Opcode::ExtSI, from, to, Fill::Any));
      }
    }
}

void addMixed(std::vector<Case> &out) {
  for (Elem f : {Elem::F16, Elem::BF16, Elem::F32, Elem::F64})
    for (Elem i : kInts) {
      out.push_back(convert(Opcode::UIToFP, i, f, Fill::Any));
      out.push_back(convert(Opcode::SIToFP, i, f, Fill::Any));
      if (i == Elem::I1)
        continue;
      out.push_back(convert(Opcode::FPToSI, f, i, Fill::InRange));
      out.push_back(convert(Opcode::FPToUI, f, i, Fill::InRange));
    }
}

void addFloats(std::vector<Case> &out) {
  for (Elem from : kFloats)
    for (Elem to : kFloats) {
      if (from == to)
        continue;
      // What a NaN becomes in a type that has none, and with which sign, is nobody's promise.
      Fill fill = to == Elem::F8E4B15 ? Fill::Finite : Fill::Any;
      out.push_back(convert(Opcode::FPToFP, from, to, fill));
      if (elemBits(to) < elemBits(from))
        out.push_back(convert(Opcode::FPToFP, from, to, fill, {intAttr(AttrId::Rounding, 1)}, "/rtz"));
      if (elemBits(to) < elemBits(from) && isFp8(to))
        out.push_back(convert(Opcode::FPToFP, from, to, fill, {intAttr(AttrId::Rounding, 2)}, "/saturating"));
    }
}

Case pointerRoundTrip() {
  CaseBuilder c("ptrtoint/f32/round-trip", "ptrtoint");
  size_t a = c.in(Elem::F32, kCount), o = c.out(Elem::F32, kCount);
  ValueId from = c.pointers(a, kCount);
  Builder &b = c.b();
  ValueId address = b.op(Opcode::PtrToInt, {from});
  ValueId pointer = b.op(Opcode::IntToPtr, {address}, Builder::ptrTensor({kCount}, Elem::F32));
  c.store(o, b.load(pointer));
  return c.finish();
}

Case pointerOffset(Elem offset) {
  CaseBuilder c("addptr/" + typeName(offset) + "/negative", "addptr");
  size_t a = c.in(Elem::I16, kCount), o = c.out(Elem::I16, kCount);
  ValueId from = c.pointers(a, kCount);
  ValueId end = c.b().op(Opcode::AddPtr, {from, c.b().constInt(Builder::tensor({kCount}, Elem::I32), kCount)});
  ValueId back = c.b().constInt(Builder::tensor({kCount}, offset), -kCount);
  c.store(o, c.b().load(c.b().op(Opcode::AddPtr, {end, back})));
  return c.finish();
}

} // namespace

void addConversionCases(std::vector<Case> &out) {
  addIntegers(out);
  addMixed(out);
  addFloats(out);
  const Elem pairs[][2] = {{Elem::F32, Elem::I32},  {Elem::I64, Elem::F64},   {Elem::F16, Elem::BF16},
                           {Elem::BF16, Elem::I16}, {Elem::F8E5M2, Elem::I8}, {Elem::I8, Elem::F8E4M3FN}};
  for (const auto &p : pairs)
    out.push_back(convert(Opcode::Bitcast, p[0], p[1], Fill::Finite));
  out.push_back(pointerRoundTrip());
  out.push_back(pointerOffset(Elem::I32));
  out.push_back(pointerOffset(Elem::I64));
}

} // namespace tessera::conformance
