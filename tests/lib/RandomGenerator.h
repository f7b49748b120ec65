// RandomGenerator.h - the state of one random kernel in the making; private to tests/lib
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Builder.h"
#include "tests/lib/RandomKernel.h"

namespace tessera::samples {

// splitmix64: small, and the same everywhere, unlike the distributions of the standard library.
class Random {
public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
  }
  unsigned below(uint64_t n) { return static_cast<unsigned>(next() % n); }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T> const T &of(const std::vector<T> &v) { return v[below(v.size())]; }
  template <class T> T any(std::initializer_list<T> v) { return v.begin()[below(v.size())]; }

private:
  uint64_t state_;
};

class Generator {
public:
  Generator(uint64_t seed, const RandomOptions &o) : rng_(seed * 2 + 1), o_(o), b_(k_.module) { k_.seed = seed; }
  RandomKernel run();

private:
  using ValueId = tbc::ValueId;
  using Type = tbc::Type;
  using Elem = tbc::Elem;

  const Type &type(ValueId v) const { return b_.typeOf(v); }
  bool isIntTensor(ValueId v) const { return type(v).isTensor() && tbc::isInteger(type(v).elem); }
  bool isFloatTensor(ValueId v) const { return type(v).isTensor() && tbc::isFloat(type(v).elem); }
  bool isTensor(ValueId v) const { return type(v).isTensor(); }
  // Some value of the pool that fits, lately made ones more often; kNone: there is none.
  template <class F> ValueId pick(F &&fits) {
    for (int tries = 0; tries < 24; ++tries) {
      size_t n = pool_.size(), at = rng_.chance(60) && n > 8 ? n - 1 - rng_.below(8) : rng_.below(n);
      if (fits(pool_[at]))
        return pool_[at];
    }
    return tbc::kNone;
  }
  ValueId pickFloat() {
    return pick([&](ValueId v) { return isFloatTensor(v); });
  }
  ValueId pickInt(bool withI1 = true) {
    return pick([&](ValueId v) { return isIntTensor(v) && (withI1 || type(v).elem != Elem::I1); });
  }
  void add(ValueId v) { pool_.push_back(v); }

  Elem randomInt(bool withI1);
  Elem randomFloat();
  ValueId constant(const Type &t);
  ValueId constantOf(ValueId like, double v);
  ValueId sibling(ValueId v); // another value of this type
  ValueId mask(const Type &like);
  ValueId withoutNan(ValueId v);
  ValueId clamped(ValueId v, double bound); // NaN becomes -bound
  ValueId smallIntegers(ValueId v);         // few and whole: sums and products of them are exact in every order
  std::vector<int64_t> randomShape(int64_t elements);

  // Steps: each adds values to the pool, or gives false where nothing fits. RandomSteps.cpp
  bool step();
  bool integerOp();
  bool floatOp();
  bool compare();
  bool select();
  bool convert();
  bool bitcast();
  bool creation();
  bool shape();
  // RandomTileSteps.cpp
  bool reduce();
  bool argMax();
  ValueId along(ValueId row, size_t axis, const std::vector<int64_t> &shape);
  ValueId factor(const std::vector<int64_t> &shape);
  void largeProduct();
  bool scan();
  bool dot();
  bool sortOrGather();
  bool histogram();
  bool philox();
  bool maskedLoad();
  bool atomic();
  bool ifOp();
  bool forOp();
  bool whileOp();
  bool mapElementwise();
  // RandomMathSteps.cpp
  bool elementary();
  bool fusedProduct();
  bool dotScaled();
  // RandomEffectSteps.cpp
  bool print();
  bool assertion();
  bool promise();
  bool addresses();
  bool singleElement();
  bool unread();
  bool barrier();
  bool longCombiner();
  tbc::Values inRegion(std::span<const ValueId> args, const std::vector<Type> &yields);

  // RandomGenerator.cpp
  ValueId program();
  ValueId parameter(Elem e, size_t elementsPerProgram, bool input, double ulps, ValueId &offset);
  void output(ValueId v, double ulps);
  std::vector<uint8_t> data(Elem e, size_t n);

  Random rng_;
  RandomOptions o_;
  RandomKernel k_;
  tbc::Builder b_;
  std::vector<ValueId> pool_;
  std::vector<std::pair<ValueId, double>> inexact_; // stored with a tolerance in ulps, never operands
  std::vector<std::pair<ValueId, int64_t>> inputs_; // pointers to this program's elements, how many there are
  ValueId n_ = tbc::kNone, s_ = tbc::kNone, program_ = tbc::kNone;
  unsigned programs_ = 1, depth_ = 0;
};

} // namespace tessera::samples
