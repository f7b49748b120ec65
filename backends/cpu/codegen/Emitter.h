// Emitter.h - one kernel of TILE bytecode as one LLVM function
//
// SPDX-License-Identifier: Apache-2.0
//
// Scalars become SSA values, tensors are evaluated lane by lane inside the loops that Plan.h made. Code is emitted at the
// outermost loop level where its operands exist: every level keeps its block open until its inner loop is finished.
#pragma once

#include "backends/cpu/codegen/Lane.h"
#include "backends/cpu/codegen/Plan.h"
#include "core/codegen/Elementwise.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

#include <functional>
#include <map>
#include <string>

namespace tessera::cpu {

struct TargetFacts {
  unsigned vectorBits = 256;
  bool fma = true, halfConversions = true, masks = false; // masks: AVX-512 mask registers
  bool bf16Dot = false, vnni = false;
  unsigned f32Lanes() const { return vectorBits / 32; }
};

struct KernelFacts {
  uint64_t scratchBytes = 0;
  uint64_t bytesWritten = 0;
  bool canStream = false; // has contiguous stores that go past the cache where the launch says so
};

class Emitter {
public:
  Emitter(llvm::Module &out, const tbc::Module &m, const tbc::Function &f, const TargetFacts &target, bool contract,
          bool mayStream);
  // The function, and what the launch needs to know.
  llvm::Function *emit(const std::string &name, KernelFacts &facts);
  // First op that could not be lowered; empty when all could.
  const std::string &error() const { return failure; }
  tbc::LocId errorLoc() const { return failureLoc; }

private:
  using V = llvm::Value *;

  struct Binding {
    enum Kind : uint8_t { None, Scalar, Memory, Offset } kind = None;
    V scalar = nullptr;             // Scalar; Offset: what is added
    int buffer = -1;                // Memory
    tbc::ValueId init = tbc::kNone; // Offset: the initial tensor
  };

  // ---- levels and scalars (EmitterLanes.cpp)
  struct Level {
    llvm::BasicBlock *bb = nullptr;
    std::map<std::vector<uintptr_t>, Lane> memo;
  };
  unsigned depthOf(V v) const;
  unsigned depthOf(const Lane &l) const;
  V note(V v, unsigned depth);
  template <typename F> V at(unsigned depth, F f) {
    b.SetInsertPoint(levels[depth].bb);
    V r = f();
    levels[depth].bb = b.GetInsertBlock();
    return note(r, depth);
  }
  // Emits f at the deepest level of its operands.
  template <typename F> V on(std::initializer_list<V> operands, F f) {
    unsigned d = 0;
    for (V v : operands)
      d = std::max(d, v ? depthOf(v) : 0);
    return at(d, f);
  }
  template <typename F> void inner(F f) {
    b.SetInsertPoint(levels.back().bb);
    f();
    levels.back().bb = b.GetInsertBlock();
  }
  void pushLevel(llvm::BasicBlock *bb);
  void popLevel(llvm::BasicBlock *continueAt);
  void clearMemo(unsigned fromDepth);
  V scalarOf(tbc::ValueId v);
  V emitScalarOp(const tbc::Op &op, unsigned result);
  uint64_t divisorOf(tbc::ValueId v, int depth = 0) const;

  // A counted loop at the innermost level. body gets the index; the level it runs in is levels.back().
  void loop(V from, V to, int64_t step, const std::function<void(V)> &body);
  void loop(int64_t n, const std::function<void(V)> &body);
  // Loops with carried values: body(index, carried) -> next; returns the final values.
  std::vector<V> carriedLoop(V from, V to, int64_t step, std::vector<V> init, bool mayBeEmpty,
                             const std::function<std::vector<V>(V, llvm::ArrayRef<V>)> &body);
  // if (cond) body else otherwise, at the innermost level
  void either(V cond, const std::function<void()> &body, const std::function<void()> &otherwise);
  void guarded(V cond, const std::function<void()> &body);

