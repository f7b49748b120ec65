// NvLaneTarget.h - the lane emitter's questions, answered with PTX
//
// SPDX-License-Identifier: Apache-2.0
//
// Sources of what is said here about instructions: PTX ISA 9.0 (sections named at the functions), LLVM's NVPTX usage guide.
#pragma once

#include "backends/nvidia/codegen/Libraries.h"
#include "core/codegen/simt/LaneTarget.h"

#include <map>
#include <string>
#include <vector>

namespace tessera::nvidia {

// What a kernel was compiled for, as far as code generation asks.
struct ArchFacts {
  unsigned sm = 80;         // 90 for sm_90 and sm_90a
  bool specific = false;    // sm_90a, sm_100a: instructions that later devices do not have
  unsigned ptxVersion = 80; // major * 10 + minor
};

// Launch bounds and register limits of one kernel.
struct KernelLimits {
  unsigned maxRegisters = 0; // 0: the assembler decides
  // Least blocks of a multiprocessor. Without the directive ptxas 12.8 and 13.0 aim at an occupancy of their own and put work between the loads of a
  // tile to save registers (seen on a layer norm of 16384 columns: eight loads, one at a time); with 1 they issue all eight.
  unsigned blocksPerUnit = 1;
  unsigned clusterBlocks = 1;
  // The kernel may be started before the one ahead of it in its stream has ended; it waits for that before anything else.
  bool waitsForLast = false;
};

class NvLaneTarget final : public codegen::simt::LaneTarget {
public:
  // contract: a * b + c may be fused; flush: subnormals that exp2, sqrt, rsqrt and the exact exp take or give may be zero. `libraries` outlives the target.
  NvLaneTarget(ArchFacts arch, KernelLimits limits, bool contract, bool flush, Libraries &libraries)
      : arch_(arch), limits_(limits), contract_(contract), flush_(flush), libraries_(libraries) {}

  llvm::Function *createKernel(llvm::Module &out, const tbc::Module &m, const tbc::Function &f, const std::string &name,
                               unsigned threads) override;
  V threadId(llvm::IRBuilderBase &b) override;
  V programId(llvm::IRBuilderBase &b, unsigned axis) override;
  V numPrograms(llvm::IRBuilderBase &b, unsigned axis) override;
  V warpId(llvm::IRBuilderBase &b, V threadId) override;
  V sharedBase(llvm::IRBuilderBase &b) override;

  void blockBarrier(llvm::IRBuilderBase &b) override;
  void warpBarrier(llvm::IRBuilderBase &b) override;
  void partBarrier(llvm::IRBuilderBase &b, unsigned threads) override;
  void turn(llvm::IRBuilderBase &b, Turn what, V warpId, unsigned threads) override;
  void tradeRegisters(llvm::IRBuilderBase &b, unsigned registers, bool more) override;
  V shuffle(llvm::IRBuilderBase &b, V value, V source) override;
  V shuffleXor(llvm::IRBuilderBase &b, V value, unsigned mask) override;
  V shuffleUp(llvm::IRBuilderBase &b, V value, unsigned delta) override;
  V reduceWarp(llvm::IRBuilderBase &b, tbc::Rmw kind, V value) override;
  unsigned blockTransfers() const override { return arch_.sm >= 90 ? 15 : 3; } // ldmatrix, stmatrix
  llvm::SmallVector<V> loadBlocks(llvm::IRBuilderBase &b, V row, unsigned blocks, bool transposed) override;
  void storeBlocks(llvm::IRBuilderBase &b, V row, llvm::ArrayRef<V> words, bool transposed) override;

