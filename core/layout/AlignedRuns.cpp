// AlignedRuns.cpp - runs that no swizzle breaks
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/AlignedRuns.h"

namespace tessera::layout {

int64_t alignedRuns(const LinearLayout &l, std::string_view in, std::string_view out) {
  unsigned start = l.inStart(in), outAt = l.outStart(out);
  int64_t runs = l.consecutive(in, out);
  // What any other bit adds to the place within a run shortens the runs.
  for (unsigned i = 0; i < l.inBits(); ++i)
    while (runs > 1 && (i < start || i >= start + log2Exact(runs)) &&
           (l.columns()[i] >> outAt & static_cast<uint64_t>(runs - 1)))
      runs /= 2;
  return runs;
}

} // namespace tessera::layout
