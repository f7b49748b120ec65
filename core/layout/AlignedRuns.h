// AlignedRuns.h - how much of a buffer a copy engine may move at once
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/LinearLayout.h"

namespace tessera::layout {

// 2^k: every aligned run of 2^k of `in` is an aligned run along `out`, in order, so a copy of one run moves neighbours to neighbours.
// LinearLayout::consecutive asks that of the first run alone, and a swizzle may exchange the parts of later ones.
int64_t alignedRuns(const LinearLayout &l, std::string_view in, std::string_view out);

} // namespace tessera::layout
