// AffineSums.h - integers of a kernel as sums of products: of constants, scalars that are not looked into, and a tile's index along a dim
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/analysis/AxisFacts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/DenseSet.h"

namespace tessera::tile {

// coefficient * product of the atoms [* the element's index along `dim`]. Atoms are integer scalars of i32 or i64, without extensions and hints.
struct Term {
  int64_t coefficient = 0;
  llvm::SmallVector<mlir::Value, 2> atoms = {}; // in an order of their own, the same for equal products
  int dim = -1;                                 // none
  bool sameProduct(const Term &other) const { return dim == other.dim && atoms == other.atoms; }
};

// A sum of terms with different products; none is zero. Numbers are those of endless integers: what the kernel computes where nothing wraps.
class Sum {
public:
  Sum() = default;
  explicit Sum(int64_t constant) { (void)add({constant, {}, -1}); }
  llvm::ArrayRef<Term> terms() const { return terms_; }
  bool isZero() const { return terms_.empty(); }
  // Each is false where a coefficient leaves 64 bits.
  [[nodiscard]] bool add(const Term &term);
  [[nodiscard]] bool add(const Sum &other, int64_t times = 1);
  // Null where a coefficient leaves 64 bits, or there are too many terms.
  static std::optional<Sum> product(const Sum &a, const Sum &b);
  bool operator==(const Sum &other) const;
  // The terms that follow `keep`.
  Sum filtered(llvm::function_ref<bool(const Term &)> keep) const;

private:
  llvm::SmallVector<Term, 4> terms_;
};

// Of elements along `dim`: those whose index is below (`lower`: at least) the reach.
struct Limit {
  unsigned dim = 0;
  Sum reach;
  bool lower = false;
};

// A tile of integers: the element's number where it is within all limits; what it is elsewhere is another matter (a remainder that wraps, say).
struct TileSum {
  Sum sum;
  llvm::SmallVector<Limit, 2> limits;
};

// The answers about one access: how much is looked at is bounded, and what is beyond the bound has no answer.
class AffineSums {
public:
  // The facts are those of the kernel and outlive this.
  explicit AffineSums(const AxisFacts &facts) : facts_(facts) {}

  // Looks into sums and products that parameters or loop variables go into; carried values that a constant number of parameters is added to in each
  // iteration are functions of the loop variable. Everything else is one atom. Null where coefficients leave 64 bits.
  std::optional<Sum> ofScalar(mlir::Value value);
  // Null where the tile is no such sum.
  std::optional<TileSum> ofTile(mlir::Value tile);
  // The limits whose conjunction the mask is; null where it is none.
  std::optional<llvm::SmallVector<Limit, 2>> ofMask(mlir::Value mask);
  // Every value of the term, or of the sum, is a multiple of this power of two.
  int64_t divisibility(const Term &term) const;
  int64_t divisibility(const Sum &sum) const;

private:
  bool isLookedInto(mlir::Value value);
  std::optional<Sum> ofCarried(mlir::BlockArgument argument);
  std::optional<TileSum> combine(const TileSum &a, const TileSum &b, int64_t times) const;
  std::optional<TileSum> limited(mlir::Operation *op);
  std::optional<TileSum> ofBound(mlir::Value bound, const std::optional<TileSum> &index, mlir::Type type);
  std::optional<llvm::SmallVector<Limit, 2>> ofComparison(mlir::arith::CmpIOp compare);
  mlir::Value atomOf(mlir::Value value);

  bool goOn() { return ++steps_ < 4096; }

  const AxisFacts &facts_;
  unsigned steps_ = 0;
  llvm::DenseMap<mlir::Value, bool> lookedInto_;
  llvm::DenseMap<mlir::Value, int64_t> promised_; // divisibility of atoms, by hints
  llvm::DenseSet<mlir::Value> open_;              // carried values whose sum is being found
};

} // namespace tessera::tile
