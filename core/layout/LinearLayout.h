// LinearLayout.h - linear maps over GF(2) between named index spaces: where each element of a tile lives
//
// SPDX-License-Identifier: Apache-2.0
//
// A layout maps an index of its input dims to an index of its output dims; both spaces consist of named dims of 2^k
// values, and each input bit toggles a fixed set of output bits (xor), so the map is given by one output per input bit.
//   distributed: (register, lane, warp, block) -> (dim0, dim1, …): which element a register of a lane holds
//   shared:      (offset)                      -> (dim0, dim1, …): which element sits at an offset, in elements
// Packed forms: an input index packs its dims first dim lowest; an output index packs them last dim lowest, so that the
// packed output of a tensor layout is the row-major number of the element. Both have at most 64 bits.
// Value semantics, no sharing, thread-safe to read. Misuse of preconditions is a bug of the caller (asserted).
// Source: Zhou et al., "Linear Layouts: Robust Code Generation of Efficient Tensor Computation Using F2", arXiv 2505.23819.
#pragma once

#include "core/layout/Gf2.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::layout {

inline constexpr std::string_view kRegister = "register", kLane = "lane", kWarp = "warp", kBlock = "block",
                                  kOffset = "offset";

struct Dim {
  std::string name;
  unsigned bits = 0; // the dim has 2^bits values
  int64_t size() const { return int64_t(1) << bits; }
  bool operator==(const Dim &) const = default;
};

// "dim0", "dim1", …: the output names of a tensor layout.
std::string tensorDimName(unsigned index);
// Tensor dims of these sizes; every size must be a power of two.
std::vector<Dim> tensorDims(std::span<const int64_t> shape);
bool isPowerOfTwo(int64_t n);
unsigned log2Exact(int64_t n);

class LinearLayout {
public:
  // No inputs, no outputs: the unit of `product`.
  LinearLayout() = default;
  // columns: packed output of each input bit, in packed input order.
  LinearLayout(std::vector<Dim> ins, std::vector<Dim> outs, Vectors columns);
  // bases[in][bit][out]: the plain form that crosses the bytecode. Empty, with a reason, where it is not a layout (a size
  // that is no power of two, a basis outside of its dim, more than 64 bits, counts that disagree).
  static std::optional<LinearLayout> fromBases(std::vector<std::string> inNames, std::span<const int64_t> outSizes,
                                               const std::vector<std::vector<std::vector<int32_t>>> &bases,
                                               std::string *why = nullptr);
  // i -> i, both dims of 2^bits values.
  static LinearLayout identity(unsigned bits, std::string_view in, std::string_view out);
  // Everything -> 0: 2^bits input values all mean the same element.
  static LinearLayout zeros(unsigned bits, std::string_view in, std::string_view out, unsigned outBits = 0);
  // The row-major map of one input dim onto a tensor: offset i holds element i.
  static LinearLayout rowMajor(std::string_view in, std::span<const int64_t> shape);

  // ---- looking --------------------------------------------------------------------------------------------------
  const std::vector<Dim> &ins() const { return ins_; }
  const std::vector<Dim> &outs() const { return outs_; }
  const Vectors &columns() const { return columns_; }
  unsigned inBits() const { return static_cast<unsigned>(columns_.size()); }
  unsigned outBits() const;
  unsigned inBits(std::string_view in) const; // 0 where there is no such dim
  unsigned outBits(std::string_view out) const;
  int64_t inSize(std::string_view in) const { return int64_t(1) << inBits(in); }
  bool hasIn(std::string_view in) const { return findIn(in) >= 0; }
  bool hasOut(std::string_view out) const { return findOut(out) >= 0; }
  unsigned rank() const { return static_cast<unsigned>(outs_.size()); } // number of output dims
  std::vector<int64_t> shape() const;                                   // sizes of the output dims
  unsigned inStart(std::string_view in) const;   // position of the dim's lowest bit in the packed input
  unsigned outStart(std::string_view out) const; // the same for the packed output
  // Packed outputs of the bits of one input dim, lowest first.
  Vectors columnsOf(std::string_view in) const;
  // One basis, a value per output dim.
  std::vector<int32_t> basis(std::string_view in, unsigned bit) const;
  std::vector<std::vector<std::vector<int32_t>>> bases() const;
  bool operator==(const LinearLayout &) const = default;

