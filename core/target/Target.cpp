// Target.cpp - default answers: capability names, blocked layouts, the order of matrix entries
//
// SPDX-License-Identifier: Apache-2.0
#include "core/target/Target.h"

#include "core/layout/TensorLayouts.h"
#include "core/target/ElementNumber.h"

#include <algorithm>
#include <numeric>

namespace tessera::target {

using namespace layout;

std::string_view capabilityName(Capability c) {
  switch (c) {
#define TSR_CAPABILITY(id, Name, text, unit, meaning)                                                                  \
  case Capability::Name:                                                                                               \
    return text;
#include "core/target/Capabilities.def"
  }
  return {};
}

std::string_view capabilityUnit(Capability c) {
  switch (c) {
#define TSR_CAPABILITY(id, Name, text, unit, meaning)                                                                  \
  case Capability::Name:                                                                                               \
    return unit;
#include "core/target/Capabilities.def"
  }
  return {};
}

uint64_t TargetInfo::sharedBytes() const {
  return std::max(stated(Capability::SmemOptin), stated(Capability::SmemStatic));
}

// Hands out `count` units along dims in `order`, as far as each dim has room; the rest goes to the last one (copies).
static std::vector<int64_t> handOut(int64_t count, std::vector<int64_t> &room, const std::vector<unsigned> &order) {
  std::vector<int64_t> given(room.size(), 1);
  for (unsigned d : order) {
    given[d] = std::min(count, std::max<int64_t>(room[d], 1));
    count /= given[d];
    room[d] = std::max<int64_t>(room[d] / given[d], 1);
  }
  given[order.back()] *= count;
  return given;
}

std::optional<LinearLayout> defaultLayout(const LayoutRequest &request, unsigned lanes, unsigned maxVectorBits,
                                          std::string *why) {
  auto fail = [&](std::string reason) {
    if (why)
      *why = std::move(reason);
    return std::nullopt;
  };
  int64_t elements = 1;
  for (int64_t size : request.shape) {
    if (!isPowerOfTwo(size))
      return fail("extent " + std::to_string(size) + " is not a power of two");
    elements *= size;
  }
  if (request.shape.empty())
    return fail("a scalar has no layout");
  if (!isPowerOfTwo(lanes) || !isPowerOfTwo(request.numWarps))
    return fail("lanes and warps must be powers of two");
  if (request.access == Access::Shared)
    return LinearLayout::rowMajor(kOffset, request.shape);
  if (request.access == Access::MatrixOperand || request.access == Access::MatrixAccumulator)
    return fail("a target without layouts of its own has none for its matrix instructions");

  size_t rank = request.shape.size();
  auto contiguityOf = [&](unsigned d) { return d < request.contiguity.size() ? request.contiguity[d] : int64_t(1); };
  std::vector<unsigned> order(rank); // fastest first: the most contiguous dim, the last dim among equals
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](unsigned a, unsigned b) {
    return contiguityOf(a) != contiguityOf(b) ? contiguityOf(a) > contiguityOf(b) : a > b;
  });

  int64_t threads = static_cast<int64_t>(lanes) * request.numWarps;
  int64_t perThread = std::max<int64_t>(elements / threads, 1);
  int64_t widest = std::max<int64_t>(maxVectorBits / std::max(request.elementBits, 8u), 1);
  if (request.access == Access::Compute)
    widest = std::min<int64_t>(widest, 4);
  int64_t contiguous = request.access == Access::Compute ? request.shape[order[0]] : contiguityOf(order[0]);
  int64_t vector = 1;
  while (vector * 2 <= std::min({widest, contiguous, perThread, request.shape[order[0]]}))
    vector *= 2;

  std::vector<int64_t> sizePerThread(rank, 1), room = request.shape;
  sizePerThread[order[0]] = vector;
  room[order[0]] /= vector;
  std::vector<int64_t> lanesPerWarp = handOut(lanes, room, order);
  std::vector<int64_t> warpsPerBlock = handOut(request.numWarps, room, order);
  return blockedLayout(request.shape, sizePerThread, lanesPerWarp, warpsPerBlock, order);
}

bool isLegalAnswer(const LayoutRequest &request, const LinearLayout &answer, unsigned lanes, std::string *why) {
  auto fail = [&](std::string reason) {
    if (why)
      *why = std::move(reason);
    return false;
  };
  if (answer.shape() != request.shape || answer.outs() != tensorDims(request.shape))
    return fail("the layout is of another shape");
  if (!answer.isSurjective())
    return fail("the layout leaves elements out");
  bool shared = request.access == Access::Shared;
  for (const Dim &in : answer.ins())
    if (shared ? in.name != kOffset
               : (in.name != kRegister && in.name != kLane && in.name != kWarp && in.name != kBlock))
      return fail("the layout has the unknown input dim '" + in.name + "'");
  if (shared)
    return answer.isInjective() ? true : fail("two offsets of a shared layout name one element");
  if (answer.inSize(kLane) != lanes)
    return fail("the layout has " + std::to_string(answer.inSize(kLane)) + " lanes, the target " +
                std::to_string(lanes));
  if (answer.inSize(kWarp) != request.numWarps)
    return fail("the layout has " + std::to_string(answer.inSize(kWarp)) + " warps, the kernel " +
                std::to_string(request.numWarps));
  return true;
}

bool entryFits(const MatrixEntry &entry, const MatrixProblem &problem) {
  constexpr uint32_t kBF16x3 = 4, kBF16x6 = 5; // DotPrecision of the op table
  bool same = entry.a == problem.a && entry.b == problem.b;
  bool inParts = (problem.precision == kBF16x3 || problem.precision == kBF16x6) && problem.a == kElemF32 &&
                 problem.b == kElemF32 && entry.a == kElemBF16 && entry.b == kElemBF16;
  if (!(same || inParts) || entry.c != problem.c || entry.scale != problem.scale)
    return false;
  // Fewer rows or columns than an instruction's are repeated; what is summed cannot be.
  bool inRegisters = entry.aSpaces & entry.bSpaces & entry.cSpaces & kInRegisters;
  auto divides = [&](uint64_t unit, uint64_t extent) {
    return extent % unit == 0 || (inRegisters && extent && unit % extent == 0);
  };
  return entry.m && entry.nMin && entry.k && divides(entry.m, problem.m) && divides(entry.nMin, problem.n) &&
         problem.k % entry.k == 0;
}

std::vector<uint32_t> MatrixMenu::rank(const MatrixProblem &problem) const {
  std::vector<uint32_t> fitting;
  auto speed = [&](uint32_t i) {
    const MatrixEntry &e = entries()[i];
    double n = e.nStep ? e.nMax : e.nMin;
    return e.m * n * e.k / std::max(e.issueCycles, 1u) / std::max(e.lanes, 1u);
  };
  for (uint32_t i = 0; i < entries().size(); ++i)
    if (entryFits(entries()[i], problem))
      fitting.push_back(i);
  auto repeats = [&](uint32_t i) { return entries()[i].m > problem.m || entries()[i].nMin > problem.n; };
  std::sort(fitting.begin(), fitting.end(), [&](uint32_t a, uint32_t b) {
    if (repeats(a) != repeats(b))
      return repeats(b);
    return speed(a) != speed(b) ? speed(a) > speed(b) : a < b;
  });
  return fitting;
}

} // namespace tessera::target
