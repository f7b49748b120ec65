// LinearLayout.cpp - construction, application and properties of linear layouts
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/LinearLayout.h"

#include <bit>
#include <cassert>

namespace tessera::layout {

std::string tensorDimName(unsigned index) { return "dim" + std::to_string(index); }

bool isPowerOfTwo(int64_t n) { return n > 0 && std::has_single_bit(static_cast<uint64_t>(n)); }

unsigned log2Exact(int64_t n) {
  assert(isPowerOfTwo(n) && "a size is a power of two");
  return static_cast<unsigned>(std::countr_zero(static_cast<uint64_t>(n)));
}

std::vector<Dim> tensorDims(std::span<const int64_t> shape) {
  std::vector<Dim> dims;
  for (unsigned i = 0; i < shape.size(); ++i)
    dims.push_back({tensorDimName(i), log2Exact(shape[i])});
  return dims;
}

static unsigned totalBits(const std::vector<Dim> &dims) {
  unsigned total = 0;
  for (const Dim &d : dims)
    total += d.bits;
  return total;
}

static uint64_t lowMask(unsigned bits) { return bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1; }

LinearLayout::LinearLayout(std::vector<Dim> ins, std::vector<Dim> outs, Vectors columns)
    : ins_(std::move(ins)), outs_(std::move(outs)), columns_(std::move(columns)) {
  assert(totalBits(ins_) == columns_.size() && totalBits(outs_) <= 64 && columns_.size() <= 64);
}

std::optional<LinearLayout> LinearLayout::fromBases(std::vector<std::string> inNames, std::span<const int64_t> outSizes,
                                                    const std::vector<std::vector<std::vector<int32_t>>> &bases,
                                                    std::string *why) {
  auto fail = [&](std::string reason) {
    if (why)
      *why = std::move(reason);
    return std::nullopt;
  };
  if (inNames.size() != bases.size())
    return fail("a layout has " + std::to_string(inNames.size()) + " input dims but bases for " +
                std::to_string(bases.size()));
  unsigned outBits = 0;
  for (int64_t size : outSizes) {
    if (!isPowerOfTwo(size))
      return fail("size " + std::to_string(size) + " of a layout's dim is not a power of two");
    outBits += log2Exact(size);
  }
  if (outBits > 62)
    return fail("a layout has more than 2^62 elements");
  std::vector<Dim> ins;
  LinearLayout result({}, tensorDims(outSizes), {});
  for (size_t in = 0; in < bases.size(); ++in) {
    for (size_t earlier = 0; earlier < in; ++earlier)
      if (inNames[earlier] == inNames[in])
        return fail("input dim '" + inNames[in] + "' is given twice");
    for (const std::vector<int32_t> &basis : bases[in]) {
      if (basis.size() != outSizes.size())
        return fail("a basis of '" + inNames[in] + "' has " + std::to_string(basis.size()) +
                    " entries for a tensor of rank " + std::to_string(outSizes.size()));
      for (size_t d = 0; d < basis.size(); ++d)
        if (basis[d] < 0 || basis[d] >= outSizes[d])
          return fail("basis entry " + std::to_string(basis[d]) + " of '" + inNames[in] +
                      "' is outside of its dim of size " + std::to_string(outSizes[d]));
      std::vector<int64_t> index(basis.begin(), basis.end());
      result.columns_.push_back(result.packOut(index));
    }
    ins.push_back({inNames[in], static_cast<unsigned>(bases[in].size())});
  }
  if (result.columns_.size() > 62)
    return fail("a layout has more than 62 input bits");
  result.ins_ = std::move(ins);
  return result;
}

LinearLayout LinearLayout::identity(unsigned bits, std::string_view in, std::string_view out) {
  Vectors columns;
  for (unsigned i = 0; i < bits; ++i)
    columns.push_back(uint64_t(1) << i);
  return LinearLayout({{std::string(in), bits}}, {{std::string(out), bits}}, std::move(columns));
}

LinearLayout LinearLayout::zeros(unsigned bits, std::string_view in, std::string_view out, unsigned outBits) {
  return LinearLayout({{std::string(in), bits}}, {{std::string(out), outBits}}, Vectors(bits, 0));
}

LinearLayout LinearLayout::rowMajor(std::string_view in, std::span<const int64_t> shape) {
  std::vector<Dim> outs = tensorDims(shape);
  unsigned bits = totalBits(outs);
  Vectors columns;
  for (unsigned i = 0; i < bits; ++i)
    columns.push_back(uint64_t(1) << i);
  return LinearLayout({{std::string(in), bits}}, std::move(outs), std::move(columns));
}

unsigned LinearLayout::outBits() const { return totalBits(outs_); }

int LinearLayout::findIn(std::string_view in) const {
  for (size_t i = 0; i < ins_.size(); ++i)
    if (ins_[i].name == in)
      return static_cast<int>(i);
  return -1;
}

int LinearLayout::findOut(std::string_view out) const {
  for (size_t i = 0; i < outs_.size(); ++i)
    if (outs_[i].name == out)
      return static_cast<int>(i);
  return -1;
}

unsigned LinearLayout::inBits(std::string_view in) const {
  int i = findIn(in);
  return i < 0 ? 0 : ins_[i].bits;
}

unsigned LinearLayout::outBits(std::string_view out) const {
  int i = findOut(out);
  return i < 0 ? 0 : outs_[i].bits;
}

std::vector<int64_t> LinearLayout::shape() const {
  std::vector<int64_t> sizes;
  for (const Dim &d : outs_)
    sizes.push_back(d.size());
  return sizes;
}

unsigned LinearLayout::inStart(std::string_view in) const {
  unsigned start = 0;
  for (const Dim &d : ins_) {
    if (d.name == in)
      break;
    start += d.bits;
  }
  return start;
}

unsigned LinearLayout::outStart(std::string_view out) const {
  unsigned start = 0;
  for (auto d = outs_.rbegin(); d != outs_.rend() && d->name != out; ++d)
    start += d->bits;
  return start;
}

Vectors LinearLayout::columnsOf(std::string_view in) const {
  unsigned start = inStart(in), bits = inBits(in);
  return Vectors(columns_.begin() + start, columns_.begin() + start + bits);
}

std::vector<int32_t> LinearLayout::basis(std::string_view in, unsigned bit) const {
  assert(bit < inBits(in));
  std::vector<int64_t> index = unpackOut(columns_[inStart(in) + bit]);
  return std::vector<int32_t>(index.begin(), index.end());
}

std::vector<std::vector<std::vector<int32_t>>> LinearLayout::bases() const {
  std::vector<std::vector<std::vector<int32_t>>> result;
  for (const Dim &in : ins_) {
    result.emplace_back();
    for (unsigned bit = 0; bit < in.bits; ++bit)
      result.back().push_back(basis(in.name, bit));
  }
  return result;
}

uint64_t LinearLayout::applyPacked(uint64_t in) const {
  uint64_t out = 0;
  for (; in; in &= in - 1)
    out ^= columns_[std::countr_zero(in)];
  return out;
}

std::vector<int64_t> LinearLayout::apply(std::span<const int64_t> index) const {
  return unpackOut(applyPacked(packIn(index)));
}

uint64_t LinearLayout::packIn(std::span<const int64_t> index) const {
  assert(index.size() == ins_.size());
  uint64_t packed = 0;
  unsigned start = 0;
  for (size_t i = 0; i < ins_.size(); start += ins_[i++].bits) {
    assert(index[i] >= 0 && index[i] < ins_[i].size());
    packed |= static_cast<uint64_t>(index[i]) << start;
  }
  return packed;
}

uint64_t LinearLayout::packOut(std::span<const int64_t> index) const {
  assert(index.size() == outs_.size());
  uint64_t packed = 0;
  for (size_t i = 0; i < outs_.size(); ++i)
    packed = packed << outs_[i].bits | static_cast<uint64_t>(index[i]);
  return packed;
}

std::vector<int64_t> LinearLayout::unpackIn(uint64_t packed) const {
  std::vector<int64_t> index;
  for (const Dim &d : ins_) {
    index.push_back(static_cast<int64_t>(packed & lowMask(d.bits)));
    packed >>= d.bits;
  }
  return index;
}

std::vector<int64_t> LinearLayout::unpackOut(uint64_t packed) const {
  std::vector<int64_t> index(outs_.size());
  for (size_t i = outs_.size(); i-- > 0;) {
    index[i] = static_cast<int64_t>(packed & lowMask(outs_[i].bits));
    packed >>= outs_[i].bits;
  }
  return index;
}

uint64_t LinearLayout::freeMask(std::string_view in) const {
  Span span;
  uint64_t free = 0;
  for (size_t i = 0; i < columns_.size(); ++i)
    if (!span.insert(columns_[i]))
      free |= uint64_t(1) << i;
  return free >> inStart(in) & lowMask(inBits(in));
}

int64_t LinearLayout::consecutive(std::string_view in, std::string_view out) const {
  unsigned start = inStart(in), bits = inBits(in), outAt = outStart(out), outWidth = outBits(out);
  unsigned k = 0;
  while (k < bits && k < outWidth && columns_[start + k] == uint64_t(1) << (outAt + k))
    ++k;
  return int64_t(1) << k;
}

int64_t LinearLayout::vectorWidth(std::string_view in, std::string_view out, int64_t limit) const {
  Vectors columns = columnsOf(in);
  unsigned outAt = outStart(out), outWidth = outBits(out);
  int64_t width = 1;
  for (unsigned k = 0; k < outWidth && width * 2 <= limit; ++k, width *= 2) {
    bool found = false;
    for (uint64_t c : columns)
      found |= c == uint64_t(1) << (outAt + k);
    if (!found)
      break;
  }
  return width;
}

} // namespace tessera::layout