  // ---- applying -------------------------------------------------------------------------------------------------
  uint64_t applyPacked(uint64_t in) const;
  // One value per input dim -> one per output dim.
  std::vector<int64_t> apply(std::span<const int64_t> index) const;
  uint64_t packIn(std::span<const int64_t> index) const;
  uint64_t packOut(std::span<const int64_t> index) const;
  std::vector<int64_t> unpackIn(uint64_t packed) const;
  std::vector<int64_t> unpackOut(uint64_t packed) const;

  // ---- properties -----------------------------------------------------------------------------------------------
  unsigned imageRank() const { return rankOf(columns_); }
  bool isSurjective() const { return imageRank() == outBits(); }
  bool isInjective() const { return imageRank() == inBits(); }
  bool isBijective() const { return isSurjective() && isInjective(); }
  // Packed inputs that mean the same element as 0; a basis.
  Vectors kernel() const { return nullSpace(columns_); }
  // Bits of `in` that add nothing to the image of the bits before them (packed input order): copies differ only there,
  // so where all these bits are 0 every element is met and, among the free choices, exactly once.
  uint64_t freeMask(std::string_view in) const;
  // 2^k: the lowest k bits of `in` count up consecutive elements along `out`.
  int64_t consecutive(std::string_view in, std::string_view out) const;
  // 2^k <= limit: some k bits of `in`, in any positions, hold 2^k aligned neighbours along `out` (a vector access after
  // a renaming of registers).
  int64_t vectorWidth(std::string_view in, std::string_view out, int64_t limit) const;

  // ---- algebra --------------------------------------------------------------------------------------------------
  // x -> outer(this(x)). Outputs and the inputs of `outer` match by name; an output must fit its input.
  LinearLayout compose(const LinearLayout &outer) const;
  // Bijective only.
  LinearLayout inverse() const { return pseudoInverse(); }
  // Surjective only: for each output the input whose free bits are 0.
  LinearLayout pseudoInverse() const;
  // Maps x to some y with other(y) = this(x), free bits of `other` 0. Empty where an element of this is not in other.
  std::optional<LinearLayout> followedByInverseOf(const LinearLayout &other) const;
  // Direct product: this in the low bits of each dim, `high` above it. Dims of either that the other lacks have size 1.
  LinearLayout product(const LinearLayout &high) const;
  // Q with low.product(Q) == *this up to dims of size 1, or empty. Q keeps all dims of this.
  std::optional<LinearLayout> leftDivide(const LinearLayout &low) const;
  // Restriction to some inputs (the others 0) and projection to some outputs, in the order given.
  LinearLayout sub(const std::vector<std::string> &ins, const std::vector<std::string> &outs) const;
  // Input dims in another order; the dims named must be all of them. Names that are missing are added with size 1.
  LinearLayout orderIns(const std::vector<std::string> &names) const;
  LinearLayout renameIn(std::string_view from, std::string_view to) const;
  // Drops bits of `in` whose column is 0.
  LinearLayout withoutZeroBits(std::string_view in) const;

private:
  int findIn(std::string_view in) const;
  int findOut(std::string_view out) const;

  std::vector<Dim> ins_, outs_;
  Vectors columns_;
};

// Text: `register = [[0, 1], [0, 2]], lane = [[1, 0]] -> [2, 4]`; outputs that are not called dim0, dim1, … are written
// `name: size`. parseLayout accepts exactly this, spaces free, and gives a reason on failure.
std::string printLayout(const LinearLayout &layout);
std::optional<LinearLayout> parseLayout(std::string_view text, std::string *why = nullptr);

} // namespace tessera::layout
