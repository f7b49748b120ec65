// EarlyStores.cpp - stores of a kernel's end as soon as what they need is there
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/EarlyStores.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <optional>

using namespace llvm;

namespace tessera::nvidia {

namespace {

constexpr unsigned kGlobal = 1, kShared = 3; // address spaces of NVPTX
// Questions in front of a tail, each of some six instructions.
constexpr size_t kMostQuestions = 6;
// A tail that is asked about stands twice in the code.
constexpr size_t kLongestTail = 2000;
// What pays on an H200 (docs/rationale/occupancy.md). Bytes that a lane loads behind its first store.
constexpr uint64_t kFewestBytes = 32;
// Stores go together up to so many bytes: with unaligned rows each element has its own, and a lane would wait for the loads of each.
constexpr uint64_t kBytesOfGroup = 16;
// Where nothing comes before it, a tail's loads come from far, and lanes wait for each run anew: two of them, and stores enough to be under way meanwhile.
constexpr size_t kRunsFromFar = 2, kStoresMeanwhile = 4;

struct Access {
  Value *address;
  uint64_t bytes;
  bool isStore;
};

// What a text of one instruction accesses: `@$5 ld.global.v4.b32 …;`, of the kinds that Memory.cpp writes.
std::optional<Access> accessOf(const CallInst &call, const InlineAsm &text) {
  StringRef s = text.getAsmString();
  if (s.starts_with("@"))
    s = s.split(' ').second;
  bool isStore = s.consume_front("st.global");
  if ((!isStore && !s.consume_front("ld.global")) || s.count(';') != 1 || !s.ends_with(";"))
    return {};
  auto kinds = s.split(' ').first;
  if (call.arg_empty() || kinds.contains("volatile"))
    return {};
  Value *address = call.getArgOperand(0);
  if (!address->getType()->isPointerTy() || address->getType()->getPointerAddressSpace() != kGlobal)
    return {};
  unsigned count = 1, bits = 0;
  if (kinds.contains(".v") && kinds.split(".v").second.take_while(isDigit).getAsInteger(10, count))
    return {};
  if (kinds.rsplit(".b").second.getAsInteger(10, bits) || !bits || bits % 8)
    return {};
  return Access{address, uint64_t(count) * bits / 8, isStore};
}

// A plain access of device memory.
std::optional<Access> accessOf(Instruction &i) {
  const DataLayout &layout = i.getDataLayout();
  if (auto *load = dyn_cast<LoadInst>(&i); load && load->isSimple() && load->getPointerAddressSpace() == kGlobal)
    return Access{load->getPointerOperand(), layout.getTypeStoreSize(load->getType()).getFixedValue(), false};
  if (auto *store = dyn_cast<StoreInst>(&i); store && store->isSimple() && store->getPointerAddressSpace() == kGlobal)
    return Access{store->getPointerOperand(),
                  layout.getTypeStoreSize(store->getValueOperand()->getType()).getFixedValue(), true};
  if (auto *call = dyn_cast<CallInst>(&i))
    if (auto *text = dyn_cast<InlineAsm>(call->getCalledOperand()))
      return accessOf(*call, *text);
  return {};
}

// Whether an instruction keeps its place among accesses of device memory. What the lanes of a warp do together does, too: lanes may part at the question.
bool isFence(Instruction &i) {
  if (auto *call = dyn_cast<CallInst>(&i)) {
    auto *text = dyn_cast<InlineAsm>(call->getCalledOperand());
    if (call->isConvergent() || (text && StringRef(text->getAsmString()).contains(".sync")))
      return true;
  }
  if (auto *load = dyn_cast<LoadInst>(&i))
    return !load->isSimple() || load->getPointerAddressSpace() != kShared;
  return i.mayHaveSideEffects() || i.mayReadFromMemory() || isa<PHINode, AllocaInst>(i);
}

// A pointer and what constants add to it.
struct Place {
  Value *base;
  int64_t offset;
};

Place placeOf(Value *address, const DataLayout &layout) {
  APInt offset(64, 0);
  Value *base = address->stripAndAccumulateConstantOffsets(layout, offset, /*AllowNonInbounds=*/true);
  return {base, offset.getSExtValue()};
}

// Bytes from a pointer on, the end not counted.
struct Reach {
  int64_t least = INT64_MAX, end = INT64_MIN;
  void add(int64_t offset, uint64_t bytes) {
    least = std::min(least, offset);
    end = std::max(end, offset + static_cast<int64_t>(bytes));
  }
};

// What a lane loads from one pointer and stores to another.
struct Pair {
  Reach read, written;
  bool mayBeEqual; // as one pointer, no load would come behind a store to what it loads
};

// The end of a block, in which only plain accesses of device memory have effects, and the order that it wants.
class Tail {
public:
  explicit Tail(BasicBlock &block) : block_(block), layout_(block.getDataLayout()) {}

