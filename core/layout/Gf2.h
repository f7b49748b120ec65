// Gf2.h - linear algebra over GF(2) on vectors of at most 64 bits
//
// SPDX-License-Identifier: Apache-2.0
//
// A vector is a uint64_t; addition is xor. A list of vectors is a set of columns or a spanning set. Everything here is
// pure; costs are O(n * 64) a call with n vectors.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace tessera::layout {

using Vectors = std::vector<uint64_t>;

// A growing basis in echelon form that remembers which inserted vectors make up each row.
class Span {
public:
  Span() = default;
  explicit Span(const Vectors &vectors) {
    for (uint64_t v : vectors)
      insert(v);
  }
  // Adds a vector; true if it was independent of those before. At most 64 vectors may be inserted where `solve` is used.
  bool insert(uint64_t v);
  bool contains(uint64_t v) const { return reduce(v).first == 0; }
  // Which inserted vectors sum to v (bit i = i-th insert); only independent ones are used, so the answer is unique.
  std::optional<uint64_t> solve(uint64_t v) const;
  unsigned rank() const { return rank_; }

private:
  std::pair<uint64_t, uint64_t> reduce(uint64_t v) const; // remainder, combination
  std::array<uint64_t, 64> row_{};                        // by leading bit
  std::array<uint64_t, 64> combination_{};
  unsigned inserted_ = 0, rank_ = 0;
};

unsigned rankOf(const Vectors &vectors);
// The independent ones among `vectors`, first come first kept.
Vectors independent(const Vectors &vectors);
// Masks over the indices of `columns` whose sum is zero; a basis of the kernel of the matrix with these columns.
Vectors nullSpace(const Vectors &columns);
// A basis of span(a) n span(b).
Vectors intersect(const Vectors &a, const Vectors &b);
// Members of `universe` that extend span(of) to span(of + universe), in order.
Vectors complement(const Vectors &of, const Vectors &universe);
// A basis of a largest subspace of span(universe) that meets span(a) and span(b) only in zero. span(universe) must
// contain both. Its dimension is dim(universe) - max(dim a, dim b).
Vectors complementOfBoth(const Vectors &a, const Vectors &b, const Vectors &universe);

} // namespace tessera::layout