  V loadGlobal(llvm::IRBuilderBase &b, llvm::Type *type, V pointer, V predicate, V other, unsigned align,
               codegen::simt::AccessHints hints) override;
  void storeGlobal(llvm::IRBuilderBase &b, V value, V pointer, V predicate, unsigned align,
                   codegen::simt::AccessHints hints) override;
  V atomicRmw(llvm::IRBuilderBase &b, tbc::Rmw kind, tbc::Elem elem, V pointer, V value, V predicate, tbc::MemSem sem,
              tbc::MemScope scope, bool resultUsed) override;
  unsigned atomicVector(tbc::Rmw kind, tbc::Elem elem) const override;
  llvm::SmallVector<V> atomicRmwVector(llvm::IRBuilderBase &b, tbc::Rmw kind, tbc::Elem elem, V pointer,
                                       llvm::ArrayRef<V> values, V predicate, tbc::MemSem sem, tbc::MemScope scope,
                                       bool resultUsed) override;
  void memoryFence(llvm::IRBuilderBase &b, tbc::MemScope scope) override;
  V atomicCas(llvm::IRBuilderBase &b, tbc::Elem elem, V pointer, V compare, V value, V predicate, tbc::MemSem sem,
              tbc::MemScope scope) override;

  codegen::NumericOptions numerics() const override;
  llvm::SmallVector<V> elementwise(llvm::IRBuilderBase &b, const tbc::Op &op, codegen::ElemType in,
                                   codegen::ElemType out, llvm::ArrayRef<llvm::ArrayRef<V>> operands,
                                   bool isScalar) override;

  // InlineAssembly.cpp
  std::vector<llvm::SmallVector<V, 8>> targetCode(llvm::IRBuilderBase &b, const tbc::Op &op,
                                                  llvm::ArrayRef<codegen::ElemType> in,
                                                  llvm::ArrayRef<codegen::ElemType> out,
                                                  llvm::ArrayRef<llvm::SmallVector<V, 8>> operands, unsigned pack,
                                                  std::string &why) override;

  codegen::simt::MatrixForm matrixForm(unsigned entry) const override;
  llvm::SmallVector<V> matrix(llvm::IRBuilderBase &b, const codegen::simt::MatrixIssue &issue) override;

  // Async.cpp
  void asyncCopy(llvm::IRBuilderBase &b, V shared, V global, unsigned bytes, V predicate,
                 codegen::simt::AccessHints hints) override;
  void asyncCommit(llvm::IRBuilderBase &b) override;
  void asyncWait(llvm::IRBuilderBase &b, unsigned pending) override;
  void sharedFence(llvm::IRBuilderBase &b) override;
  V sharedOperand(llvm::IRBuilderBase &b, unsigned entry, unsigned operand, V pointer,
                  const layout::LinearLayout &layout, unsigned bits) override;
  void beginAsyncMatrix(llvm::IRBuilderBase &b) override;
  llvm::SmallVector<V> asyncMatrix(llvm::IRBuilderBase &b, const codegen::simt::SharedIssue &issue) override;
  void endAsyncMatrix(llvm::IRBuilderBase &b) override;
  llvm::SmallVector<V> awaitMatrix(llvm::IRBuilderBase &b, unsigned pending, llvm::ArrayRef<V> registers) override;
  EntryShape entryShape(unsigned entry) override;
  bool readsShared(unsigned entry, const layout::LinearLayout &a) override;
  llvm::SmallVector<V> matrixOperand(llvm::IRBuilderBase &b, llvm::ArrayRef<V> fragment) override;
  layout::LinearLayout matrixFragment(unsigned entry, unsigned operand, unsigned columns) override;

  // TensorCopies.cpp
  V oneLane(llvm::IRBuilderBase &b, V threadId, V warpId) override;
  V tensorMap(llvm::IRBuilderBase &b, const tbc::Op &op, llvm::ArrayRef<V> operands, V oneLane) override;
  void copyBarriersInit(llvm::IRBuilderBase &b, V pointer, unsigned barriers, unsigned arrivals) override;
  void copyBarriersEnd(llvm::IRBuilderBase &b, V pointer, unsigned barriers) override;
  void copyExpect(llvm::IRBuilderBase &b, V barrier, uint64_t bytes) override;
  void copyArrive(llvm::IRBuilderBase &b, V barrier) override;
  void copyBarrierWait(llvm::IRBuilderBase &b, V barrier, V parity) override;
  void tensorLoad(llvm::IRBuilderBase &b, V shared, V map, V barrier, llvm::ArrayRef<V> coordinates) override;
  void tensorStore(llvm::IRBuilderBase &b, V shared, V map, llvm::ArrayRef<V> coordinates) override;
  void tensorStoreCommit(llvm::IRBuilderBase &b) override;
  void tensorStoreWait(llvm::IRBuilderBase &b, unsigned pending, bool complete) override;

