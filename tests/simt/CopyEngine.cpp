// CopyEngine.cpp - see CopyEngine.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/CopyEngine.h"

#include <algorithm>
#include <cstring>

namespace tessera::simt {

// A phase is over with its last arrival and byte.
void CopyEngine::turn(Barrier &b) {
  if (b.left || b.bytes)
    return;
  b.left = b.arrivals;
  b.passed = b.arrived;
  ++b.phase;
}

std::string CopyEngine::barrier(BarrierCall call, unsigned warp, uint64_t offset, uint64_t value) {
  auto found = barriers_.find(offset);
  if (call == BarrierCall::Init) {
    if (found != barriers_.end())
      return "a copy barrier is made a second time";
    barriers_[offset].arrivals = barriers_[offset].left = static_cast<int64_t>(value);
    return {};
  }
  if (found == barriers_.end())
    return "shared byte " + std::to_string(offset) + " is no copy barrier";
  Barrier &b = found->second;
  switch (call) {
  case BarrierCall::Expect:
  case BarrierCall::Arrive:
    if (!b.left)
      return "a copy barrier gets more arrivals than its phase takes";
    --b.left;
    b.bytes += static_cast<int64_t>(value);
    shared_.release(warp, b.arrived);
    turn(b);
    return {};
  default:
    barriers_.erase(found);
    return {};
  }
}

bool CopyEngine::isOver(unsigned warp, uint64_t offset, uint64_t parity, std::string &error) {
  auto found = barriers_.find(offset);
  if (found == barriers_.end()) {
    error = "shared byte " + std::to_string(offset) + " is no copy barrier";
    return false;
  }
  bool over = (found->second.phase & 1) != parity;
  if (over)
    shared_.acquire(warp, found->second.passed);
  return over;
}

std::string CopyEngine::copy(unsigned thread, const uint64_t *array, uint64_t offset, const int32_t *corner, bool loads,
                             uint64_t barrier) {
  auto bytes = static_cast<unsigned>(array[0]), rank = static_cast<unsigned>(array[1]);
  uint64_t fill = array[2], swizzle = array[3], mask = swizzle == 128 ? 7 : swizzle == 64 ? 3 : swizzle == 32 ? 1 : 0;
  const uint64_t *box = array + ArrayWords::kFacts, *extents = box + rank, *strides = extents + rank;
  uint64_t base = strides[rank], elements = 1;
  for (unsigned d = 0; d < rank; ++d)
    elements *= box[d];
  if (offset % std::max<uint64_t>(128, 8 * swizzle) || offset + elements * bytes > shared_.size())
    return "a tensor copy at shared byte " + std::to_string(offset);
  for (uint64_t e = 0; e < elements; ++e) {
    uint64_t rest = e, at = offset + e * bytes;
    at ^= (at >> 7 & mask) << 4;
    int64_t distance = 0;
    bool inside = true;
    for (unsigned d = rank; d-- > 0; rest /= box[d]) {
      int64_t index = corner[d] + static_cast<int64_t>(rest % box[d]);
      inside &= index >= 0 && index < std::max<int64_t>(static_cast<int64_t>(extents[d]), 1);
      distance += index * static_cast<int64_t>(strides[d]);
    }
    auto *global = reinterpret_cast<uint8_t *>(base + static_cast<uint64_t>(distance) * bytes);
    if (inside && !holds_(global, bytes))
      return "a tensor copy touches global memory outside of every allocation";
    if (std::string why = loads ? shared_.engineWrite(thread, at, bytes) : shared_.engineRead(thread, at, bytes);
        !why.empty())
      return why;
    uint8_t *here = shared_.data() + at;
    if (loads)
      std::memcpy(here, inside ? global : reinterpret_cast<uint8_t *>(&fill), bytes);
    else if (inside)
      std::memcpy(global, here, bytes);
  }
  if (!loads)
    return {};
  auto found = barriers_.find(barrier);
  if (found == barriers_.end())
    return "shared byte " + std::to_string(barrier) + " is no copy barrier";
  found->second.bytes -= static_cast<int64_t>(elements * bytes);
  turn(found->second);
  return {};
}

} // namespace tessera::simt
