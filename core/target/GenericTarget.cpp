// GenericTarget.cpp - a target made of capabilities, and plain fragments for its matrix instructions
//
// SPDX-License-Identifier: Apache-2.0
#include "core/target/GenericTarget.h"

#include "core/layout/TensorLayouts.h"
#include "core/target/ElementNumber.h"

#include <algorithm>

namespace tessera::target {

using namespace layout;

TargetInfo GenericTarget::simtInfo() {
  TargetInfo info;
  info.name = "generic-simt";
  info.family = "generic";
  info.irLevels = kLayoutLevel;
  info.set(Capability::Lanes, 32);
  info.set(Capability::MaxThreads, 1024);
  info.set(Capability::MaxWarps, 32);
  info.set(Capability::SmemStatic, 64 << 10);
  info.set(Capability::SmemBanks, 32);
  info.set(Capability::SmemBankBytes, 4);
  info.set(Capability::MaxVecBits, 128);
  info.set(Capability::Shuffles, 3);
  return info;
}

std::optional<LinearLayout> GenericTarget::layoutFor(const LayoutRequest &request, std::string *why) const {
  if (request.access == Access::MatrixOperand || request.access == Access::MatrixAccumulator) {
    if (request.matrixEntry < 0 || static_cast<size_t>(request.matrixEntry) >= menu_.size()) {
      if (why)
        *why = "matrix entry " + std::to_string(request.matrixEntry) + " is not on the menu";
      return std::nullopt;
    }
    return fragmentLayout(menu_[request.matrixEntry], request, info_.lanes(), why);
  }
  bool isOperand = request.access == Access::Shared && request.matrixEntry >= 0 && request.contiguity.size() == 2,
       byColumns = isOperand && request.contiguity[0] > request.contiguity[1];
  if (isOperand && request.elementBits != 16 && byColumns != (request.operand == 1)) {
    if (why)
      *why = "only operands of 16 bits may have their k across their rows";
    return std::nullopt;
  }
  if (byColumns) { // where memory is so
    LayoutRequest turned = request;
    std::swap(turned.shape[0], turned.shape[1]);
    std::swap(turned.contiguity[0], turned.contiguity[1]);
    const int32_t order[] = {1, 0};
    if (std::optional<LinearLayout> answer = defaultLayout(turned, info_.lanes(), info_.maxVectorBits(), why))
      return transposed(*answer, order);
    return std::nullopt;
  }
  return defaultLayout(request, info_.lanes(), info_.maxVectorBits(), why);
}

namespace {

// Hands out the bits of a tile one after the other; each dim counts how many of its bits are taken.
struct BitDealer {
  std::vector<unsigned> taken, size; // bits, by dim
  LinearLayout frame;
  explicit BitDealer(const std::vector<int64_t> &shape) : taken(shape.size(), 0), frame({}, tensorDims(shape), {}) {
    for (int64_t s : shape)
      size.push_back(log2Exact(s));
  }
  bool deal(unsigned dim, Vectors &to) {
    if (taken[dim] >= size[dim])
      return false;
    to.push_back(uint64_t(1) << (frame.outStart(tensorDimName(dim)) + taken[dim]++));
    return true;
  }
};

} // namespace

// The bits of one instruction's fragment: 2^neighbours along the fast dim in registers, four lanes along it, the other
// lanes along the slow dim, then the warps that issue it together, what is left in registers.
static void dealFragment(BitDealer &bits, unsigned neighbours, unsigned slow, unsigned fast, unsigned laneBits,
                         unsigned warpBits, Vectors &registers, Vectors &lanes, Vectors &warps) {
  for (unsigned i = 0; i < neighbours; ++i)
    bits.deal(fast, registers);
  for (int i = 0; i < 2 && lanes.size() < laneBits; ++i)
    bits.deal(fast, lanes);
  while (lanes.size() < laneBits && bits.deal(slow, lanes)) {
  }
  while (lanes.size() < laneBits && bits.deal(fast, lanes)) {
  }
  lanes.resize(laneBits, 0); // fewer elements than lanes: copies
  while (warps.size() < warpBits && bits.deal(slow, warps)) {
  }
  warps.resize(warpBits, 0);
  while (bits.deal(slow, registers)) {
  }
  while (bits.deal(fast, registers)) {
  }
}

static bool isByte(uint8_t elem) {
  switch (elem) {
#define TSR_ELEM(number, Name, text, bits, since)                                                                      \
  case number:                                                                                                         \
    return (bits) == 8;
#include "core/bytecode/Ops.def"
  default:
    return false;
  }
}

std::optional<LinearLayout> fragmentLayout(const MatrixEntry &entry, const LayoutRequest &request, unsigned lanes,
                                           std::string *why) {
  auto fail = [&](std::string reason) {
    if (why)
      *why = std::move(reason);
    return std::nullopt;
  };
  if (request.shape.size() != 2 || request.operand > 2 || !isPowerOfTwo(request.shape[0]) ||
      !isPowerOfTwo(request.shape[1]))
    return fail("a fragment is a matrix of powers of two");
  if (entry.lanes != lanes * request.numWarps || !isPowerOfTwo(request.numWarps))
    return fail("entry " + entry.id + " is not an instruction of " + std::to_string(request.numWarps) + " subgroups");
  if (request.operand == 1 && request.numWarps > 1)
    return fail("operand b of an instruction of several subgroups has no fragment: it lies in shared memory");
  BitDealer bits(request.shape);
  Vectors registers, laneColumns, warpColumns;
  unsigned laneBits = log2Exact(lanes), warpBits = log2Exact(request.numWarps);
  // k is the dim that neighbours share. A group's a of bytes goes by words, as blocks of rows move.
  if (request.operand == 1)
    dealFragment(bits, 1, 1, 0, laneBits, warpBits, registers, laneColumns, warpColumns);
  else
    dealFragment(bits, request.operand == 0 && request.numWarps > 1 && isByte(entry.a) ? 2 : 1, 0, 1, laneBits,
                 warpBits, registers, laneColumns, warpColumns);
  std::vector<Dim> ins = {{std::string(kRegister), static_cast<unsigned>(registers.size())},
                          {std::string(kLane), laneBits},
                          {std::string(kWarp), warpBits},
                          {std::string(kBlock), 0}};
  Vectors all = registers;
  all.insert(all.end(), laneColumns.begin(), laneColumns.end());
  all.insert(all.end(), warpColumns.begin(), warpColumns.end());
  return LinearLayout(std::move(ins), bits.frame.outs(), std::move(all));
}

} // namespace tessera::target
