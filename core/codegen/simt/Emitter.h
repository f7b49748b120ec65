// Emitter.h - one kernel of LAYOUT bytecode as one LLVM function: the program of a single lane
//
// SPDX-License-Identifier: Apache-2.0
//
// A tile is the list of registers that its layout gives to a lane, one LLVM scalar each; a scalar is one value, equal in all lanes;
// a shared tensor is a pointer. Ops that stay in the lane are spelled out register by register; the others (conversions,
// reductions, dots, …) are planned with core/layout at compile time, so that the code has constants where a map is linear.
// Control flow is by scalars and therefore uniform: every lane takes the same branches.
//
// Files: Emitter.cpp frame, control flow, elementwise; Movement.cpp shape ops; Exchange.cpp conversions within a warp;
// Shared.cpp shared tensors and scratch; Memory.cpp global memory; TargetCode.cpp inline assembly; Async.cpp copies and products beside the lanes;
// TensorCopies.cpp copies of whole tiles; Messages.cpp print, assert; Reduce.cpp, Scan.cpp, Sort.cpp, Rearrange.cpp (gather, histogram), Dot.cpp the whole-tile
// ops; WholeTile.cpp what they share.
#pragma once

#include "core/bytecode/Module.h"
#include "core/codegen/Elementwise.h"
#include "core/codegen/simt/AccessVectors.h"
#include "core/codegen/simt/LaneTarget.h"
#include "core/layout/AxisSplit.h"
#include "core/layout/BlockTransfer.h"
#include "core/layout/LinearLayout.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tessera::layout {
struct BitExchange;
}

namespace tessera::codegen::simt {

using Registers = llvm::SmallVector<llvm::Value *, 8>;
class SourceLines;

// What went wrong, at which op. Thrown inside the emitter only; emitKernel returns it.
struct CannotLower {
  std::string what;
  tbc::LocId loc = tbc::kNone;
  tbc::Opcode op = tbc::Opcode::Poison;
};

struct EmitResult {
  llvm::Function *function = nullptr; // null: error
  std::optional<CannotLower> error;
};

// `m` has passed tbc::verifyModule, is of level Layout and keeps the promises of the core's CheckLayouts. Adds one function
// to `out`. debugInfo: line tables of the kernel's source.
EmitResult emitKernel(llvm::Module &out, const tbc::Module &m, const tbc::Function &f, LaneTarget &target,
                      const std::string &name, bool debugInfo = true);

class Emitter {
public:
  using V = llvm::Value *;
  Emitter(llvm::Module &out, const tbc::Module &m, const tbc::Function &f, LaneTarget &target, bool debugInfo);
  ~Emitter();
  llvm::Function *emit(const std::string &name); // throws CannotLower

private:
  // ---- frame and values (Emitter.cpp)
  void region(const tbc::Region &r); // all ops but the terminator's transfer
  void op(const tbc::Op &o);
  [[noreturn]] void fail(const tbc::Op &o, const std::string &what) const;
  const Registers &of(tbc::ValueId v) const { return values_[v]; }
  V scalar(tbc::ValueId v) const { return values_[v].front(); }
  void set(tbc::ValueId v, Registers r) { values_[v] = std::move(r); }
  void setScalar(tbc::ValueId v, V x) { values_[v] = Registers{x}; }
  const tbc::Type &type(tbc::ValueId v) const { return m_.typeOf(v); }
  llvm::Type *llvmType(const tbc::Type &t) const { return e_.type(ElemType::of(t)); } // of one register
  // Layout of a tile or shared type; of a module's layout id, made once.
  const layout::LinearLayout &layoutOf(const tbc::Type &t) const { return layouts_[t.layout]; }
  unsigned registersOf(const tbc::Type &t) const; // 1 for a scalar
  // Control flow.
  void emitIf(const tbc::Op &o);
  void emitFor(const tbc::Op &o, const tbc::Op *wait = nullptr);
  void emitWhile(const tbc::Op &o);
  void emitRoles(const tbc::Op &o);
  void barrier(); // of all lanes that run what is being emitted
  void unflatten(llvm::ArrayRef<V> flat, llvm::ArrayRef<tbc::ValueId> ids);
  // The same with pairs of 16-bit registers of tiles as one of 32: how a loop carries them.
  Registers paired(llvm::ArrayRef<V> flat, llvm::ArrayRef<tbc::ValueId> ids);
  void unpair(llvm::ArrayRef<V> pairs, llvm::ArrayRef<tbc::ValueId> ids);
  // A region whose arguments are scalars (combiners, map_elementwise), emitted in place: arguments -> yields.
  Registers inlined(const tbc::Region &r, llvm::ArrayRef<V> arguments);
  // Elementwise.
  bool elementwise(const tbc::Op &o);
  bool creation(const tbc::Op &o);
  void mapElementwise(const tbc::Op &o);
  bool targetCode(const tbc::Op &o); // TargetCode.cpp

