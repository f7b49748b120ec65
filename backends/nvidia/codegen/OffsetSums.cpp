// OffsetSums.cpp - offsets of a loop's tiles, added where they are needed instead of kept
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/OffsetSums.h"
#include "backends/nvidia/codegen/LoopOffsets.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/PatternMatch.h"

#include <array>
#include <optional>

using namespace llvm;

namespace tessera::nvidia {

namespace {

constexpr unsigned kGlobal = 1; // the address space of device memory in NVPTX
// Pairs of registers that a loop's sums may take and be kept: below that other values leave them room, and additions cost more than they save.
constexpr size_t kFewSums = 48;
// Registers that a loop's numbers may take: an addition more for each row or column costs no more than what they are.
constexpr size_t kFewNumbers = 16;
// The same of narrow sums in a loop of products, whose registers decide how many blocks run beside each other.
constexpr size_t kFewNarrowSums = 16;
// Registers of a lane for what such a loop carries, keeps and loads, above which 255 leave ptxas no room to have loads in flight, and the least that it takes beside them (addresses,
// masks, counters). Measured: unaligned products of fp16 in 14 tiles on an H200 (docs/rationale/pipelining.md).
constexpr uint64_t kMostHeld = 200, kLeastBeside = 20;
// Of a multiprocessor, 7.5 to 12.0: CUDA C++ Programming Guide 13.0, "Technical Specifications per Compute Capability".
constexpr uint64_t kRegisterFile = 65536;

// Whether an address of device memory adds one offset, which the loop does not change, to what it changes.
bool addsToChanging(const GetElementPtrInst &address, const Loop &loop) {
  return address.getAddressSpace() == kGlobal && address.getNumIndices() == 1 &&
         loop.isLoopInvariant(address.getOperand(1)) && !loop.isLoopInvariant(address.getPointerOperand());
}

// An address in a loop: of what the loop changes, and (parts[0] + parts[1]) * scale bytes that it does not.
struct Sum {
  GetElementPtrInst *address;
  std::array<Value *, 2> parts;
  uint64_t scale;
};

std::optional<Sum> sumOf(GetElementPtrInst &address, const Loop &loop, const DataLayout &layout) {
  auto *offset = dyn_cast<Instruction>(address.getOperand(1));
  if (!offset || !offset->getType()->isIntegerTy(64) || !addsToChanging(address, loop) ||
      address.getType()->isVectorTy())
    return {};
  Sum sum{&address, {}, layout.getTypeAllocSize(address.getSourceElementType()).getFixedValue()};
  using namespace PatternMatch;
  Value *shifted = nullptr;
  uint64_t shift = 0;
  if (match(offset, m_Shl(m_Value(shifted), m_ConstantInt(shift))) && shift < 32) {
    sum.scale <<= shift;
    offset = dyn_cast<Instruction>(shifted);
  }
  if (!offset || !match(offset, m_AddLike(m_Value(sum.parts[0]), m_Value(sum.parts[1]))) ||
      isa<Constant>(sum.parts[0]) || isa<Constant>(sum.parts[1]))
    return {};
  return sum;
}

// Parts of a loop's sums, each scaled once, where it is defined.
class ScaledParts {
public:
  explicit ScaledParts(llvm::Function &f) : f_(f) {}

