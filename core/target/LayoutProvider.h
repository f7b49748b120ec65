// LayoutProvider.h - the question "which layout should this tile have here?" and its answer
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/LinearLayout.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tessera::target {

enum class Access : uint32_t {
  Load = 0, // elements come from global memory: neighbouring lanes want neighbouring addresses
  Store = 1,
  Shared = 2, // the layout of a buffer in shared memory: offset (elements) -> element
  // One instruction of matrix entry `matrixEntry`: shape m x k (operand 0, a) or k x n (operand 1, b); accumulator m x n.
  // numWarps is the warps that issue it together. The core repeats the fragment over tile and warps (MatrixLayouts.h).
  MatrixOperand = 3,
  MatrixAccumulator = 4,
  Compute = 5 // no memory in sight: reductions, plain dots, values that nothing constrains
};

struct LayoutRequest {
  Access access = Access::Compute;
  std::vector<int64_t> shape; // powers of two, any rank >= 1
  uint8_t elem = 0;           // element type number of the op table; of pointers and tensors of pointers: the pointee
  unsigned elementBits = 32;  // storage bits of one element
  unsigned numWarps = 4;
  int matrixEntry = -1; // index into the target's MatrixMenu
  unsigned operand = 0; // 0 a, 1 b, 2 accumulator
  // Load, Store: neighbouring elements in memory along each dim that are known to be contiguous and aligned together: those of one access. Of dims with 1
  // and 0, lanes go along those with 1.
  std::vector<int64_t> contiguity = {}; // elements; empty: all 1
};

class LayoutProvider {
public:
  virtual ~LayoutProvider() = default;
  // A layout with inputs register, lane, warp, block (Shared: offset) and outputs dim0… of the request's shape. It is
  // surjective; lane and warp have the target's lanes and the request's warps. Empty, with a reason, where the target has
  // no answer: the caller then uses `defaultLayout` below or another plan.
  virtual std::optional<layout::LinearLayout> layoutFor(const LayoutRequest &request,
                                                        std::string *why = nullptr) const = 0;
};

// The answer of a target that has no opinion: a blocked layout in which each lane holds as many contiguous elements as
// one access may carry, lanes follow the most contiguous dim, warps the outer ones. Shared: row-major. Matrix accesses:
// none. lanes, maxVectorBits: of the target.
std::optional<layout::LinearLayout> defaultLayout(const LayoutRequest &request, unsigned lanes, unsigned maxVectorBits,
                                                  std::string *why = nullptr);

// Whether an answer keeps the contract above; the reason where not. The core checks every plugin's answer with it.
bool isLegalAnswer(const LayoutRequest &request, const layout::LinearLayout &answer, unsigned lanes, std::string *why);

} // namespace tessera::target
