// TensorCopies.cpp - copies of whole tiles by an engine, as late as their barriers and waits allow
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/TensorCopy.h"
#include "plugins/mock/device/Program.h"

#include <algorithm>
#include <cstring>

namespace tessera::mock {

using tbc::AttrId;
using tbc::Op;
using tbc::Opcode;

namespace {
constexpr unsigned kBarrierBytes = 8, kSwizzles = 32 | 64 | 128;
constexpr int64_t kMaxBox = 256;

uint64_t loadBytes(uint64_t address, unsigned n) {
  uint64_t bits = 0;
  std::memcpy(&bits, reinterpret_cast<const void *>(address), n);
  return bits;
}
} // namespace

bool Program::executeTensorCopy(const Op &op) {
  switch (op.code) {
  case Opcode::TensorMap:
    makeMap(op);
    return true;
  case Opcode::CopyBarrierInit:
    makeCopyBarriers(op);
    return true;
  case Opcode::CopyExpect: {
    if (!(scalar(op.operands[1], op) & 1))
      return true;
    CopyBarrier &barrier = copyBarrier(op, 0);
    barrier.bytesLeft += op.intAttr(AttrId::Bytes);
    arrive(op, barrier, 1);
    return true;
  }
  case Opcode::CopyArrive:
    if (!turns_)
      fail(op, "there are no roles here");
    if (scalar(op.operands[1], op) & 1)
      arrive(op, copyBarrier(op, 0), launch_.warps);
    return true;
  case Opcode::TensorLoad:
    startTensorLoad(op);
    return true;
  case Opcode::CopyBarrierWait:
    awaitCopyBarrier(op);
    return true;
  case Opcode::CopyBarrierEnd: {
    CopyBarrier &first = copyBarrier(op, 0);
    (void)first;
    auto [slots, bytes] = buffers_[op.operands[0]];
    uint64_t start = scalar(op.operands[0], op);
    std::string error;
    for (uint64_t at = start; at < start + bytes; at += kBarrierBytes) {
      auto barrier = copyBarriers_.find(at);
      if (barrier == copyBarriers_.end() || !barrier->second.inFlight.empty() ||
          barrier->second.arrivalsLeft != barrier->second.arrivals)
        fail(op, "a copy barrier ends in the middle of a phase");
      if (!shared_.write(0, at, kBarrierBytes, 0, error))
        fail(op, error);
      copyBarriers_.erase(barrier);
    }
    return true;
  }
  case Opcode::TensorStore:
    startTensorStore(op);
    return true;
  case Opcode::TensorStoreWait:
    awaitTensorStores(static_cast<size_t>(op.intAttr(AttrId::Pending)), op.intAttr(AttrId::Complete) != 0);
    return true;
  default:
    return false;
  }
}

void Program::makeMap(const Op &op) {
  std::vector<uint64_t> numbers;
  for (size_t i = 1; i < op.operands.size(); ++i)
    numbers.push_back(scalar(op.operands[i], op));
  MappedArray made;
  made.array = scalar::TensorArray(module_.typeOf(op.operands[0]).elem, scalar(op.operands[0], op), numbers,
                                   op.intAttr(AttrId::Fill) != 0);
  made.box = op.intsAttr(AttrId::Box);
  made.swizzleBytes = static_cast<unsigned>(op.intAttr(AttrId::Swizzle));
  if (made.array.base % 16)
    fail(op, "the array starts at an address that is no multiple of 16");
  for (size_t d = 0; d + 1 < made.array.strides.size(); ++d)
    if (made.array.strides[d] < 0 || made.array.strides[d] * made.array.bytes() % 16)
      fail(op, "a stride of " + std::to_string(made.array.strides[d]) + " elements is no multiple of 16 bytes");
  arrays_.push_back(std::move(made));
  TileValue v = make(module_.typeOf(op.results[0]));
  v.bits[0] = arrays_.size();
  v.states[0] = CellState::Defined;
  set(op.results[0], std::move(v));
}

CopyBarrier &Program::copyBarrier(const Op &op, size_t operand) {
  uint64_t at = scalar(op.operands[operand], op);
  auto found = copyBarriers_.find(at);
  if (found == copyBarriers_.end())
    fail(op, "shared byte " + std::to_string(at) + " is no copy barrier");
  uint64_t bits = 0;
  std::string error;
  if (!shared_.read(firstThread(), at, kBarrierBytes, bits, error))
    fail(op, error);
  return found->second;
}

// One thread makes them.
void Program::makeCopyBarriers(const Op &op) {
  auto ring = buffers_.find(op.operands[0]);
  if (ring == buffers_.end() || !ring->second.first)
    fail(op, "the operand is no ring");
  uint64_t start = scalar(op.operands[0], op);
  std::string error;
  for (uint64_t at = start; at < start + ring->second.second; at += kBarrierBytes) {
    CopyBarrier made;
    made.arrivals = made.arrivalsLeft = op.intAttr(AttrId::Arrivals);
    if (!copyBarriers_.emplace(at, std::move(made)).second)
      fail(op, "shared byte " + std::to_string(at) + " is a copy barrier already");
    if (!shared_.write(0, at, kBarrierBytes, 0, error))
      fail(op, error);
  }
}

void Program::refuseCopyBarriers(const Op &op, uint64_t start, uint64_t bytes) const {
  auto next = copyBarriers_.lower_bound(start);
  if (next != copyBarriers_.end() && next->first < start + bytes)
    fail(op, "shared byte " + std::to_string(next->first) + " is still a copy barrier");
}

// Where each element of the tile is on both sides; checks that the engine can write the shared tensor as it lies.
std::vector<EngineElement> Program::elementsOf(const Op &op, size_t firstCoordinate) {
  const TileValue &buffer = value(op.operands[0]);
  uint64_t number = scalar(op.operands[1], op), start = scalar(op.operands[0], op);
  if (number < 1 || number > arrays_.size())
    fail(op, "the map is none");
  const MappedArray &map = arrays_[number - 1];
  const std::vector<int64_t> &shape = buffer.type->shape;
  if (map.array.elem != buffer.type->elem || map.box.size() != op.operands.size() - firstCoordinate)
    fail(op, "the map is of other elements than the shared tensor, or another rank than the coordinates");
  unsigned bytes = map.array.bytes();
  auto plan = layout::planTensorCopy(launch_.tables.sharedLayout(*buffer.type), 8 * bytes, kSwizzles, kMaxBox);
  if (!plan || !plan->isBox(map.box) || plan->swizzleBytes != map.swizzleBytes)
    fail(op, "the map's box and swizzle are not those of the shared tensor's layout");
  if (start % 128 || (map.swizzleBytes && start % (8 * map.swizzleBytes)))
    fail(op, "the shared tensor starts at byte " + std::to_string(start) + ", which the swizzle does not allow");
  std::vector<int32_t> corner;
  for (size_t i = firstCoordinate; i < op.operands.size(); ++i)
    corner.push_back(static_cast<int32_t>(scalar(op.operands[i], op)));
  if (corner.back() * int64_t(bytes) % 16) // as on an H100, docs/rationale/descriptors.md
    fail(op, "the last coordinate, " + std::to_string(corner.back()) + ", is no multiple of 16 bytes");
  if (op.code == Opcode::TensorStore && std::ranges::any_of(corner, [](int32_t at) { return at < 0; })) // ibid.
    fail(op, "stores to a box that begins in front of the array");
  int64_t end = map.array.extents.back();
  bool crossesEnd = end * bytes % 16 && corner.back() < end && end < corner.back() + shape.back();
  for (size_t d = 0; d + 1 < corner.size(); ++d) {
    size_t outer = corner.size() - shape.size();
    crossesEnd &= corner[d] < map.array.extents[d] && corner[d] + (d < outer ? 1 : shape[d - outer]) > 0;
  }
  if (op.code == Opcode::TensorStore && crossesEnd) // ibid.
    fail(op, "rows of the array end within 16 bytes, which an engine writes as a whole");
  const std::vector<uint32_t> &offsets = launch_.tables.sharedOffsets(*buffer.type);
  std::vector<EngineElement> elements(static_cast<size_t>(buffer.type->numElements()));
  for (size_t e = 0; e < elements.size(); ++e) {
    EngineElement &element = elements[e];
    element.bytes = bytes;
    element.shared = start + uint64_t(offsets[e]) * bytes;
    element.bits = map.array.fill();
    if (std::optional<uint64_t> address = map.array.address(corner, shape, e)) {
      if (!launch_.memory.holds(*address, bytes))
        fail(op, "touches address " + std::to_string(*address) + ", which is in no allocation");
      element.global = *address;
    }
  }
  return elements;
}

void Program::startTensorLoad(const Op &op) {
  if (!(scalar(op.operands[3], op) & 1))
    return;
  CopyBarrier &barrier = copyBarrier(op, 2);
  std::string error;
  for (EngineElement &element : elementsOf(op, 4)) {
    if (element.global)
      element.bits = loadBytes(element.global, element.bytes);
    if (!shared_.startEngineWrite(element.shared, element.bytes, error))
      fail(op, error);
    barrier.bytesLeft -= element.bytes;
    barrier.inFlight.push_back(element);
  }
}

void Program::arrive(const Op &op, CopyBarrier &barrier, int64_t arrivals) {
  if (barrier.arrivalsLeft < arrivals)
    fail(op, barrier.arrivalsLeft ? "the copy barrier's phase takes fewer arrivals"
                                  : "the copy barrier's phase has all its arrivals and was not awaited");
  barrier.arrivalsLeft -= arrivals;
  shared_.release(barrier.arrived);
  // A phase of copies is over as late as its waits allow; who only arrives is there.
  if (!barrier.arrivalsLeft && !barrier.bytesLeft && barrier.inFlight.empty())
    (void)finishPhase(barrier);
}

std::string Program::finishPhase(CopyBarrier &barrier) {
  if (barrier.arrivalsLeft)
    return std::to_string(barrier.arrivalsLeft) + " of " + std::to_string(barrier.arrivals) +
           " arrivals at the copy barrier are missing";
  if (barrier.bytesLeft > 0)
    return std::to_string(barrier.bytesLeft) + " announced bytes are never copied";
  for (const EngineElement &element : barrier.inFlight)
    shared_.landEngineWrite(element.shared, element.bytes, element.bits);
  barrier.inFlight.clear();
  barrier.arrivalsLeft = barrier.arrivals;
  barrier.passed = barrier.arrived;
  ++barrier.phase;
  return {};
}

void Program::awaitCopyBarrier(const Op &op) {
  CopyBarrier &barrier = copyBarrier(op, 0);
  uint64_t at = scalar(op.operands[0], op), bits = 0, parity = scalar(op.operands[1], op);
  std::string error;
  for (unsigned t = firstThread(); t < firstThread() + threads(); ++t) // every lane looks at it
    if (!shared_.read(t, at, kBarrierBytes, bits, error))
      fail(op, error);
  if (parity > 1)
    fail(op, "a parity of " + std::to_string(parity));
  auto isOver = [&barrier, parity] {
    return (barrier.phase & 1) != parity || (!barrier.arrivalsLeft && barrier.bytesLeft <= 0);
  };
  if (!isOver() && turns_) {
    (void)turns_->waitUntil(isOver);
    shared_.play(turns_->current());
  }
  if ((barrier.phase & 1) != parity)
    return shared_.acquire(barrier.passed); // over already
  if (!barrier.arrivalsLeft && barrier.bytesLeft < 0)
    fail(op, std::to_string(-barrier.bytesLeft) + " bytes more are copied than were announced");
  for (const EngineElement &element : barrier.inFlight)
    if (element.global && loadBytes(element.global, element.bytes) != element.bits)
      fail(op, "global memory changed while a copy was reading it");
  if (std::string why = finishPhase(barrier); !why.empty())
    fail(op, "waits for ever: " + why);
  shared_.acquire(barrier.passed);
}

void Program::startTensorStore(const Op &op) {
  std::vector<EngineElement> elements = elementsOf(op, 2);
  std::string error;
  for (EngineElement &element : elements)
    if (!shared_.startEngineRead(element.shared, element.bytes, element.bits, error))
      fail(op, error);
  stores_.push_back(std::move(elements));
}

void Program::awaitTensorStores(size_t pending, bool complete) {
  for (; stores_.size() > pending; stores_.pop_front())
    for (const EngineElement &element : stores_.front()) {
      shared_.endProduct(element.shared, element.bytes);
      if (element.global)
        unwritten_.push_back(element);
    }
  if (!complete)
    return;
  for (const EngineElement &element : unwritten_)
    std::memcpy(reinterpret_cast<void *>(element.global), &element.bits, element.bytes);
  unwritten_.clear();
}

} // namespace tessera::mock