  // Whether it is worth another order, and that order is known to be right or can be asked for. isBehindBarrier: lanes have told each other something before.
  bool plan(bool isBehindBarrier) {
    auto first = block_.getTerminator()->getIterator();
    while (first != block_.begin() && (!isFence(*std::prev(first)) || accessOf(*std::prev(first))))
      --first;
    size_t n = 0;
    for (Instruction &i : make_range(first, block_.getTerminator()->getIterator())) {
      number_[&i] = n++;
      instructions_.push_back(&i);
      accesses_.push_back(accessOf(i));
      if (accesses_.back() && accesses_.back()->isStore)
        stores_.push_back(&i);
    }
    if (stores_.size() < (isBehindBarrier ? 2 : kStoresMeanwhile))
      return false;
    SmallPtrSet<Instruction *, 32> placed;
    for (size_t s = 0, next; s < stores_.size(); s = next) {
      next = endOfGroup(s);
      for (size_t i = s; i < next; ++i)
        placeOperands(stores_[i], s, placed);
      for (size_t i = s; i < next; ++i)
        place(stores_[i], s, placed);
    }
    for (Instruction *i : instructions_)
      if (!placed.contains(i)) {
        if (accesses_[number_[i]])
          return false; // what only comes after the tail needs
        place(i, stores_.size(), placed);
      }
    SmallSet<size_t, 8> runs;
    for (auto &[load, store] : late_)
      runs.insert(store);
    return (isBehindBarrier || runs.size() == kRunsFromFar) && findPairs() && lateBytes_ >= kFewestBytes;
  }

  bool isAsked() const { return !pairs_.empty(); }

  // Splits the block, which returns: what was planned where the question says so, else the tail as it was.
  void split() {
    Instruction *first = instructions_.front();
    // What the question needs comes before it.
    SmallPtrSet<Instruction *, 16> needed;
    for (auto &[bases, pair] : pairs_)
      for (Value *base : {bases.first, bases.second})
        need(base, needed);
    for (Instruction *i : instructions_)
      if (needed.contains(i)) {
        if (i == first)
          first = &*std::next(i->getIterator());
        i->moveBefore(first->getIterator());
      }
    erase_if(order_, [&](Instruction *i) { return needed.contains(i); });
    BasicBlock *kept = SplitBlock(&block_, first->getIterator());
    ValueToValueMapTy map;
    BasicBlock *early = CloneBasicBlock(kept, map, ".early", kept->getParent());
    for (Instruction &i : *early)
      RemapInstruction(&i, map, RF_NoModuleLevelChanges | RF_IgnoreMissingLocals);
    for (Instruction *i : order_) {
      auto *copy = cast<Instruction>(static_cast<Value *>(map[i]));
      copy->moveBefore(early->getTerminator()->getIterator());
    }
    block_.getTerminator()->eraseFromParent();
    IRBuilder<> b(&block_);
    b.SetCurrentDebugLocation(kept->getTerminator()->getDebugLoc());
    b.CreateCondBr(isApart(b), early, kept);
  }

  void reorder() {
    for (Instruction *i : order_)
      i->moveBefore(block_.getTerminator()->getIterator());
  }

private:
  // Behind the last store of the group that begins with this one.
  size_t endOfGroup(size_t s) const {
    uint64_t bytes = 0;
    while (s < stores_.size() && bytes < kBytesOfGroup)
      bytes += accesses_[number_.lookup(stores_[s++])]->bytes;
    return s;
  }

  void place(Instruction *i, size_t store, SmallPtrSetImpl<Instruction *> &placed) {
    if (!number_.contains(i) || !placed.insert(i).second)
      return;
    placeOperands(i, store, placed);
    order_.push_back(i);
    if (accesses_[number_[i]] && !accesses_[number_[i]]->isStore)
      late_[i] = store;
  }

  void placeOperands(Instruction *i, size_t store, SmallPtrSetImpl<Instruction *> &placed) {
    SmallVector<Instruction *> operands;
    for (Value *operand : i->operands())
      if (auto *made = dyn_cast<Instruction>(operand); made && number_.contains(made))
        operands.push_back(made);
    llvm::sort(operands, [&](Instruction *a, Instruction *b) { return number_[a] < number_[b]; });
    for (Instruction *operand : operands)
      place(operand, store, placed);
  }