  // ---- index arithmetic
  V i32(int64_t v) { return b_.getInt32(static_cast<uint32_t>(v)); }
  // The part of a packed tensor index that the lane and warp bits give (i32, or i64 beyond 2^31 elements): xor of columns.
  // Add a register's constant part with xor. Memoised by layout.
  V laneAndWarpPart(const layout::LinearLayout &l);
  // The element index of a register: `part` and the register's own, added where no bit is in both.
  V withPart(const layout::LinearLayout &l, V part, uint64_t own);
  // linear(x) for a runtime x and constant columns: xor over the set bits.
  V applyColumns(V x, llvm::ArrayRef<uint64_t> columns);
  // True in exactly one of the lanes that hold copies of the same elements; nullptr: no copies in other lanes or warps.
  V isFirstCopy(const layout::LinearLayout &l);
  // Registers that repeat an element of a lower register of the same lane: register -> that register.
  llvm::SmallVector<unsigned> registerCopies(const layout::LinearLayout &l) const;
  // Any storage type as a list of i32 words (1 for up to 32 bits, 2 for 64) and back, for shuffles.
  llvm::SmallVector<V, 2> toWords(V v);
  V fromWords(llvm::ArrayRef<V> words, llvm::Type *t);
  V shuffle(V v, V source); // of any storage type
  V shuffleXor(V v, unsigned mask);
  Registers exchangeBit(const Registers &from, const layout::LinearLayout &sourceOf, const layout::BitExchange &bit);
  V shuffleUp(V v, unsigned delta);

  // ---- movement (Movement.cpp)
  bool movement(const tbc::Op &o); // expand_dims … extract_scalar, convert_layout, shared_*
  void shapeOp(const tbc::Op &o);
  void joinOp(const tbc::Op &o);
  void splitOp(const tbc::Op &o);
  // bits: of an element in memory. Fails for what would have to cross warps.
  Registers convert(const tbc::Op &o, const Registers &from, const layout::LinearLayout &source,
                    const layout::LinearLayout &result, unsigned bits);
  // Registers within a warp. sourceOf: (register, lane, warp, block) of the result -> of the source (Exchange.cpp).
  Registers exchange(const Registers &from, const layout::LinearLayout &sourceOf, unsigned bits);
  // `emit` in a block that only lanes with the predicate enter (nullptr: all).
  void onlyWhere(V predicate, llvm::function_ref<void()> emit);
  void sharedAlloc(const tbc::Op &o);
  // Moves registers to and from a buffer in shared memory laid out as `shared` (offset -> element), with the widest accesses that both layouts allow.
  void storeShared(V base, const layout::LinearLayout &shared, const layout::LinearLayout &l, const Registers &r,
                   unsigned bytes);
  // from: an offset, in elements, that is added to those of all registers as if it were one more of their bits.
  Registers loadShared(V base, const layout::LinearLayout &shared, const layout::LinearLayout &l, llvm::Type *t,
                       unsigned bytes, uint64_t from = 0);
  // How such a move goes by blocks of rows, where the target has that and it takes fewer accesses.
  std::optional<layout::BlockTransfer> blocksFor(const layout::LinearLayout &shared, const layout::LinearLayout &l,
                                                 unsigned bytes, bool isStore);
  V sharedAt(int64_t offset); // base of the block's shared memory + bytes
  // The scratch of a whole-tile op (attributes offset, bytes); fails where the op was given less than `need`.
  V scratch(const tbc::Op &o, uint64_t need);
  // A scalar that one lane computed, for all lanes: through scratch, with the barriers that takes.
  V broadcastFromFirst(const tbc::Op &o, V value);

  // ---- memory (Memory.cpp)
  bool memory(const tbc::Op &o); // load, store, atomics, barrier
  void load(const tbc::Op &o);
  void store(const tbc::Op &o);
  void atomic(const tbc::Op &o);
  // How a lane accesses the memory that a pointer or a tile of pointers names.
  std::vector<AccessVector> globalVectors(const tbc::Op &o, const tbc::Type &pointers, int64_t most = INT64_MAX);
  // Of the lanes that hold an element or a scalar one, nullptr where each holds its own.
  V isFirstHolder(const tbc::Type &t);
  V both(V a, V b); // and of predicates, nullptr is true
  bool isUsed(tbc::ValueId v);
  bool isLastAccess(const tbc::Op &o); // of the kernel: nothing behind it touches memory
  Registers spreadCopies(const tbc::Op &o, Registers r, const tbc::Type &t);

  // ---- asynchronous copies and products (Async.cpp)
  bool asynchronous(const tbc::Op &o); // shared_slot, shared_transpose, async_*, shared_fence, dot_wait
  void asyncLoad(const tbc::Op &o);
  // Copies that stand directly in front of a reduction over warps start behind its shuffles and stores, in front of its barrier.
  bool waitsForExchange(const tbc::Region &r, size_t at) const;
  void asyncDot(const tbc::Op &o);

  // ---- tensor copies (TensorCopies.cpp)
  bool tensorCopies(const tbc::Op &o); // tensor_*, copy_*
  void tensorCopy(const tbc::Op &o, size_t firstCoordinate);
  // The block in which one lane goes alone, as long as ops follow each other that are done there under one predicate. The copying role is one lane.
  void enterAlone(tbc::ValueId predicate);
  void leaveAlone();
  V oneLane(); // in the entry block

