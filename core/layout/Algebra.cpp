// Algebra.cpp - compose, invert, multiply, divide and restrict linear layouts
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/LinearLayout.h"

#include <cassert>

namespace tessera::layout {

static uint64_t lowMask(unsigned bits) { return bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1; }

// The sizes of both dims of each name, in order of first appearance.
static std::vector<Dim> sumOfDims(const std::vector<Dim> &low, const std::vector<Dim> &high) {
  std::vector<Dim> dims = low;
  for (const Dim &d : high) {
    bool known = false;
    for (Dim &have : dims)
      if (have.name == d.name) {
        have.bits += d.bits;
        known = true;
      }
    if (!known)
      dims.push_back(d);
  }
  return dims;
}

LinearLayout LinearLayout::compose(const LinearLayout &outer) const {
  Vectors columns;
  for (uint64_t column : columns_) {
    uint64_t in = 0;
    for (const Dim &out : outs_) {
      assert(out.bits <= outer.inBits(out.name) && "an output must fit the input of the outer layout");
      in |= (column >> outStart(out.name) & lowMask(out.bits)) << outer.inStart(out.name);
    }
    columns.push_back(outer.applyPacked(in));
  }
  return LinearLayout(ins_, outer.outs_, std::move(columns));
}

std::optional<LinearLayout> LinearLayout::followedByInverseOf(const LinearLayout &other) const {
  assert(outs_ == other.outs_ && "both layouts describe the same tensor");
  Span span(other.columns_);
  LinearLayout result(ins_, other.ins_, Vectors(columns_.size(), 0));
  for (size_t i = 0; i < columns_.size(); ++i) {
    std::optional<uint64_t> in = span.solve(columns_[i]);
    if (!in)
      return std::nullopt;
    result.columns_[i] = result.packOut(other.unpackIn(*in));
  }
  return result;
}

LinearLayout LinearLayout::pseudoInverse() const {
  // The identity on the output space, followed by the inverse: its inputs are the output dims.
  Vectors columns;
  for (const Dim &out : outs_)
    for (unsigned bit = 0; bit < out.bits; ++bit)
      columns.push_back(uint64_t(1) << (outStart(out.name) + bit));
  std::optional<LinearLayout> result = LinearLayout(outs_, outs_, std::move(columns)).followedByInverseOf(*this);
  assert(result && "only a surjective layout has a pseudo-inverse");
  return result ? *result : LinearLayout();
}

LinearLayout LinearLayout::product(const LinearLayout &high) const {
  LinearLayout result;
  result.ins_ = sumOfDims(ins_, high.ins_);
  result.outs_ = sumOfDims(outs_, high.outs_);
  auto place = [&](const LinearLayout &from, uint64_t column, bool shifted) {
    uint64_t placed = 0;
    for (const Dim &out : from.outs_) {
      unsigned shift = shifted ? outBits(out.name) : 0;
      uint64_t part = column >> from.outStart(out.name) & lowMask(out.bits);
      placed |= part << (result.outStart(out.name) + shift);
    }
    return placed;
  };
  for (const Dim &in : result.ins_) {
    for (uint64_t column : columnsOf(in.name))
      result.columns_.push_back(place(*this, column, false));
    for (uint64_t column : high.columnsOf(in.name))
      result.columns_.push_back(place(high, column, true));
  }
  return result;
}

std::optional<LinearLayout> LinearLayout::leftDivide(const LinearLayout &low) const {
  LinearLayout quotient;
  for (const Dim &out : outs_) {
    if (low.outBits(out.name) > out.bits)
      return std::nullopt;
    quotient.outs_.push_back({out.name, out.bits - low.outBits(out.name)});
  }
  for (const Dim &in : ins_) {
    unsigned lowBits = low.inBits(in.name);
    if (lowBits > in.bits)
      return std::nullopt;
    Vectors columns = columnsOf(in.name);
    for (unsigned bit = 0; bit < lowBits; ++bit) // the low bits must be exactly `low`
      for (const Dim &out : outs_) {
        uint64_t mine = columns[bit] >> outStart(out.name) & lowMask(out.bits);
        uint64_t theirs = low.columnsOf(in.name)[bit] >> low.outStart(out.name) & lowMask(low.outBits(out.name));
        if (mine != theirs)
          return std::nullopt;
      }
    for (unsigned bit = lowBits; bit < in.bits; ++bit) { // the others must leave the low output bits alone
      uint64_t column = 0;
      for (const Dim &out : outs_) {
        uint64_t part = columns[bit] >> outStart(out.name) & lowMask(out.bits);
        unsigned shift = low.outBits(out.name);
        if (part & lowMask(shift))
          return std::nullopt;
        column |= part >> shift << quotient.outStart(out.name);
      }
      quotient.columns_.push_back(column);
    }
    quotient.ins_.push_back({in.name, in.bits - lowBits});
  }
  for (const Dim &in : low.ins_)
    if (in.bits && !hasIn(in.name))
      return std::nullopt;
  for (const Dim &out : low.outs_)
    if (out.bits && !hasOut(out.name))
      return std::nullopt;
  return quotient;
}

LinearLayout LinearLayout::sub(const std::vector<std::string> &ins, const std::vector<std::string> &outs) const {
  LinearLayout result;
  for (const std::string &out : outs)
    result.outs_.push_back({out, outBits(out)});
  for (const std::string &in : ins) {
    result.ins_.push_back({in, inBits(in)});
    for (uint64_t column : columnsOf(in)) {
      uint64_t kept = 0;
      for (const Dim &out : result.outs_)
        kept |= (column >> outStart(out.name) & lowMask(out.bits)) << result.outStart(out.name);
      result.columns_.push_back(kept);
    }
  }
  return result;
}

LinearLayout LinearLayout::orderIns(const std::vector<std::string> &names) const {
  LinearLayout result;
  result.outs_ = outs_;
  for (const std::string &name : names) {
    result.ins_.push_back({name, inBits(name)});
    for (uint64_t column : columnsOf(name))
      result.columns_.push_back(column);
  }
  assert(result.columns_.size() == columns_.size() && "every input dim with bits is named once");
  return result;
}

LinearLayout LinearLayout::renameIn(std::string_view from, std::string_view to) const {
  LinearLayout result = *this;
  for (Dim &in : result.ins_)
    if (in.name == from)
      in.name = std::string(to);
  return result;
}

LinearLayout LinearLayout::withoutZeroBits(std::string_view in) const {
  LinearLayout result;
  result.outs_ = outs_;
  for (const Dim &d : ins_) {
    unsigned kept = 0;
    for (uint64_t column : columnsOf(d.name))
      if (d.name != in || column) {
        result.columns_.push_back(column);
        ++kept;
      }
    result.ins_.push_back({d.name, kept});
  }
  return result;
}

} // namespace tessera::layout
