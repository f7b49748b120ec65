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
  if (sm == 90 && specific) {
    auto group = [&](uint16_t k, uint8_t a, uint8_t b, uint8_t c, std::string aText, std::string bText,
                     std::string cText) {
      Instruction i = warp(k, a, c, std::move(aText), std::move(cText));
      i.issue = Issue::WarpGroup;
      i.m = 64;
      i.nMax = 256;
      i.nStep = 8;
      i.b = b;
      i.bText = std::move(bText);
      i.shape = "m64";
      i.cycles =
          128; // of n = 256: 4096 multiply-adds of 16 bits a clock and multiprocessor; fp8 has twice the k in the same time
      all.push_back(i);
    };
    group(16, TSR_F16, TSR_F16, TSR_F32, "f16", "f16", "f32");
    group(16, TSR_BF16, TSR_BF16, TSR_F32, "bf16", "bf16", "f32");
    group(16, TSR_F16, TSR_F16, TSR_F16, "f16", "f16", "f16");
    group(8, TSR_F32, TSR_F32, TSR_F32, "tf32", "tf32", "f32");
    for (bool a4 : {true, false})
      for (bool b4 : {true, false})
        group(32, a4 ? TSR_F8E4M3FN : TSR_F8E5M2, b4 ? TSR_F8E4M3FN : TSR_F8E5M2, TSR_F32, a4 ? "e4m3" : "e5m2",
              b4 ? "e4m3" : "e5m2", "f32");
    group(32, TSR_I8, TSR_I8, TSR_I32, "s8", "s8", "s32");
  }
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

sdk::LinearMap sharedOperandOf(const Instruction &i, uint32_t operand, const std::vector<uint32_t> &shape,
                               uint32_t contiguous) {
  uint32_t element = elementBits(operand == TSR_OPERAND_B ? i.b : i.a) / 8;
  uint32_t kDim = operand == TSR_OPERAND_B ? 0 : 1;
  if (i.issue != Issue::WarpGroup || shape.size() != 2 || operand > TSR_OPERAND_B)
    throw sdk::Unsupported("an operand of " + i.id() + " in shared memory", "", "it lies in registers");
  if (contiguous != kDim && element != 2)
    throw sdk::Unsupported("an operand of " + i.id() + " whose k is not contiguous", "",
                           "only 16-bit elements may be transposed");
  uint32_t other = 1 - contiguous, row = std::min<uint32_t>(128, shape[contiguous] * element);
  if (row < 32 || shape[other] < 8)
    throw sdk::Unsupported("an operand of " + i.id() + " this small in shared memory", "",
                           "rows have at least 32 bytes");
  uint32_t inRow = bits(row / element), inChunk = bits(16 / element), chunkBits = bits(row / 16);
  std::vector<std::vector<int32_t>> offset;
  auto basis = [&](uint32_t dim, int32_t v) {
    std::vector<int32_t> b(2, 0);
    b[dim] = v;
    return b;
  };
  for (uint32_t bit = 0; bit < inRow; ++bit)
    offset.push_back(basis(contiguous, 1 << bit));
  // Address bits 7 to 9 are added to bits 4 to 6, as many of them as a row has chunks: rows of 128 bytes count in bits 7 to 9, of 64 in 6 to 8, of 32 in 5 to 7.
  for (uint32_t bit = 0; (1u << bit) < shape[other]; ++bit) {
    std::vector<int32_t> b = basis(other, 1 << bit);
    uint32_t address = bits(row) + bit; // this row bit's place in the address
    if (address >= 7 && address < 7 + chunkBits)
      b[contiguous] = 1 << (inChunk + (address - 7));
    offset.push_back(b);
  }
  for (uint32_t bit = inRow; (1u << bit) < shape[contiguous]; ++bit)
    offset.push_back(basis(contiguous, 1 << bit));
  sdk::LinearMap m;
  m.outLog2 = {bits(shape[0]), bits(shape[1])};
  m.inputs = {{TSR_DIM_OFFSET, offset}};
  return m;
}

} // namespace tessera::nvidia
