// Program.h - the state of one running program; private to core/interpreter
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/interpreter/Interpreter.h"
#include "core/interpreter/ScalarSemantics.h"
#include "core/interpreter/TensorArray.h"
#include "core/interpreter/Turns.h"

#include <map>
#include <memory>
#include <set>

namespace tessera::interp {

// The elements of a tensor, row-major, one bit pattern in 64 bits each.
struct Tensor {
  std::vector<uint64_t> bits;
  std::vector<uint8_t> shadow; // 1: unspecified; empty: none is
};

// A value of the module. Scalars live in place; tensors are shared between values and never changed once others see them.
struct Value {
  uint64_t scalar = 0;
  uint8_t shadow = 0;
  std::shared_ptr<Tensor> tensor;
};

// An operand, scalar or tensor alike.
struct In {
  const uint64_t *bits;
  const uint8_t *shadow; // nullptr: nothing is unspecified
  size_t count;
  bool unspecified(size_t i) const { return shadow && shadow[i]; }
};

class Program {
public:
  Program(const tbc::Module &m, const tbc::Function &f, std::array<uint32_t, 3> grid, const Options &o, Result &result);
  // False: the run must end (a failed assertion, the limit of ops, a malformed step).
  bool run(std::array<uint32_t, 3> id, std::span<const uint64_t> args);

private:
  friend struct Handlers;
  bool tracks() const { return o_.checkMemory; }
  const tbc::Type &typeOf(tbc::ValueId v) const { return m_.typeOf(v); }
  In in(tbc::ValueId v) const;
  In in(const tbc::Op &op, size_t i) const { return in(op.operands[i]); }
  // Fresh storage of the value's size, with nothing unspecified. Valid until the next out() of the same value.
  uint64_t *out(tbc::ValueId v);
  uint8_t *outShadow(tbc::ValueId v); // allocates it
  void alias(tbc::ValueId to, tbc::ValueId from) { values_[to] = values_[from]; }
  void setScalar(tbc::ValueId v, uint64_t bits, bool unspecified = false) {
    values_[v].scalar = bits;
    values_[v].shadow = unspecified;
  }
  size_t countOf(tbc::ValueId v) const { return static_cast<size_t>(typeOf(v).numElements()); }

  // Reports once for each op and kind.
  void report(DiagId id, const tbc::Op &op, std::string message);
  SourcePlace placeOf(tbc::LocId loc);
  std::string programText() const;
  void useOf(const tbc::Op &op, tbc::ValueId v, const char *what); // complains where a scalar is unspecified

  // Control.cpp. False: stop.
  bool region(const tbc::Region &r);
  bool op(const tbc::Op &op);
  bool ifOp(const tbc::Op &op);
  bool forOp(const tbc::Op &op);
  bool whileOp(const tbc::Op &op);
  struct CopyBarrier {
    int64_t arrivals = 1, left = 1; // of a phase
    uint64_t phase = 0;
  };
  bool roles(const tbc::Op &op);
  // Copies are there at once; copy barriers only tell roles when to go on.
  bool copyBarrier(const tbc::Op &op);
  static void arriveAt(CopyBarrier &barrier, int64_t arrivals);
  void bind(const std::vector<tbc::ValueId> &to, const std::vector<tbc::ValueId> &from, size_t skip = 0);

  // Elementwise.cpp
  void constant(const tbc::Op &op);
  void arange(const tbc::Op &op);
  void splat(const tbc::Op &op);
  void philox(const tbc::Op &op);
  void poison(const tbc::Op &op);
  void elementwise(const tbc::Op &op);

  // Shapes.cpp
  void strided(tbc::ValueId from, tbc::ValueId to, const std::vector<int64_t> &strides);
  void broadcast(const tbc::Op &op);
  void transpose(const tbc::Op &op);
  void join(const tbc::Op &op);
  void split(const tbc::Op &op);
  void cat(const tbc::Op &op);

  // MemoryOps.cpp
  // Whether the access may happen; reports where it may not.
  bool mayAccess(const tbc::Op &op, uint64_t address, unsigned bytes, bool reads, const char *what);
  bool active(const tbc::Op &op, const In *mask, size_t i);
  bool addressKnown(const tbc::Op &op, const In &ptr, size_t i);
  void write(uint64_t address, tbc::Elem e, uint64_t bits);
  void load(const tbc::Op &op);
  void asyncLoad(const tbc::Op &op); // at once
  void tensorMap(const tbc::Op &op);
  void tensorCopy(const tbc::Op &op, bool loads, size_t firstCoordinate); // at once
  void store(const tbc::Op &op);
  void atomic(const tbc::Op &op);
  void print(const tbc::Op &op);
  bool assertOp(const tbc::Op &op);
  void assume(const tbc::Op &op);

  // TileOps.cpp
  struct Axis {
    size_t outer, length, inner;
  };
  Axis axisOf(const tbc::Op &op) const;
  bool reduceOrScan(const tbc::Op &op);
  bool simpleCombine(const tbc::Op &op, const Axis &axis);
  bool mapElementwise(const tbc::Op &op);
  void sort(const tbc::Op &op);
  void gather(const tbc::Op &op);
  void histogram(const tbc::Op &op);

  // Dot.cpp
  void dot(const tbc::Op &op);
  void dotScaled(const tbc::Op &op);

  const tbc::Module &m_;
  const tbc::Function &f_;
  const Options &o_;
  Result &result_;
  std::array<uint32_t, 3> grid_, id_{};
  std::vector<Value> values_;
  std::map<tbc::ValueId, std::vector<std::shared_ptr<Tensor>>> rings_; // of shared_alloc with slots
  std::vector<scalar::TensorArray> arrays_;                            // of tensor_map, whose value is the index
  std::map<const Tensor *, CopyBarrier> copyBarriers_;                 // by the slot of their ring
  scalar::Turns *turns_ = nullptr;                                     // while roles run
  uint64_t ops_ = 0;
  uint64_t writes_ = 0; // that changed memory
  std::set<std::pair<const tbc::Op *, DiagId>> reported_;
  std::map<uint32_t, std::shared_ptr<const SourceFile>> files_;
};

} // namespace tessera::interp