  // Loads and the stores that they now come behind.
  bool findPairs() {
    MapVector<Value *, Reach> reaches;
    DenseMap<Value *, unsigned> loads, stores;
    for (auto [i, access] : zip(instructions_, accesses_))
      if (access) {
        Place at = placeOf(access->address, layout_);
        reaches[at.base].add(at.offset, access->bytes);
        ++(access->isStore ? stores : loads)[at.base];
      }
    for (auto &[load, behind] : late_) {
      bool isLate = false;
      const Access &loaded = *accesses_[number_[load]];
      Place from = placeOf(loaded.address, layout_);
      for (size_t s = 0; s < behind; ++s) {
        if (number_[stores_[s]] < number_[load])
          continue; // as before
        isLate = true;
        const Access &stored = *accesses_[number_[stores_[s]]];
        Place to = placeOf(stored.address, layout_);
        bool meet = from.offset < to.offset + static_cast<int64_t>(stored.bytes) &&
                    to.offset < from.offset + static_cast<int64_t>(loaded.bytes);
        if (from.base == to.base) {
          if (meet)
            return false;
          continue;
        }
        // Runs that are no constants apart: nothing says how far the tile reaches.
        if (loads[from.base] < 2 || stores[to.base] < 2 || !isKnownBefore(from.base) || !isKnownBefore(to.base))
          return false;
        auto [at, isNew] = pairs_.insert({{from.base, to.base}, {reaches[from.base], reaches[to.base], true}});
        at->second.mayBeEqual &= !meet;
      }
      lateBytes_ += isLate ? loaded.bytes : 0;
    }
    return pairs_.size() <= kMostQuestions && (pairs_.empty() || instructions_.size() <= kLongestTail);
  }

  // Whether a value can be computed in front of the tail's accesses.
  bool isKnownBefore(Value *v) const {
    auto *i = dyn_cast<Instruction>(v);
    auto at = i ? number_.find(i) : number_.end();
    if (at == number_.end())
      return true;
    return !accesses_[at->second] && !i->mayReadFromMemory() &&
           all_of(i->operands(), [&](Value *o) { return isKnownBefore(o); });
  }

  void need(Value *v, SmallPtrSetImpl<Instruction *> &needed) const {
    auto *i = dyn_cast<Instruction>(v);
    if (!i || !number_.contains(i) || !needed.insert(i).second)
      return;
    for (Value *operand : i->operands())
      need(operand, needed);
  }

  Value *isApart(IRBuilder<> &b) const {
    Value *answer = nullptr;
    for (const auto &[bases, pair] : pairs_) {
      // They meet where written.least - read.end < load - store < written.end - read.least.
      int64_t margin = 2 * std::max(pair.read.end - pair.read.least, pair.written.end - pair.written.least);
      int64_t least = pair.written.least - pair.read.end - margin, end = pair.written.end - pair.read.least + margin;
      Type *wide = b.getInt64Ty();
      Value *distance = b.CreateSub(b.CreatePtrToInt(bases.first, wide), b.CreatePtrToInt(bases.second, wide));
      Value *isFar = b.CreateICmpUGE(b.CreateSub(distance, b.getInt64(least)), b.getInt64(end - least));
      // In place: each lane loads what it stores, another lane nothing of it.
      if (pair.mayBeEqual)
        isFar = b.CreateOr(isFar, b.CreateICmpEQ(distance, b.getInt64(0)));
      answer = answer ? b.CreateAnd(answer, isFar) : isFar;
    }
    return answer;
  }

  BasicBlock &block_;
  const DataLayout &layout_;
  SmallVector<Instruction *> instructions_, stores_, order_;
  SmallVector<std::optional<Access>> accesses_; // of instructions_
  DenseMap<Instruction *, size_t> number_;
  MapVector<Instruction *, size_t> late_;              // loads, and the first store of the group that first needs each
  MapVector<std::pair<Value *, Value *>, Pair> pairs_; // of a load's pointer and a store's
  uint64_t lateBytes_ = 0;
};

} // namespace

PreservedAnalyses EarlyStoresPass::run(llvm::Function &f, FunctionAnalysisManager &) {
  bool isBehindBarrier = false, changed = false;
  SmallVector<BasicBlock *> ends;
  for (BasicBlock &block : f) {
    if (isa<ReturnInst>(block.getTerminator()))
      ends.push_back(&block);
    isBehindBarrier |= any_of(block, [](const Instruction &i) {
      auto *call = dyn_cast<IntrinsicInst>(&i);
      return call && call->getCalledFunction()->getName().starts_with("llvm.nvvm.barrier.");
    });
  }
  for (BasicBlock *block : ends) {
    Tail tail(*block);
    if (!tail.plan(isBehindBarrier))
      continue;
    tail.isAsked() ? tail.split() : tail.reorder();
    changed = true;
  }
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace tessera::nvidia