  // ---- messages (Messages.cpp)
  bool messages(const tbc::Op &o); // print, assert
  void print(const tbc::Op &o);
  void printElements(const Registers &values, const layout::LinearLayout &l, PrintedValue line);
  void assertion(const tbc::Op &o);

  // ---- whole tiles (WholeTile.cpp, Reduce.cpp, Scan.cpp, Sort.cpp, Rearrange.cpp, Dot.cpp)
  bool wholeTile(const tbc::Op &o);
  layout::AxisSplit axisOf(const tbc::Op &o);
  // The region of a reduction or scan: how tuples of values, one of each operand, are combined.
  struct Combiner {
    const tbc::Op &op;
    // The op of each operand where that is all the region does and each commutes; else empty.
    llvm::SmallVector<const tbc::Op *, 2> plain;
  };
  using Tuples = std::vector<Registers>; // by operand, then one value a tuple
  Combiner combinerOf(const tbc::Op &o) const;
  // (accumulated, next) -> accumulated, tuple by tuple.
  Tuples combine(const Combiner &c, const Tuples &accumulated, const Tuples &next);
  // Halves the tuples until `count` are left: those that are `count` apart are combined.
  Tuples combineHalves(const Combiner &c, Tuples t, unsigned count);
  // What the first of the lanes that differ in the bits `lanes` has, in all of them.
  Tuples fromFirstLane(Tuples parts, uint64_t lanes);
  Tuples selectTuples(V condition, const Tuples &then, const Tuples &otherwise);
  // One value of each warp of the exchange, to all of them: [warp of the run][row]. Operand i's buffer starts at offsets[i] of the
  // op's scratch. All stores come before the one barrier, all loads after it.
  Tuples exchange(const tbc::Op &o, V scratch, const std::vector<uint64_t> &offsets,
                  const std::vector<layout::WarpExchange> &plans, const Tuples &parts);
  // As shared memory holds it: i1 as i8, pointers as i64; and back.
  V toMemory(V v);
  V fromMemory(V v, llvm::Type *t);
  // The bits of x that `mask` names, closed up towards bit 0, and back.
  V closeUp(V x, uint64_t mask);
  V closeUp(V x, llvm::ArrayRef<unsigned> bits);
  V spreadOut(V x, llvm::ArrayRef<unsigned> bits);
  // Reduce.cpp
  Tuples reduceRegisters(const Combiner &c, const layout::LinearLayout &l, const layout::AxisSplit &s);
  Tuples shuffled(const Tuples &t, unsigned mask);
  bool reduceByInstruction(const Combiner &c, const layout::AxisSplit &s, Tuples &parts);
  std::vector<std::pair<unsigned, uint64_t>> reduceLanes(const Combiner &c, const layout::LinearLayout &l,
                                                         const layout::AxisSplit &s, Tuples &parts);
  class Scanner;      // Scan.cpp
  class RegisterSort; // Sort.cpp
  void reduce(const tbc::Op &o);
  void scan(const tbc::Op &o);
  void sort(const tbc::Op &o);
  void gather(const tbc::Op &o);
  void histogram(const tbc::Op &o);
  void dot(const tbc::Op &o);
  void dotByInstruction(const tbc::Op &o);
  void dotByLanes(const tbc::Op &o);
  void dotThroughScratch(const tbc::Op &o);
  V multiplyAdd(V a, V b, V sum);

  llvm::Module &out_;
  const tbc::Module &m_;
  const tbc::Function &f_;
  LaneTarget &target_;
  llvm::IRBuilder<> b_;
  Elementwise e_;
  llvm::Function *function_ = nullptr;
  std::vector<Registers> values_; // by ValueId
  std::vector<layout::LinearLayout> layouts_;
  unsigned warps_ = 4;
  V thread_ = nullptr, lane_ = nullptr, warp_ = nullptr; // i32, in the entry block
  V oneLane_ = nullptr;                                  // made when first asked for
  enum class Role : uint8_t { All, Copies, Work };       // whose program is being emitted
  Role role_ = Role::All;
  std::vector<const tbc::Op *> copiesInExchange_; // async_load and async_commit, to be started in the next exchange
  // Of the loop that is being emitted, whose groups take turns: the product at which one begins and the one, an iteration later, that ends it.
  const tbc::Op *takesTurn_ = nullptr, *passesTurn_ = nullptr;
  llvm::BasicBlock *afterAlone_ = nullptr;             // null: all lanes are together
  tbc::ValueId alone_ = tbc::kNone;                    // the predicate
  llvm::DenseMap<tbc::ValueId, unsigned> slots_;       // of a shared_alloc
  llvm::DenseMap<tbc::ValueId, const tbc::Op *> maps_; // tensor_map
  Registers yielded_; // what the last yield or condition gave, one region after the other
  llvm::DenseMap<const layout::LinearLayout *, V> parts_; // laneAndWarpPart, by layout of layouts_
  std::vector<bool> used_;                                // by ValueId, made when first asked for
  bool debugInfo_ = true;
  std::unique_ptr<SourceLines> lines_; // null: no debug info
};

} // namespace tessera::codegen::simt