  void print(llvm::IRBuilderBase &b, const codegen::simt::PrintedValue &value) override;
  void assertFailed(llvm::IRBuilderBase &b, const std::string &message, const std::string &file, unsigned line,
                    const std::string &function) override;

private:
  // Elementwise.cpp
  V fastMath(llvm::IRBuilderBase &b, const tbc::Op &op, tbc::Elem elem, llvm::ArrayRef<V> v);
  llvm::SmallVector<V> convertFloats(llvm::IRBuilderBase &b, tbc::Elem from, tbc::Elem to, bool towardsZero,
                                     llvm::ArrayRef<V> values);
  llvm::SmallVector<V> saturateToFp8(llvm::IRBuilderBase &b, tbc::Elem from, tbc::Elem to, llvm::ArrayRef<V> values);
  llvm::SmallVector<V> cutHalves(llvm::IRBuilderBase &b, tbc::Elem from, tbc::Elem to, bool towardsZero,
                                 llvm::ArrayRef<V> values);
  llvm::SmallVector<V> widenFp8(llvm::IRBuilderBase &b, tbc::Elem from, tbc::Elem to, llvm::ArrayRef<V> values);
  static llvm::SmallVector<V> widenBfloats(llvm::IRBuilderBase &b, llvm::ArrayRef<V> values);
  llvm::SmallVector<V> bytesByWords(llvm::IRBuilderBase &b, tbc::Opcode code,
                                    llvm::ArrayRef<llvm::ArrayRef<V>> operands);
  llvm::SmallVector<V> widenBytes(llvm::IRBuilderBase &b, bool isSigned, tbc::Elem to, llvm::ArrayRef<V> values);
  llvm::SmallVector<llvm::Value *> roundIntegers(llvm::IRBuilderBase &b, bool isSigned, tbc::Elem from, tbc::Elem to,
                                                 llvm::ArrayRef<llvm::Value *> values);
  // Memory.cpp
  V compareAndSwapLoop(llvm::IRBuilderBase &b, tbc::Rmw kind, tbc::Elem elem, V pointer, V value, V predicate,
                       tbc::MemSem sem, tbc::MemScope scope);
  V casWord(llvm::IRBuilderBase &b, unsigned bits, V pointer, V compare, V value, tbc::MemSem sem, tbc::MemScope scope);

  std::vector<llvm::SmallVector<V, 8>> inlineAssembly(llvm::IRBuilderBase &b, const tbc::Op &op,
                                                      llvm::ArrayRef<codegen::ElemType> in,
                                                      llvm::ArrayRef<codegen::ElemType> out,
                                                      llvm::ArrayRef<llvm::SmallVector<V, 8>> operands, unsigned pack,
                                                      std::string &why);

  ArchFacts arch_;
  KernelLimits limits_;
  bool contract_, flush_;
  Libraries &libraries_;
  std::map<const tbc::Op *, llvm::Argument *> maps_; // of the kernel being emitted
};

// One line of inline PTX: operands by LLVM constraint letters ("r" i32, "h" i16, "l" i64 or pointer, "f" f32, "d" f64, "b" i1).
// Results: `results` types, "=" constraints first. sideEffects: orders with memory and is never removed.
llvm::Value *inlinePtx(llvm::IRBuilderBase &b, llvm::Type *result, const std::string &text,
                       const std::string &constraints, llvm::ArrayRef<llvm::Value *> operands, bool sideEffects);

// Elements in storage form as the 32-bit registers (wider elements: their own) of a fragment, the first one in the low bits, and back.
llvm::SmallVector<llvm::Value *> packRegisters(llvm::IRBuilderBase &b, llvm::ArrayRef<llvm::Value *> elements);
llvm::SmallVector<llvm::Value *> unpackRegisters(llvm::IRBuilderBase &b, llvm::ArrayRef<llvm::Value *> registers,
                                                 llvm::Type *element);

// Marks the calls that send prints of a module for inlining where they are few; whether it did. Behind a call that one lane makes, nvJitLink's code leaves the lanes of a warp
// apart (docs/rationale/attention.md).
bool inlineFewMessages(llvm::Module &m);

} // namespace tessera::nvidia