  Value *of(Value *part, uint64_t scale) {
    if (scale == 1)
      return part;
    Value *&scaled = scaled_[{part, scale}];
    if (!scaled) {
      auto *made = dyn_cast<Instruction>(part);
      IRBuilder<> at(&*(made ? *made->getInsertionPointAfterDef() : f_.getEntryBlock().getFirstInsertionPt()));
      scaled = at.CreateMul(part, at.getInt64(scale));
    }
    return scaled;
  }

private:
  llvm::Function &f_;
  DenseMap<std::pair<Value *, uint64_t>, Value *> scaled_;
};

// Rows of a tile that are a constant apart: extend(from + constant) * stride, where the stride has 32 bits.
struct Row {
  Value *from = nullptr;
  unsigned extension = 0; // an opcode
  Value *stride = nullptr;
  int64_t constant = 0;
  bool isBeside(const Row &other) const {
    return from == other.from && extension == other.extension && stride == other.stride;
  }
};

// The row that a part is, of `from` itself too where `beside` says which one that is.
std::optional<Row> rowOf(Value *part, const Row &beside) {
  using namespace PatternMatch;
  Value *a = nullptr, *b = nullptr;
  if (!match(part, m_Mul(m_Value(a), m_Value(b))))
    return {};
  for (auto [number, stride] : {std::pair(a, b), std::pair(b, a)}) {
    auto *extended = dyn_cast<CastInst>(number);
    Value *narrow = nullptr, *from = nullptr;
    if (!extended || !isa<SExtInst, ZExtInst>(extended) || !match(stride, m_SExt(m_Value(narrow))) ||
        !narrow->getType()->isIntegerTy(32))
      continue;
    Row row{extended->getOperand(0), extended->getOpcode(), narrow, 0};
    const APInt *constant = nullptr;
    bool isSum = match(row.from, m_DisjointOr(m_Value(from), m_APInt(constant))) ||
                 (isa<SExtInst>(extended) ? match(row.from, m_NSWAdd(m_Value(from), m_APInt(constant)))
                                          : match(row.from, m_NUWAdd(m_Value(from), m_APInt(constant))));
    if (isSum && constant->isStrictlyPositive())
      row = {from, row.extension, narrow, constant->getSExtValue()};
    if (row.constant || row.isBeside(beside))
      return row;
  }
  return {};
}

// Addresses of rows that are a constant apart are made from the first one's in the loop, by one multiplication with the stride each: a pair of registers is kept
// for all of them. Whether there were enough. Erases the addresses that are made anew.
bool stepByRows(ArrayRef<Sum> sums, const DenseMap<Value *, unsigned> &uses, const Loop &loop) {
  BasicBlock *before = loop.getLoopPreheader();
  Row first;
  for (const Sum &sum : sums)
    for (Value *part : sum.parts)
      if (std::optional<Row> row = rowOf(part, {}); row && uses.lookup(part) == 1 && !first.from)
        first = *row;
  if (!before || !first.from)
    return false;
  struct Step {
    Sum sum;
    Value *other;
    int64_t bytes;
  };
  SmallVector<Step> steps;
  SmallPtrSet<Value *, 32> offsets, others;
  for (const Sum &sum : sums)
    for (unsigned i = 0; i < 2; ++i) {
      std::optional<Row> row = rowOf(sum.parts[i], first);
      if (!row || !row->isBeside(first) || !isInt<24>(row->constant) || sum.scale > 16)
        continue;
      steps.push_back({sum, sum.parts[1 - i], row->constant * static_cast<int64_t>(sum.scale)});
      offsets.insert(sum.address->getOperand(1));
      others.insert(sum.parts[1 - i]);
      break;
    }
  if (offsets.size() <= kFewSums || others.size() * 4 > offsets.size())
    return false;
  IRBuilder<> at(before->getTerminator());
  Type *wide = at.getInt64Ty();
  Value *start = at.CreateMul(at.CreateCast(static_cast<Instruction::CastOps>(first.extension), first.from, wide),
                              at.CreateSExt(first.stride, wide));
  DenseMap<std::pair<Value *, Value *>, Value *> moved;
  for (const Step &step : steps) {
    Value *base = step.sum.address->getPointerOperand();
    Value *&from = moved[{base, step.other}];
    if (!from) {
      IRBuilder<> outside(before->getTerminator());
      Value *offset = outside.CreateMul(outside.CreateAdd(start, step.other), outside.getInt64(step.sum.scale));
      IRBuilder<> inside(&**cast<Instruction>(base)->getInsertionPointAfterDef()); // the loop changes it
      from = inside.CreateGEP(inside.getInt8Ty(), base, offset);
    }
    Value *address = from;
    if (step.bytes) {
      // As text: as an expression it would be a chain of additions, each of which waits for the one before.
      IRBuilder<> inside(step.sum.address);
      auto *type = FunctionType::get(base->getType(), {first.stride->getType(), base->getType()}, false);
      std::string text = "mad.wide.s32 $0, $1, " + std::to_string(step.bytes) + ", $2;";
      address = inside.CreateCall(type, InlineAsm::get(type, text, "=l,r,l", false), {first.stride, from});
    }
    step.sum.address->replaceAllUsesWith(address);
    step.sum.address->eraseFromParent();
  }
  return true;
}

// The same of numbers of 32 bits that a loop computes with, changing + (parts[0] + parts[1]).
bool addPartsInLoop(Loop &loop, LoopInfo &loops) {
  using namespace PatternMatch;
  struct Number {
    BinaryOperator *sum;
    Value *changing;
    std::array<Value *, 2> parts;
  };
  SmallVector<Number> numbers;
  SmallPtrSet<Value *, 32> kept;
  DenseMap<Value *, unsigned> uses; // of parts, in sums
  for (BasicBlock *block : loop.blocks()) {
    if (loops.getLoopFor(block) != &loop)
      continue;
    for (Instruction &i : *block)
      for (unsigned which : {0, 1}) {
        Number n{};
        if (i.getOpcode() != Instruction::Add || !i.getType()->isIntegerTy(32))
          break;
        n.sum = cast<BinaryOperator>(&i);
        n.changing = i.getOperand(which);
        Value *inner = i.getOperand(1 - which);
        if (loop.isLoopInvariant(n.changing) || !isa<Instruction>(n.changing) || !loop.isLoopInvariant(inner) ||
            !match(inner, m_AddLike(m_Value(n.parts[0]), m_Value(n.parts[1]))) || isa<Constant>(n.parts[0]) ||
            isa<Constant>(n.parts[1]))
          continue;
        numbers.push_back(n);
        if (kept.insert(inner).second)
          for (Value *part : n.parts)
            ++uses[part];
        break;
      }
  }
  if (kept.size() < kFewNumbers || uses.size() * 4 > kept.size() * 3)
    return false;
  DenseMap<std::pair<Value *, Value *>, Value *> moved;
  for (const Number &n : numbers) {
    bool second = uses[n.parts[1]] > uses[n.parts[0]]; // the part that fewer others stand for
    Value *&from = moved[{n.changing, n.parts[second]}];
    if (!from) {
      IRBuilder<> at(&**cast<Instruction>(n.changing)->getInsertionPointAfterDef());
      from = at.CreateAdd(n.changing, n.parts[second]);
    }
    IRBuilder<> at(n.sum);
    n.sum->replaceAllUsesWith(at.CreateAdd(from, n.parts[!second]));
  }
  for (const Number &n : numbers)
    n.sum->eraseFromParent();
  return true;
}

// Registers for what the loop carries from iteration to iteration.
uint64_t carriedBy(const Loop &loop, const DataLayout &layout) {
  uint64_t bits = 0;
  for (PHINode &phi : loop.getHeader()->phis())
    bits += layout.getTypeSizeInBits(phi.getType()).getFixedValue();
  return bits / 32;
}

// Blocks that registers let on a multiprocessor, where a loop's lanes hold so many beside the least.
uint64_t blocksWith(uint64_t held, const llvm::Function &f) {
  uint64_t threads = std::max<uint64_t>(f.getFnAttributeAsParsedInteger("nvvm.reqntid", 128), 32);
  return kRegisterFile / (alignTo(held + kLeastBeside, 8) * threads);
}

// The same of offsets whose sums have 32 bits and are extended: they cannot be extended first, since they may wrap.
bool addNarrowParts(Loop &loop, const DataLayout &layout) {
  using namespace PatternMatch;
  BasicBlock *before = loop.getLoopPreheader(), *latch = loop.getLoopLatch();
  if (!before || !latch || !loop.isInnermost() || !multipliesTiles(loop))
    return false;
  struct Narrow {
    GetElementPtrInst *address;
    Instruction *sum;
    std::array<Value *, 2> parts;
    uint64_t shift;
  };
  SmallVector<Narrow> sums;
  SmallPtrSet<Value *, 32> kept;
  DenseMap<Value *, unsigned> uses; // of parts, in sums
  uint64_t loaded = 0;              // bits
  for (BasicBlock *block : loop.blocks())
    for (Instruction &i : *block) {
      auto *address = dyn_cast<GetElementPtrInst>(&i);
      if (!address || !addsToChanging(*address, loop) || !address->getSourceElementType()->isIntegerTy(8))
        continue;
      Narrow n{address, nullptr, {}, 0};
      Value *wide = address->getOperand(1);
      if (Value *shifted = nullptr; match(wide, m_Shl(m_Value(shifted), m_ConstantInt(n.shift))))
        wide = shifted;
      if (!match(wide, m_SExt(m_Instruction(n.sum))) || !n.sum->getType()->isIntegerTy(32) ||
          !match(n.sum, m_AddLike(m_Value(n.parts[0]), m_Value(n.parts[1]))) || isa<Constant>(n.parts[0]) ||
          isa<Constant>(n.parts[1]))
        continue;
      uint64_t bits = 0; // asynchronous copies load nothing into registers and have a pipeline in front of them
      for (User *user : address->users())
        if (user->getType()->isIntegerTy() || user->getType()->isFloatingPointTy())
          bits += layout.getTypeSizeInBits(user->getType()).getFixedValue();
      if (!bits)
        continue;
      loaded += bits;
      sums.push_back(n);
      if (kept.insert(n.sum).second)
        for (Value *part : n.parts)
          ++uses[part];
    }
  if (kept.size() <= kFewNarrowSums || uses.size() * 4 > kept.size() * 3)
    return false;
  uint64_t others = carriedBy(loop, layout) + loaded / 32, held = others + kept.size(), after = others + uses.size();
  const llvm::Function &f = *before->getParent();
  if (held < kMostHeld && blocksWith(held, f) == blocksWith(after, f))
    return false;
  Value *zero = unknownZero(*before->getParent());
  if (!zero)
    return false;
  // A 0 that changes as far as the assembler knows, without which it would move the sums out of the loop again.
  IRBuilder<> head(&loop.getHeader()->front()), end(latch->getTerminator());
  PHINode *changing = head.CreatePHI(head.getInt32Ty(), 2);
  changing->addIncoming(head.getInt32(0), before);
  changing->addIncoming(end.CreateAdd(changing, end.CreateTrunc(zero, end.getInt32Ty())), latch);
  DenseMap<Value *, Value *> moved;
  for (const Narrow &n : sums) {
    bool second = uses[n.parts[1]] > uses[n.parts[0]]; // the part that fewer others stand for
    Value *&from = moved[n.parts[second]];
    if (!from) {
      IRBuilder<> at(&*loop.getHeader()->getFirstInsertionPt());
      from = at.CreateAdd(n.parts[second], changing);
    }
    IRBuilder<> at(n.address);
    Value *offset = at.CreateSExt(at.CreateAdd(from, n.parts[!second]), at.getInt64Ty());
    n.address->setOperand(1, at.CreateShl(offset, n.shift));
  }
  return true;
}

} // namespace

PreservedAnalyses OffsetSumsPass::run(llvm::Function &f, FunctionAnalysisManager &fam) {
  auto &loops = fam.getResult<LoopAnalysis>(f);
  const DataLayout &layout = f.getDataLayout();
  ScaledParts scaled(f);
  bool changed = false;
  for (Loop *loop : loops.getLoopsInPreorder()) {
    changed |= addPartsInLoop(*loop, loops);
    changed |= addNarrowParts(*loop, layout);
    SmallVector<Sum> sums;
    for (BasicBlock *block : loop->blocks())
      if (loops.getLoopFor(block) == loop)
        for (Instruction &i : *block)
          if (auto *address = dyn_cast<GetElementPtrInst>(&i))
            if (std::optional<Sum> sum = sumOf(*address, *loop, layout))
              sums.push_back(*sum);
    SmallPtrSet<Value *, 32> kept;
    DenseMap<Value *, unsigned> uses; // of parts, in sums
    for (const Sum &sum : sums)
      if (kept.insert(sum.address->getOperand(1)).second)
        for (Value *part : sum.parts)
          ++uses[part];
    if (kept.size() <= kFewSums)
      continue;
    if (uses.size() * 4 > kept.size() * 3) {
      changed |= stepByRows(sums, uses, *loop);
      continue;
    }
    DenseMap<std::pair<Value *, Value *>, Value *> moved;
    for (const Sum &sum : sums) {
      bool second = uses[sum.parts[1]] > uses[sum.parts[0]]; // the part that fewer others stand for
      Value *base = sum.address->getPointerOperand(), *first = scaled.of(sum.parts[second], sum.scale);
      Value *&from = moved[{base, first}];
      auto *made = cast<Instruction>(base); // the loop changes it
      if (!from) {
        IRBuilder<> at(&**made->getInsertionPointAfterDef());
        from = at.CreateGEP(at.getInt8Ty(), base, first);
      }
      IRBuilder<> at(sum.address);
      Value *address = at.CreateGEP(at.getInt8Ty(), from, scaled.of(sum.parts[!second], sum.scale));
      sum.address->replaceAllUsesWith(address);
      changed = true;
    }
    for (const Sum &sum : sums)
      sum.address->eraseFromParent();
  }
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace tessera::nvidia
