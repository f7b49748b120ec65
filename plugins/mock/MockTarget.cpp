// MockTarget.cpp - layouts of the matrix instruction
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/MockTarget.h"

#include <algorithm>

namespace tessera::mock {

namespace {
uint32_t log2Of(uint32_t n) {
  uint32_t bits = 0;
  while ((1u << bits) < n)
    ++bits;
  return bits;
}
} // namespace

MockTarget::MockTarget() : Target("mock", "mock") {
  cap(TSR_CAP_LANES, 32);
  cap(TSR_CAP_MAX_THREADS, 32 * (kMaxWarps + 1)); // one more that copies
  cap(TSR_CAP_MAX_WARPS, kMaxWarps + 1);
  cap(TSR_CAP_SMEM_STATIC, kSharedBytes);
  cap(TSR_CAP_SMEM_OPTIN, kSharedBytes);
  cap(TSR_CAP_SMEM_BANKS, 32);
  cap(TSR_CAP_SMEM_BANK_BYTES, 4);
  cap(TSR_CAP_MAX_VEC_BITS, 128);
  cap(TSR_CAP_ADDR_BITS, 64);
  cap(TSR_CAP_SHUFFLES, 7);
  cap(TSR_CAP_BARRIERS, 1 | 2 | 8);
  cap(TSR_CAP_NAMED_BARRIERS, 2);
  cap(TSR_CAP_WARP_SPECIALIZE, 1);
  cap(TSR_CAP_ASYNC_COPY, 1 << 2 | 1 << 3 | 1 << 4); // 4, 8 and 16 bytes
  cap(TSR_CAP_TENSOR_COPY, 5);
  cap(TSR_CAP_TENSOR_COPY_BOX_MAX, 256);
  cap(TSR_CAP_TENSOR_COPY_ALIGN, 16);
  cap(TSR_CAP_TENSOR_COPY_SWIZZLES, 32 | 64 | 128);
  cap(TSR_CAP_DEBUG_TRAP, 1);
  cap(TSR_CAP_GRID_STRIDE, 1);
  irLevels(TSR_IR_LAYOUT);
  sdk::MatrixEntry e;
  e.id = "mock.mma.16x16x16.f16";
  e.m = e.n = e.k = 16;
  e.lanes = 32;
  e.a = e.b = TSR_F16;
  e.c = e.d = TSR_F32;
  e.issueCycles = 16;
  e.latency = 32;
  matrix(e);
  e.id = "mock.group.64xNx16.f16";
  e.m = 64;
  e.nMax = 64;
  e.nStep = 16;
  e.lanes = 128;
  e.flags = TSR_MMA_ASYNC;
  e.aSpace = TSR_SPACE_BIT_REG | TSR_SPACE_BIT_SHARED;
  e.bSpace = TSR_SPACE_BIT_SHARED;
  matrix(e);
}

std::unique_ptr<sdk::Target> MockTarget::parse(const sdk::Spec &spec) {
  if (spec.arch != "mock")
    return nullptr;
  if (!spec.features.empty())
    throw sdk::Error(TSR_E_INVALID, "target mock has no feature '" + spec.features[0].first + "'");
  return std::make_unique<MockTarget>();
}

// The instruction of four warps first, as devices that have one would.
std::vector<uint32_t> MockTarget::rank(const tsr_mma_problem &p) const {
  std::vector<uint32_t> fit = Target::rank(p);
  std::reverse(fit.begin(), fit.end());
  return fit;
}

// An operand in shared memory: rows of up to 64 elements (128 bytes) along the dim that is contiguous in memory, their eight
// chunks of 16 bytes permuted by the number of the 128 bytes.
static sdk::LinearMap sharedOperand(const sdk::LayoutRequest &request) {
  uint32_t fast = request.contiguous[0] > request.contiguous[1] ? 0 : 1, slow = 1 - fast;
  uint32_t bits[2] = {log2Of(request.shape[0]), log2Of(request.shape[1])};
  uint32_t inRow = std::min(bits[fast], 6u);
  std::vector<std::vector<int32_t>> offset;
  auto basis = [&](uint32_t dim, uint32_t bit) {
    std::vector<int32_t> b(2, 0);
    b[dim] = 1 << bit;
    return b;
  };
  for (uint32_t i = 0; i < inRow; ++i)
    offset.push_back(basis(fast, i));
  // Bit 3 + n of a row is exchanged by bit 6 + n of the offset, as tensor copies do it.
  for (uint32_t i = 0; i < bits[slow]; ++i) {
    uint32_t at = static_cast<uint32_t>(offset.size());
    offset.push_back(basis(slow, i));
    if (at >= 6 && at - 3 < inRow)
      offset.back()[fast] = 1 << (at - 3);
  }
  for (uint32_t i = inRow; i < bits[fast]; ++i)
    offset.push_back(basis(fast, i));
  sdk::LinearMap m;
  m.outLog2 = {bits[0], bits[1]};
  m.inputs = {{TSR_DIM_OFFSET, offset}};
  return m;
}

// A 16x16 fragment: lane bits 0 to 3 walk the minor dim, lane bit 4 is bit 0 of the major dim, three register bits its bits
// 1 to 3. Whole fragments repeat in registers, minor dim first, then major, then batch; of the accumulator and of a the
// upper major bits go to the warps first, in the instruction of four warps too. b is the same in every warp, since warps share columns only when rows run out.
sdk::LinearMap MockTarget::layout(const sdk::LayoutRequest &request) const {
  uint32_t rank = static_cast<uint32_t>(request.shape.size());
  if (request.access == TSR_ACCESS_SHARED && request.entry == 2 && rank == 2)
    return sharedOperand(request);
  if ((request.access != TSR_ACCESS_MMA_OPERAND && request.access != TSR_ACCESS_MMA_ACCUMULATOR) || request.entry < 1 ||
      request.entry > 2 || rank < 2)
    throw sdk::Unsupported("a layout of its own", "", "mock: the core's default serves");
  sdk::LinearMap m;
  for (uint32_t d : request.shape)
    m.outLog2.push_back(log2Of(d));
  uint32_t major = rank - 2, minor = rank - 1;
  if (m.outLog2[major] < 4 || m.outLog2[minor] < 4)
    throw sdk::Unsupported("a matrix operand smaller than 16x16", "", "mock");
  auto basis = [&](uint32_t dim, uint32_t bit) {
    std::vector<int32_t> b(rank, 0);
    b[dim] = 1 << bit;
    return b;
  };
  std::vector<std::vector<int32_t>> lane, reg, warp;
  for (uint32_t i = 0; i < 4; ++i)
    lane.push_back(basis(minor, i));
  lane.push_back(basis(major, 0));
  for (uint32_t i = 1; i < 4; ++i)
    reg.push_back(basis(major, i));
  bool isB = request.access == TSR_ACCESS_MMA_OPERAND && request.operand == TSR_OPERAND_B;
  uint32_t warpBits = log2Of(request.numWarps ? request.numWarps : 1), nextMajor = 4;
  for (uint32_t w = 0; w < warpBits; ++w)
    if (!isB && nextMajor < m.outLog2[major])
      warp.push_back(basis(major, nextMajor++));
    else
      warp.push_back(std::vector<int32_t>(rank, 0));
  for (uint32_t i = 4; i < m.outLog2[minor]; ++i)
    reg.push_back(basis(minor, i));
  for (; nextMajor < m.outLog2[major]; ++nextMajor)
    reg.push_back(basis(major, nextMajor));
  for (uint32_t d = 0; d < major; ++d)
    for (uint32_t i = 0; i < m.outLog2[d]; ++i)
      reg.push_back(basis(d, i));
  m.inputs = {{TSR_DIM_REG, reg}, {TSR_DIM_LANE, lane}, {TSR_DIM_WARP, warp}, {TSR_DIM_BLOCK, {}}};
  return m;
}

} // namespace tessera::mock
