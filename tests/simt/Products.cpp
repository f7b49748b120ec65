// Products.cpp - see Products.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/Products.h"

#include "core/bytecode/Module.h"
#include "core/interpreter/ScalarSemantics.h"
#include "core/target/GenericTarget.h"
#include "tests/simt/Block.h"

#include <algorithm>
#include <cstring>

namespace tessera::simt {

double valueOf(uint8_t elem, uint64_t bits) {
  auto e = static_cast<tbc::Elem>(elem);
  return tbc::isFloat(e) ? scalar::decodeFloat(e, bits)
                         : static_cast<double>(scalar::signExtend(bits, scalar::intBits(e)));
}

// Sums of i32 wrap: a double holds them exactly, also after 32 more products.
uint64_t bitsOf(uint8_t elem, double value) {
  auto e = static_cast<tbc::Elem>(elem);
  return tbc::isFloat(e) ? scalar::encodeFloat(e, value) : static_cast<uint32_t>(static_cast<int64_t>(value));
}

void Products::reset() {
  for (std::deque<Reads> &reads : groups_)
    reads.assign(1, {});
}

std::string Products::elements(unsigned warp, const void *at, const uint32_t *offsets, size_t count, uint8_t elem,
                               Reads &reads, std::vector<double> &values) {
  constexpr uint64_t kExchanged = 127;
  unsigned bytes = tbc::elemBits(static_cast<tbc::Elem>(elem)) / 8;
  auto start = static_cast<uint64_t>(static_cast<const uint8_t *>(at) - shared_.data());
  for (size_t i = 0; i < count; ++i) {
    Read read{(start ^ (offsets[i] & kExchanged)) + (offsets[i] & ~kExchanged), 0, bytes};
    if (read.offset + bytes > shared_.size())
      return "a product reads byte " + std::to_string(read.offset) + " of " + std::to_string(shared_.size()) +
             " bytes of shared memory";
    if (std::string why = shared_.unitRead(warp, kWarps, read.offset, bytes); !why.empty())
      return why;
    std::memcpy(&read.bits, shared_.data() + read.offset, bytes);
    values.push_back(valueOf(elem, read.bits));
    reads.push_back(read);
  }
  return {};
}

// Row-major element of the fragment that register r of lane l (of the group) holds: at l * registers + r.
static std::vector<uint32_t> fragmentOf(const target::MatrixEntry &e, unsigned operand, unsigned columns) {
  target::LayoutRequest request;
  request.access = operand == 2 ? target::Access::MatrixAccumulator : target::Access::MatrixOperand;
  request.shape = {e.m, operand == 2 ? columns : e.k};
  request.numWarps = Products::kWarps;
  request.operand = operand;
  std::optional<layout::LinearLayout> l = target::fragmentLayout(e, request, e.lanes / Products::kWarps);
  std::vector<uint32_t> elements;
  for (uint64_t place = 0; place < uint64_t(e.lanes) << l->inBits(layout::kRegister); ++place)
    elements.push_back(static_cast<uint32_t>(l->applyPacked(place)));
  return elements;
}

std::string Products::start(unsigned warp, std::span<const Part> parts) {
  const GroupOperands &o = parts.front().operands;
  if (o.entry >= groupMenu().size() || groupMenu()[o.entry].lanes != parts.size())
    return "no matrix instruction " + std::to_string(o.entry) + " of a group here";
  const target::MatrixEntry &e = groupMenu()[o.entry];
  bool aInRegisters = parts.front().a != nullptr;
  for (const Part &p : parts)
    if (p.operands.entry != o.entry || p.operands.columns != o.columns || p.operands.fromZero != o.fromZero ||
        p.operands.b != o.b || (p.a != nullptr) != aInRegisters || (!aInRegisters && p.operands.a != o.a))
      return "the lanes of a group name different operands of " + e.id;
  Reads &reads = groups_[warp / kWarps].back();
  std::vector<double> a, b, sums(size_t(e.m) * o.columns);
  if (std::string why = elements(warp, o.b, o.bOffsets, size_t(e.k) * o.columns, e.b, reads, b); !why.empty())
    return why;
  if (!aInRegisters)
    if (std::string why = elements(warp, o.a, o.aOffsets, size_t(e.m) * e.k, e.a, reads, a); !why.empty())
      return why;
  if (aInRegisters) {
    std::vector<uint32_t> fragment = fragmentOf(e, 0, o.columns);
    size_t registers = fragment.size() / parts.size();
    a.resize(size_t(e.m) * e.k);
    for (size_t at = 0; at < fragment.size(); ++at)
      a[fragment[at]] = valueOf(e.a, parts[at / registers].a[at % registers]);
  }
  std::vector<uint32_t> fragment = fragmentOf(e, 2, o.columns);
  size_t registers = fragment.size() / parts.size();
  for (size_t at = 0; at < fragment.size() && !o.fromZero; ++at)
    sums[fragment[at]] = valueOf(e.c, parts[at / registers].c[at % registers]);
  for (size_t i = 0; i < e.m; ++i)
    for (size_t j = 0; j < o.columns; ++j)
      for (size_t k = 0; k < e.k; ++k)
        sums[i * o.columns + j] += a[i * e.k + k] * b[k * o.columns + j];
  for (size_t at = 0; at < fragment.size(); ++at)
    parts[at / registers].c[at % registers] = bitsOf(e.d, sums[fragment[at]]);
  return {};
}

void Products::commit(unsigned warp) {
  if (warp % kWarps == 0)
    groups_[warp / kWarps].emplace_back();
}

std::string Products::wait(unsigned warp, uint32_t pending) {
  std::deque<Reads> &running = groups_[warp / kWarps];
  for (; warp % kWarps == 0 && running.size() > size_t(pending) + 1; running.pop_front())
    for (const Read &read : running.front()) {
      uint64_t bits = 0;
      std::memcpy(&bits, shared_.data() + read.offset, read.bytes);
      if (bits != read.bits)
        return "byte " + std::to_string(read.offset) +
               " of shared memory changed before the product that reads it was over";
    }
  return {};
}

} // namespace tessera::simt