  // ---- lanes (EmitterLanes.cpp)
  unsigned lanes = 1;
  V chunk = nullptr;       // i64: X of the first lane of the chunk
  uint64_t chunkAlign = 1; // divides it
  V typedChunk(llvm::Type *t);
  V laneBase(const Lane &l);
  V vec(const Lane &l);
  V splatTo(V scalar, unsigned n);
  V laneIndexVector(llvm::Type *scalarType);
  llvm::Type *vecType(llvm::Type *t, unsigned n) const { return n == 1 ? t : llvm::FixedVectorType::get(t, n); }
  // A lane as a scalar plus constants; nothing for other vectors and for strides that are not constant.
  std::optional<Lane> patternOf(const Lane &x);
  // The pattern base + offsets, as the simplest lane that says it.
  Lane pattern(V base, llvm::SmallVector<int64_t, 0> offsets, uint64_t align);
  Lane add(const Lane &x, const Lane &y);
  Lane sub(const Lane &x, const Lane &y);
  Lane mul(const Lane &x, const Lane &y);
  Lane castInt(const Lane &x, llvm::Type *to, bool isSigned);
  std::optional<Lane> dividePattern(const Lane &x, int64_t d, bool remainder);
  Lane divConst(const Lane &x, int64_t d);
  Lane remConst(const Lane &x, int64_t d);
  Lane mulConst(const Lane &x, int64_t k);
  Lane addPointer(const Lane &p, const Lane &offset, unsigned bytes);
  Lane constIndex(int64_t v) { return Lane::uniform(b.getInt64(v), v ? uint64_t(v & -v) : uint64_t(1) << 32); }
  Lane xLane() { return Lane::affine(b.getInt64(0), b.getInt64(1), true, uint64_t(1) << 32); }

  // ---- evaluation of tensors (EmitterEval.cpp, EmitterShape.cpp)
  Lane eval(tbc::ValueId v, const Tuple &t, bool address = false);
  Lane evalOp(const tbc::Op &op, unsigned result, const Tuple &t, bool address);
  Lane evalElementwise(const tbc::Op &op, const Tuple &t, bool address);
  Lane evalCompare(const tbc::Op &op, const Tuple &t);
  Lane wrapped(const tbc::Op &op, const Lane &x, const Lane &n, bool address);
  bool plainIsFaster(tbc::ValueId value) const;
  bool plainIsFaster(const Item &item) const;
  Lane evalShape(const tbc::Op &op, unsigned result, const Tuple &t, bool address);
  Lane evalMany(const tbc::Op &op, unsigned result, const Tuple &t); // philox, map_elementwise
  Lane linear(const Tuple &t, llvm::ArrayRef<int64_t> shape);
  Tuple delinear(const Lane &l, llvm::ArrayRef<int64_t> shape);
  bool hasX(const Tuple &t) const;
  V elementwise(const tbc::Op &op, llvm::ArrayRef<V> operands);
  // The region's ops on values (scalars or vectors) in place of its arguments. Straight-line regions only.
  std::vector<V> inlineRegion(const tbc::Region &r, llvm::ArrayRef<V> args);
  // Any region over scalars, control flow included.
  std::vector<V> scalarRegion(const tbc::Region &r, llvm::ArrayRef<V> args);

  // ---- memory (EmitterMemory.cpp)
  llvm::Type *memoryType(codegen::ElemType e);
  V fromMemory(V v, codegen::ElemType e);
  V toMemory(V v, codegen::ElemType e);
  V bufferAddress(int buffer);
  Lane bufferPointer(int buffer, const Tuple &t);
  V loadPattern(const Lane &p, llvm::Type *t, unsigned bytes, unsigned most, bool pinned);
  Lane loadLane(const Lane &p, codegen::ElemType e, const Lane *mask, const Lane *other, bool isVolatile,
                bool pinned = false); // pinned: stays in the innermost loop, because that loop writes there
  bool storePattern(const Lane &p, V value, codegen::ElemType e, unsigned bytes);
  void storeLane(const Lane &p, V value, codegen::ElemType e, const Lane *mask);
  // Contiguous stores wait until those of several chunks share one question whether to go past the cache.
  struct StreamedStore {
    V address = nullptr, value = nullptr;
    V guard = nullptr;             // i1; null: always
    uint64_t align = 1, bytes = 1; // bytes: of an element
  };
  std::vector<StreamedStore> streamed;
  bool storeLater(const Lane &p, V value, codegen::ElemType e, const Lane *mask); // false: it is no such store
  void storeStreamed();
  Lane loadBuffer(int buffer, const Tuple &t, bool pinned = false);
  void storeBuffer(int buffer, const Tuple &t, const Lane &value);
  V contiguousMask(const Lane &mask);
  int touch(int buffer);

