// Async.cpp - copies and products beside the lanes, as late as their waits allow
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/Program.h"
#include "plugins/mock/device/Scalar.h"

#include <cstring>

namespace tessera::mock {

using tbc::AttrId;
using tbc::Op;
using tbc::Opcode;

namespace {
constexpr unsigned kGroupWarps = 4; // that issue the instruction which reads shared memory
constexpr int64_t kGroupRows = 64, kGroupStep = 16;

uint64_t loadBytes(uint64_t address, unsigned n) {
  uint64_t bits = 0;
  std::memcpy(&bits, reinterpret_cast<const void *>(address), n);
  return bits;
}
} // namespace

bool Program::executeAsync(const Op &op) {
  switch (op.code) {
  case Opcode::SharedSlot: {
    auto ring = buffers_.find(op.operands[0]);
    uint64_t index = scalar(op.operands[1], op) & UINT32_MAX;
    if (ring == buffers_.end() || !ring->second.first)
      fail(op, "the operand is no ring");
    auto [slots, bytes] = ring->second;
    if (index >= slots)
      fail(op, "slot " + std::to_string(index) + " of a ring of " + std::to_string(slots));
    TileValue slot = value(op.operands[0]);
    slot.bits[0] += index * (bytes / slots);
    set(op.results[0], std::move(slot));
    return true;
  }
  case Opcode::SharedTranspose: {
    TileValue named = make(module_.typeOf(op.results[0]));
    named.bits = value(op.operands[0]).bits;
    named.states = value(op.operands[0]).states;
    set(op.results[0], std::move(named));
    return true;
  }
  case Opcode::AsyncLoad:
    startCopies(op);
    return true;
  case Opcode::AsyncCommit:
    groups_.push_back(std::move(openGroup_));
    openGroup_.clear();
    return true;
  case Opcode::AsyncWait:
    awaitCopies(op);
    return true;
  case Opcode::SharedFence:
    shared_.fence();
    return true;
  case Opcode::AsyncDot:
    startProduct(op);
    return true;
  case Opcode::DotWait:
    awaitProducts(op);
    return true;
  default:
    return false;
  }
}

void Program::startCopies(const Op &op) {
  const TileValue &buffer = value(op.operands[0]), &pointer = value(op.operands[1]);
  CellState state = CellState::Defined;
  uint64_t start = read(buffer, 0, 0, op, state);
  unsigned bytes = buffer.type->elementBytes();
  int64_t together = std::max<int64_t>(op.intAttr(AttrId::Width), 1) * bytes;
  if (together < 4)
    fail(op, "copies of " + std::to_string(together) + " bytes: the device has 4, 8 and 16");
  const std::vector<uint32_t> &offsets = launch_.tables.sharedOffsets(*buffer.type);
  std::string error;
  ++startedLoads_;
  for (unsigned t = 0; t < pointer.map->threads(); ++t)
    for (unsigned r = 0; r < pointer.map->registers(); ++r) {
      bool on = op.operands.size() < 3 || (read(value(op.operands[2]), t, r, op, state) & 1);
      if (state == CellState::Unspecified)
        fail(op, "the mask is a value that is not specified");
      Copy copy;
      copy.thread = t;
      copy.to = start + uint64_t(offsets[pointer.map->element(t, r)]) * bytes;
      if (on) {
        copy.from = read(pointer, t, r, op, state);
        if (state == CellState::Unspecified || !launch_.memory.holds(copy.from, bytes))
          fail(op, "reads address " + std::to_string(copy.from) + ", which is in no allocation");
        copy.bits = loadBytes(copy.from, bytes);
      }
      // One of the cells that hold an element copies it, as the lane emitter has it (core/codegen/simt/Async.cpp).
      if (!pointer.map->isFirstCopy(t, r))
        continue;
      if (!shared_.startCopy(startedLoads_, t, copy.to, bytes, error))
        fail(op, error);
      if (copy.from && !global_.read(static_cast<int>(t), shared_.epoch(), copy.from, bytes, error))
        fail(op, error);
      copy.bytes = bytes;
      openGroup_.push_back(copy);
    }
}

void Program::awaitCopies(const Op &op) {
  auto pending = static_cast<size_t>(op.intAttr(AttrId::Pending));
  std::string error;
  for (; groups_.size() > pending; groups_.pop_front())
    for (const Copy &copy : groups_.front()) {
      uint64_t bits = copy.from ? loadBytes(copy.from, copy.bytes) : 0;
      if (bits != copy.bits)
        fail(op, "global memory changed while a copy was reading it");
      if (copy.from && !global_.read(static_cast<int>(copy.thread), shared_.epoch(), copy.from, copy.bytes, error))
        fail(op, error);
      if (!shared_.landCopy(copy.thread, copy.to, copy.bytes, bits, error))
        fail(op, error);
    }
}

// The elements of an operand that the unit reads, in row-major order.
std::vector<uint64_t> Program::operandInShared(const TileValue &v, const Op &op, Product &product) {
  const std::vector<uint32_t> &offsets = launch_.tables.sharedOffsets(*v.type);
  CellState state = CellState::Defined;
  uint64_t start = read(v, 0, 0, op, state);
  unsigned bytes = v.type->elementBytes();
  std::vector<uint64_t> elements(static_cast<size_t>(v.type->numElements()));
  std::string error;
  for (size_t e = 0; e < elements.size(); ++e) {
    uint64_t at = start + uint64_t(offsets[e]) * bytes;
    if (!shared_.startProduct(at, bytes, elements[e], error))
      fail(op, error);
    product.reads.push_back({at, bytes});
  }
  return elements;
}

// Nothing that it reads may change before its end, so what it computes is known when it starts; only who may look is not.
void Program::startProduct(const Op &op) {
  const TileValue &a = value(op.operands[0]), &b = value(op.operands[1]);
  TileValue c = value(op.operands[2]); // may come from a product that still runs: the unit keeps their order
  c.product = 0;
  const std::vector<int64_t> &shape = c.type->shape;
  int64_t m = shape[0], n = shape[1], k = a.type->shape[1];
  tbc::Elem elem = op.intAttr(AttrId::Instruction) == 3 ? tbc::Elem::F32 : tbc::Elem::F16;
  if (op.intAttr(AttrId::Instruction) < 2 || op.intAttr(AttrId::Instruction) > 3 || a.type->elem != elem ||
      b.type->elem != elem || c.type->elem != tbc::Elem::F32 || m % kGroupRows || n % kGroupStep || k % kGroupStep ||
      launch_.warps % kGroupWarps)
    fail(op,
         "the matrix instructions on shared memory are number 2, 64xNx16 of f16 onto f32 by four warps, and 3, of f32");
  Product product;
  std::vector<uint64_t> sharedA;
  if (!a.map)
    sharedA = operandInShared(a, op, product);
  std::vector<uint64_t> sharedB = operandInShared(b, op, product);
  TileValue out = make(module_.typeOf(op.results[0]));
  if (out.map != c.map)
    fail(op, "the result has another layout than the accumulator");
  for (unsigned t = 0; t < out.map->threads(); ++t) {
    unsigned warp = t / kLanes;
    for (unsigned r = 0; r < out.map->registers(); ++r) {
      auto e = static_cast<int64_t>(out.map->element(t, r)), row = e / n, column = e % n;
      CellState state = CellState::Defined;
      auto sum = static_cast<float>(scalarToDouble(c.type->elem, read(c, t, r, op, state)));
      for (int64_t i = 0; i < k; ++i) {
        uint64_t left;
        if (a.map) { // what the warp holds
          int reg = -1, thread = a.map->findInWarp(warp, static_cast<uint32_t>(row * k + i), reg);
          if (thread < 0)
            fail(op,
                 "warp " + std::to_string(warp) + " holds no element " + std::to_string(row * k + i) + " of operand a");
          left = read(a, static_cast<unsigned>(thread), static_cast<unsigned>(reg), op, state);
        } else {
          left = sharedA[static_cast<size_t>(row * k + i)];
        }
        sum += static_cast<float>(scalarToDouble(a.type->elem, left)) *
               static_cast<float>(scalarToDouble(b.type->elem, sharedB[static_cast<size_t>(i * n + column)]));
      }
      size_t cell = size_t(t) * out.map->registers() + r;
      out.bits[cell] = scalarFromDouble(c.type->elem, sum);
      out.states[cell] = state;
    }
  }
  out.product = ++startedProducts_;
  products_.push_back(std::move(product));
  set(op.results[0], std::move(out));
}

void Program::awaitProducts(const Op &op) {
  auto pending = static_cast<size_t>(op.intAttr(AttrId::Pending));
  for (; products_.size() > pending; products_.pop_front())
    for (auto [offset, bytes] : products_.front().reads)
      shared_.endProduct(offset, bytes);
  uint64_t finished = startedProducts_ - products_.size();
  for (size_t i = 0; i < op.results.size(); ++i) {
    TileValue v = value(op.operands[i]);
    if (v.product <= finished)
      v.product = 0;
    set(op.results[i], std::move(v));
  }
}

void Program::checkNothingRuns(const Op &last) {
  bool copies = !openGroup_.empty();
  for (const std::vector<Copy> &group : groups_)
    copies |= !group.empty();
  for (const auto &[at, barrier] : copyBarriers_)
    copies |= !barrier.inFlight.empty();
  if (copies)
    fail(last, "the kernel ends while copies into shared memory are in flight");
  if (!products_.empty())
    fail(last, "the kernel ends while a product runs");
  if (!stores_.empty())
    fail(last, "the kernel ends while a tensor_store reads shared memory");
  awaitTensorStores(0, true);
}

} // namespace tessera::mock
