// Instructions.cpp - the table of matrix instructions and the maps of their fragments
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/mma/Instructions.h"

namespace tessera::nvidia {

std::string Instruction::id() const {
  return (issue == Issue::WarpGroup ? "wgmma." : "mma.") + shape + "." + cText + "." + aText + "." + bText;
}

namespace {

Instruction warp(uint16_t k, uint8_t ab, uint8_t c, std::string abText, std::string cText) {
  Instruction i;
  i.k = k;
  i.a = i.b = ab;
  i.c = c;
  i.shape = "m16n8k" + std::to_string(k);
  i.aText = i.bText = std::move(abText);
  i.cText = std::move(cText);
  return i;
}

} // namespace

std::vector<Instruction> instructionsOf(unsigned sm, bool specific) {
  std::vector<Instruction> all;
  (void)specific;
  if (sm >= 80) {
    all.push_back(warp(16, TSR_F16, TSR_F32, "f16", "f32"));
    all.push_back(warp(16, TSR_BF16, TSR_F32, "bf16", "f32"));
    all.push_back(warp(16, TSR_F16, TSR_F16, "f16", "f16"));
    all.push_back(warp(8, TSR_F16, TSR_F32, "f16", "f32"));
    all.push_back(warp(8, TSR_BF16, TSR_F32, "bf16", "f32"));
    all.push_back(warp(8, TSR_F32, TSR_F32, "tf32", "f32"));
    all.push_back(warp(32, TSR_I8, TSR_I32, "s8", "s32"));
    all.push_back(warp(16, TSR_I8, TSR_I32, "s8", "s32"));
    Instruction d = warp(4, TSR_F64, TSR_F64, "f64", "f64");
    d.m = 8;
    d.shape = "m8n8k4";
    all.push_back(d);
  } else if (sm >= 75) {
    all.push_back(warp(8, TSR_F16, TSR_F32, "f16", "f32"));
    all.push_back(warp(8, TSR_F16, TSR_F16, "f16", "f16"));
    Instruction i = warp(16, TSR_I8, TSR_I32, "s8", "s32");
    i.m = 8;
    i.shape = "m8n8k16";
    all.push_back(i);
  }
  if (sm >= 89)
    for (uint8_t a : {TSR_F8E4M3FN, TSR_F8E5M2})
      for (uint8_t b : {TSR_F8E4M3FN, TSR_F8E5M2}) {
        Instruction i = warp(32, static_cast<uint8_t>(a), TSR_F32, a == TSR_F8E4M3FN ? "e4m3" : "e5m2", "f32");
        i.b = static_cast<uint8_t>(b);
        i.bText = b == TSR_F8E4M3FN ? "e4m3" : "e5m2";
        all.push_back(i);
      }
  return all;
}

sdk::MatrixEntry menuEntry(const Instruction &i) {
  sdk::MatrixEntry e;
  e.id = i.id();
  e.m = i.m;
  e.n = i.n;
  e.nMax = i.nMax;
  e.nStep = i.nStep;
  e.k = i.k;
  e.lanes = static_cast<uint16_t>(i.lanes());
  e.a = i.a;
  e.b = i.b;
  e.c = e.d = i.c;
  e.issueCycles = i.cycles;
  if (i.issue == Issue::WarpGroup) {
    e.flags = TSR_MMA_ASYNC;
    e.aSpace = TSR_SPACE_BIT_SHARED | (i.aInRegisters ? TSR_SPACE_BIT_REG : 0u);
    e.bSpace = TSR_SPACE_BIT_SHARED;
  }
  return e;
}

namespace {

uint32_t bits(uint32_t size) {
  uint32_t n = 0;
  while ((1u << n) < size)
    ++n;
  return n;
}

uint32_t elementBits(uint8_t e) {
  return e == TSR_F64 ? 64 : e == TSR_F32 || e == TSR_I32 ? 32 : e == TSR_F16 || e == TSR_BF16 ? 16 : 8;
}

} // namespace

sdk::LinearMap fragmentOf(const Instruction &i, uint32_t operand, unsigned n) {
  bool group = i.issue == Issue::WarpGroup;
  if (group && (operand == TSR_OPERAND_B || (operand == TSR_OPERAND_A && !i.aInRegisters)))
    throw sdk::Unsupported("an operand of " + i.id() + " in registers", "", "it lies in shared memory");
  // Along each operand's contiguous dim ("inner": k of a and b, n of the accumulator) a lane holds as many neighbours as fill 32 bits (accumulators:
  // two); the next two bits are lanes 0 and 1; eight rows of the other dim are lanes 2 to 4.
  uint32_t rows = operand == TSR_OPERAND_A ? i.m : operand == TSR_OPERAND_B ? n : i.m;
  uint32_t inner = operand == TSR_OPERAND_C ? n : i.k;
  uint32_t own =
      operand == TSR_OPERAND_C ? 1 : bits(32 / std::min(elementBits(operand == TSR_OPERAND_B ? i.b : i.a), 32u));
  bool transposed = operand == TSR_OPERAND_B; // shape k x n: inner is dim 0
  auto basis = [&](bool alongInner, uint32_t bit) {
    int32_t v = 1 << bit;
    bool first = transposed == alongInner;
    return first ? std::vector<int32_t>{v, 0} : std::vector<int32_t>{0, v};
  };
  std::vector<std::vector<int32_t>> reg, lane, warpBases;
  for (uint32_t bit = 0; bit < own; ++bit)
    reg.push_back(basis(true, bit));
  for (uint32_t bit = own; bit < own + 2; ++bit)
    lane.push_back(basis(true, bit));
  for (uint32_t bit = 0; bit < 3; ++bit)
    lane.push_back(basis(false, bit));
  if (operand != TSR_OPERAND_B && rows >= 16)
    reg.push_back(basis(false, 3));
  for (uint32_t bit = own + 2; (1u << bit) < inner; ++bit)
    reg.push_back(basis(true, bit));
  if (group)
    for (uint32_t bit = 4; (1u << bit) < rows; ++bit)
      warpBases.push_back(basis(false, bit));
  sdk::LinearMap m;
  m.outLog2 =
      transposed ? std::vector<uint32_t>{bits(inner), bits(rows)} : std::vector<uint32_t>{bits(rows), bits(inner)};
  m.inputs = {{TSR_DIM_REG, reg}, {TSR_DIM_LANE, lane}, {TSR_DIM_WARP, warpBases}, {TSR_DIM_BLOCK, {}}};
  return m;
}

} // namespace tessera::nvidia
