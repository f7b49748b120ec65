// HostLaneTarget.h - the host's processor as a SIMT device: every exchange of lanes is a call of the test device
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/codegen/simt/LaneTarget.h"

namespace tessera::simt {

struct HostLaneOptions {
  unsigned lanes = 32;
  bool contract = true;        // a * b + c may be fused
  bool warpReductions = false; // answers reduceWarp
};

// Any scalar in storage form as i64 and back.
llvm::Value *toBits(llvm::IRBuilderBase &b, llvm::Value *v);
llvm::Value *fromBits(llvm::IRBuilderBase &b, llvm::Value *bits, llvm::Type *t);

// The kernel's function has one parameter more than the kernel, the last: the Lane. All memory is address space 0.
class HostLaneTarget : public codegen::simt::LaneTarget {
public:
  explicit HostLaneTarget(const HostLaneOptions &options) : options_(options) {}
  unsigned lanes() const override { return options_.lanes; }
  unsigned globalSpace() const override { return 0; }
  unsigned sharedSpace() const override { return 0; }
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
  V shuffle(llvm::IRBuilderBase &b, V value, V source) override;
  V shuffleXor(llvm::IRBuilderBase &b, V value, unsigned mask) override;
  V shuffleUp(llvm::IRBuilderBase &b, V value, unsigned delta) override;
  V reduceWarp(llvm::IRBuilderBase &b, tbc::Rmw kind, V value) override;
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
  V atomicCas(llvm::IRBuilderBase &b, tbc::Elem elem, V pointer, V compare, V value, V predicate, tbc::MemSem sem,
              tbc::MemScope scope) override;
  codegen::NumericOptions numerics() const override;
  unsigned blockTransfers() const override { return 15; }
  llvm::SmallVector<V> loadBlocks(llvm::IRBuilderBase &b, V row, unsigned blocks, bool transposed) override;
  void storeBlocks(llvm::IRBuilderBase &b, V row, llvm::ArrayRef<V> words, bool transposed) override;
  codegen::simt::MatrixForm matrixForm(unsigned entry) const override;
  llvm::SmallVector<V> matrix(llvm::IRBuilderBase &b, const codegen::simt::MatrixIssue &issue) override;
  V sharedOperand(llvm::IRBuilderBase &b, unsigned entry, unsigned operand, V pointer, const layout::LinearLayout &l,
                  unsigned bits) override;
  bool readsShared(unsigned entry, const layout::LinearLayout &a) override;
  layout::LinearLayout matrixFragment(unsigned entry, unsigned operand, unsigned columns) override;
  llvm::SmallVector<V> asyncMatrix(llvm::IRBuilderBase &b, const codegen::simt::SharedIssue &issue) override;
  void endAsyncMatrix(llvm::IRBuilderBase &b) override;
  llvm::SmallVector<V> awaitMatrix(llvm::IRBuilderBase &b, unsigned pending, llvm::ArrayRef<V> registers) override;
  EntryShape entryShape(unsigned entry) override;
  void asyncCopy(llvm::IRBuilderBase &b, V shared, V global, unsigned bytes, V predicate,
                 codegen::simt::AccessHints hints) override;
  void asyncCommit(llvm::IRBuilderBase &b) override;
  void asyncWait(llvm::IRBuilderBase &b, unsigned pending) override;
  V tensorMap(llvm::IRBuilderBase &b, const tbc::Op &op, llvm::ArrayRef<V> operands, V oneLane) override;
  void copyBarriersInit(llvm::IRBuilderBase &b, V pointer, unsigned barriers, unsigned arrivals) override;
  void copyBarriersEnd(llvm::IRBuilderBase &b, V pointer, unsigned barriers) override;
  void copyExpect(llvm::IRBuilderBase &b, V barrier, uint64_t bytes) override;
  void copyArrive(llvm::IRBuilderBase &b, V barrier) override;
  void copyBarrierWait(llvm::IRBuilderBase &b, V barrier, V parity) override;
  void tensorLoad(llvm::IRBuilderBase &b, V shared, V map, V barrier, llvm::ArrayRef<V> coordinates) override;
  void tensorStore(llvm::IRBuilderBase &b, V shared, V map, llvm::ArrayRef<V> coordinates) override;
  // Copies are done when they are started.
  void tensorStoreCommit(llvm::IRBuilderBase &) override {}
  void tensorStoreWait(llvm::IRBuilderBase &, unsigned, bool) override {}
  void sharedFence(llvm::IRBuilderBase &) override {}
  void print(llvm::IRBuilderBase &b, const codegen::simt::PrintedValue &value) override;
  void assertFailed(llvm::IRBuilderBase &b, const std::string &message, const std::string &file, unsigned line,
                    const std::string &function) override;

private:
  V lane(llvm::IRBuilderBase &b) const; // the Lane
  V field(llvm::IRBuilderBase &b, llvm::Type *type, uint64_t offset) const;
  V laneId(llvm::IRBuilderBase &b);
  llvm::SmallVector<V> placesInBlock(llvm::IRBuilderBase &b, V row, unsigned block, bool transposed);
  // A call of the service at `offset` of Services with the Lane in front; with `place`, site and line follow it.
  V call(llvm::IRBuilderBase &b, uint64_t offset, llvm::Type *result, llvm::ArrayRef<V> arguments, bool place);
  void barrierCall(llvm::IRBuilderBase &b, uint32_t what, V barrier, V value);
  void tensorCopy(llvm::IRBuilderBase &b, V shared, V map, V barrier, llvm::ArrayRef<V> coordinates);
  V atomic(llvm::IRBuilderBase &b, uint64_t service, tbc::Elem elem, llvm::ArrayRef<V> arguments, V predicate);

  HostLaneOptions options_;
  unsigned site_ = 0;
  const tbc::Module *module_ = nullptr;
};

// Line of the instruction's place in the kernel's source, 0 where it has none.
unsigned sourceLine(const llvm::DebugLoc &loc);
// Adds a call of Services::access in front of every load and store of `f` that is not of its own stack or of a constant.
void insertAccessChecks(llvm::Function &f);
// `void NAME(const void *args, Lane *)`: unpacks the arguments of `kernel` and calls it.
llvm::Function *createEntry(llvm::Function &kernel, const tbc::Module &m, const tbc::Function &f,
                            const std::string &name);

} // namespace tessera::simt