  // ---- loops of roots (EmitterLoops.cpp, EmitterReduce.cpp)
  struct Accumulator {
    const Root *root = nullptr;
    bool inLane = false; // the reduced axis is the lane dim: vectors in registers
    bool simple = false;
    std::vector<V> identity;           // simple
    std::vector<std::vector<V>> value; // [copy][component], in registers
    std::vector<int> partial;          // a buffer [rows, lanes] for each component: rows are finished together
    unsigned rowDim = 0;
  };
  unsigned laneDim(const Item &item);
  int64_t strideAlong(tbc::ValueId v, unsigned dim, int depth = 0); // in elements or bytes; kUnknownStride
  int64_t strideOf(tbc::ValueId v, unsigned dim, int depth);
  std::map<std::pair<tbc::ValueId, unsigned>, int64_t> strides; // of one question to strideAlong
  void emitLoopItem(const Item &item);
  void emitNest(const Item &item, const std::vector<unsigned> &order, size_t level, Tuple &t,
                std::vector<Accumulator> &accs);
  void emitInner(const Item &item, unsigned dim, Tuple &t, std::vector<Accumulator> &accs);
  void emitChunk(const Item &item, const Tuple &t, std::vector<Accumulator> &accs, unsigned copy, bool first);
  unsigned unrollOf(const Item &item, int64_t chunks);
  std::vector<V> combine(const tbc::Op &reduce, bool simple, llvm::ArrayRef<V> acc, llvm::ArrayRef<V> next);
  std::vector<V> identityOf(const tbc::Op &reduce, bool &simple);
  void finishInLane(Accumulator &acc, const Tuple &t, unsigned dim);
  void finishRows(Accumulator &acc, const Tuple &t, unsigned dim, int64_t rows);
  std::vector<int64_t> contiguityVotes(tbc::ValueId v, unsigned rank);
  bool emitTransposed(const Item &item);

  // Arguments that overlap (EmitterOverlap.cpp): a loop, in a second version where its accesses meet shifted.
  void emitLoop(const Item &item);
  class Reach;
  V overlapOf(const Item &item, bool quick);
  bool readsMemory(tbc::ValueId v) const;
  void emitHeld(const Item &item);
  bool isRare = false; // short code before fast code

  // Masks of the form X < bound: collected while the main loop's body is emitted, assumed true there.
  struct Assumption {
    bool active = false;
    unsigned depth = 0;    // level outside the innermost loop
    std::vector<V> bounds; // i64, at or above that level
    int64_t extent = 0;
  };
  Assumption assume;

  // ---- blocks and control flow (EmitterRegion.cpp)
  void emitBlock(const tbc::Region &r, const YieldPlan &yields);
  void forceScalars(const tbc::Region &r, const tbc::Op *before);
  void emitSingle(const Item &item);
  void emitFor(const tbc::Op &op);
  void emitIf(const tbc::Op &op);
  void emitWhile(const tbc::Op &op);
  bool uniformStep(const tbc::Region &body, tbc::ValueId yielded, tbc::ValueId arg,
                   std::vector<std::pair<tbc::ValueId, bool>> &steps, int depth = 0);
  V uniformValue(tbc::ValueId v);
  void bindResult(tbc::ValueId v, int buffer);
  void copyInto(tbc::ValueId v, int buffer);
  void aliasOf(tbc::ValueId to, tbc::ValueId from) { bindings[to] = bindings[from]; }
  struct Frame {
    std::vector<Level> levels;
    std::map<V, unsigned> depth;
  };
  // A fresh level stack for a nested region that starts in bb; the old one comes back with leave().
  Frame enter(llvm::BasicBlock *bb);
  llvm::BasicBlock *leave(Frame &&f);

  // ---- single ops (EmitterSingle.cpp, EmitterWhole.cpp)
  void elementLoop(llvm::ArrayRef<int64_t> shape, const std::function<void(const Tuple &)> &body);
  V element(tbc::ValueId v, const Tuple &t); // one element of a tensor, or the scalar
  void emitScalarLoad(const tbc::Op &op);
  void emitScalarStore(const tbc::Op &op);
  void emitAtomic(const Item &item);
  V atomicElement(const tbc::Op &op, V p, V value, V compare);
  void emitPrint(const tbc::Op &op);
  void emitAssert(const tbc::Op &op);
  void emitScan(const Item &item);
  void emitInOrder(const Item &item);
  bool emitScanInLanes(const Item &item);
  void emitSort(const Item &item);
  bool emitSortVectors(const Item &item);
  int64_t prefixRead(tbc::ValueId v, int64_t axis, int depth = 0);
  void emitHistogram(const Item &item);
  void emitMap(const Item &item);
  void emitSplit(const Item &item);
  struct DotOperand {
    V base = nullptr;
    std::vector<int64_t> strides; // elements, by dim of the operand
    int64_t panelStride = 0;      // between panels of columns; 0: not in panels
  };
  DotOperand packOperand(tbc::ValueId v, tbc::Elem compute, bool anyOrder, int64_t panel);
  struct DotForm { // what a word of the packed operands holds: `group` elements along k
    tbc::Elem accumulate = tbc::Elem::F32, packed = tbc::Elem::F32;
    int64_t group = 1;
  };
  DotForm dotForm(const tbc::Op &op) const;
  DotOperand packWords(tbc::ValueId v, const DotForm &form, int64_t panel);
  V rowExcess(const DotOperand &A, int64_t rows, int64_t k);
  void emitDot(const Item &item);
  void emitDotLoops(const Item &item, const DotForm &form, const DotOperand &A, const DotOperand &B,
                    const std::vector<int64_t> &as, const std::vector<int64_t> &bs, V excess);
  Lane convertLane(const Lane &l, codegen::ElemType from, codegen::ElemType to);
  struct ScaledSide {
    tbc::ValueId value = tbc::kNone, scale = tbc::kNone;
    tbc::ScaledFormat format = tbc::ScaledFormat::E2M1;
    bool kPack = true, isRhs = false;
  };
  DotOperand packScaled(const ScaledSide &side, tbc::Elem packed, int64_t panel);
  V fp4ToFloat(V x);
  V scaleToFloat(V x, tbc::Elem e);
  void emitDotScaled(const Item &item);
  V stringConstant(llvm::StringRef s);
  V services();
  void fail(const tbc::Op &op, const std::string &why);
  void placeBuffers(KernelFacts &facts);

  llvm::Module &out;
  const tbc::Module &m;
  const tbc::Function &function;
  TargetFacts target;
  bool contract; // a * b + c may be rounded once
  bool mayStream;
  V streams = nullptr; // i1, in the entry: the launch wants stores past the cache
  llvm::IRBuilder<> b;
  codegen::Elementwise ew;
  FunctionFacts facts;
  std::vector<unsigned> resultIndex;
  std::vector<Binding> bindings;
  std::vector<Level> levels;
  std::map<V, unsigned> depth;
  llvm::Function *fn = nullptr;
  llvm::BasicBlock *entry = nullptr;
  V context = nullptr, scratch = nullptr;
  V safeMemory = nullptr; // readable bytes for loads that are masked off as a whole
  int clock = 0;
  std::map<tbc::ValueId, uint64_t> paramDivisor;
  KernelFacts kernelFacts;
  bool computeBound = false; // has a dot: stores past the cache would not pay
  std::string failure;
  tbc::LocId failureLoc = tbc::kNone;
};

} // namespace tessera::cpu
