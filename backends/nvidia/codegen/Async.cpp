// Async.cpp - cp.async and wgmma
//
// SPDX-License-Identifier: Apache-2.0
//
// Sources: PTX ISA 9.0, "cp.async", "wgmma.mma_async", "Matrix descriptor format" (of wgmma: "Asynchronous warpgroup level matrix shared memory layout").
#include "backends/nvidia/codegen/NvLaneTarget.h"
#include "backends/nvidia/mma/Instructions.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using tessera::codegen::simt::AccessHints;
using tessera::codegen::simt::SharedIssue;
using tessera::layout::LinearLayout;

namespace tessera::nvidia {

// ---- copies --------------------------------------------------------------------------------------------------------

void NvLaneTarget::asyncCopy(IRBuilderBase &b, V shared, V global, unsigned bytes, V predicate, AccessHints hints) {
  V to = b.CreatePtrToInt(shared, b.getInt32Ty());
  V from = b.CreateAddrSpaceCast(global, PointerType::get(b.getContext(), globalSpace()));
  std::string size = std::to_string(bytes);
  // 16 bytes bypass the first-level cache, where nobody is known to read them or the rest of their sector from there.
  bool bypass = bytes == 16 && hints.cache != tbc::Cache::CA;
  std::string text = "cp.async." + std::string(bypass ? "cg" : "ca") + ".shared.global [$0], [$1], " + size;
  auto *known = dyn_cast_or_null<ConstantInt>(predicate);
  if (!predicate || (known && known->isOne())) {
    inlinePtx(b, b.getVoidTy(), text + ";", "r,l,~{memory}", {to, from}, true);
    return;
  }
  // ignore-src: where it holds, zeros are written and nothing is read.
  inlinePtx(b, b.getVoidTy(), text + ", $2;", "r,l,b,~{memory}", {to, from, b.CreateNot(predicate)}, true);
}

void NvLaneTarget::asyncCommit(IRBuilderBase &b) {
  inlinePtx(b, b.getVoidTy(), "cp.async.commit_group;", "~{memory}", {}, true);
}

void NvLaneTarget::asyncWait(IRBuilderBase &b, unsigned pending) {
  inlinePtx(b, b.getVoidTy(), "cp.async.wait_group " + std::to_string(pending) + ";", "~{memory}", {}, true);
}

void NvLaneTarget::sharedFence(IRBuilderBase &b) {
  if (arch_.sm >= 90)
    inlinePtx(b, b.getVoidTy(), "fence.proxy.async.shared::cta;", "~{memory}", {}, true);
}

// ---- products ------------------------------------------------------------------------------------------------------

NvLaneTarget::EntryShape NvLaneTarget::entryShape(unsigned entry) {
  const Instruction i = instructionsOf(arch_.sm, arch_.specific)[entry];
  return {i.m, i.nMax, i.k, i.lanes() / lanes()};
}

// [wgmma] "Register Fragments and Shared Memory Matrix Layouts": only of 16-bit types may an operand's k lie across its rows in shared memory.
bool NvLaneTarget::readsShared(unsigned entry, const LinearLayout &a) {
  const Instruction i = instructionsOf(arch_.sm, arch_.specific)[entry];
  return i.aText == "f16" || i.aText == "bf16" ||
         a.consecutive(layout::kOffset, layout::tensorDimName(1)) >
             a.consecutive(layout::kOffset, layout::tensorDimName(0));
}

SmallVector<Value *> NvLaneTarget::matrixOperand(IRBuilderBase &b, ArrayRef<V> fragment) {
  SmallVector<Value *> words = packRegisters(b, fragment);
  for (Value *&v : words)
    if (v->getType()->isFloatTy()) // tf32 is a b32
      v = b.CreateBitCast(v, b.getInt32Ty());
  return words;
}

LinearLayout NvLaneTarget::matrixFragment(unsigned entry, unsigned operand, unsigned columns) {
  sdk::LinearMap map = fragmentOf(instructionsOf(arch_.sm, arch_.specific)[entry], operand, columns);
  LinearLayout frame(
      {}, layout::tensorDims(std::vector<int64_t>{int64_t(1) << map.outLog2[0], int64_t(1) << map.outLog2[1]}), {});
  std::vector<layout::Dim> ins;
  layout::Vectors all;
  const std::string_view names[] = {layout::kRegister, layout::kLane, layout::kWarp, layout::kBlock};
  for (auto [name, input] : zip(names, map.inputs)) { // in this order: fragmentOf
    ins.push_back({std::string(name), static_cast<unsigned>(input.bases.size())});
    for (const std::vector<int32_t> &basis : input.bases)
      all.push_back(frame.packOut(std::vector<int64_t>(basis.begin(), basis.end())));
  }
  return LinearLayout(std::move(ins), frame.outs(), std::move(all));
}

namespace {

// What a matrix descriptor says beside the address.
struct DescriptorFields {
  uint64_t leading = 0, stride = 0; // bytes
  unsigned rowBytes = 128;          // of the swizzle
};

// The layout is one of sharedOperandOf.
DescriptorFields fieldsOf(const LinearLayout &l, unsigned bits) {
  DescriptorFields f;
  unsigned contiguous = l.consecutive(layout::kOffset, layout::tensorDimName(0)) >
                                l.consecutive(layout::kOffset, layout::tensorDimName(1))
                            ? 0
                            : 1;
  LinearLayout toOffset = l.inverse();
  auto at = [&](unsigned dim, int64_t i) {
    std::vector<int64_t> index{0, 0};
    index[dim] = i;
    return static_cast<uint64_t>(toOffset.apply(index)[0]) * bits / 8;
  };
  std::vector<int64_t> shape = l.shape();
  // As long as the contiguous dim goes on from row size to row size, it is one row.
  unsigned row = 32;
  while (row < 128 && int64_t(row) * 8 / bits < shape[contiguous] && at(contiguous, int64_t(row) * 8 / bits) == row)
    row *= 2;
  f.rowBytes = row;
  f.stride = uint64_t(8) * row; // eight rows
  int64_t inRow = int64_t(row) * 8 / bits;
  f.leading = inRow < shape[contiguous] ? at(contiguous, inRow) : 16;
  return f;
}

} // namespace

Value *NvLaneTarget::sharedOperand(IRBuilderBase &b, unsigned, unsigned, V pointer, const LinearLayout &layout,
                                   unsigned bits) {
  DescriptorFields f = fieldsOf(layout, bits);
  uint64_t mode = f.rowBytes == 128 ? 1 : f.rowBytes == 64 ? 2 : 3; // bits 62 and 63
  uint64_t constant = (f.leading >> 4 & 0x3fff) << 16 | (f.stride >> 4 & 0x3fff) << 32 | mode << 62;
  V address = b.CreateAnd(b.CreateLShr(b.CreatePtrToInt(pointer, b.getInt32Ty()), 4), 0x3fff);
  return b.CreateOr(b.CreateZExt(address, b.getInt64Ty()), b.getInt64(constant));
}

void NvLaneTarget::beginAsyncMatrix(IRBuilderBase &b) {
  inlinePtx(b, b.getVoidTy(), "wgmma.fence.sync.aligned;", "~{memory}", {}, true);
}

void NvLaneTarget::endAsyncMatrix(IRBuilderBase &b) {
  inlinePtx(b, b.getVoidTy(), "wgmma.commit_group.sync.aligned;", "~{memory}", {}, true);
}

static std::string registerList(unsigned from, size_t count) {
  std::string s = "{";
  for (size_t j = 0; j < count; ++j)
    s += (j ? ", $" : "$") + std::to_string(from + j);
  return s + "}";
}

static char letterOf(Type *t) { return t->isFloatTy() ? 'f' : 'r'; }

static Type *structOf(IRBuilderBase &b, ArrayRef<Value *> values) {
  SmallVector<Type *> types;
  for (Value *v : values)
    types.push_back(v->getType());
  return types.size() == 1 ? types[0] : static_cast<Type *>(StructType::get(b.getContext(), types));
}

SmallVector<Value *> NvLaneTarget::asyncMatrix(IRBuilderBase &b, const SharedIssue &issue) {
  const Instruction i = instructionsOf(arch_.sm, arch_.specific)[issue.entry];
  SmallVector<Value *> c = packRegisters(b, issue.accumulator);
  // Outputs are numbered first, then a and b, then the predicate, then the accumulators, tied to the outputs.
  auto next = static_cast<unsigned>(c.size());
  std::string constraints, operandsText;
  SmallVector<Value *> operands;
  for (size_t j = 0; j < c.size(); ++j)
    constraints += std::string(j ? ",=" : "=") + letterOf(c[j]->getType());
  bool inRegisters = !issue.aRegisters.empty();
  if (inRegisters) {
    operandsText += registerList(next, issue.aRegisters.size());
    for (Value *v : issue.aRegisters) {
      constraints += ",r";
      operands.push_back(v);
      ++next;
    }
  } else {
    operandsText += "$" + std::to_string(next++);
    constraints += ",l";
    operands.push_back(b.CreateAdd(issue.aShared, b.getInt64(issue.aOffset >> 4)));
  }
  operandsText += ", $" + std::to_string(next++);
  constraints += ",l";
  operands.push_back(b.CreateAdd(issue.bShared, b.getInt64(issue.bOffset >> 4)));
  // scale-d: the accumulator counts.
  operandsText += ", p";
  bool integers = i.cText == "s32", narrow = i.aText == "f16" || i.aText == "bf16";
  if (!integers)
    operandsText += ", 1, 1";
  auto isMajorMN = [&](const LinearLayout *l, unsigned kDim) {
    return l->consecutive(layout::kOffset, layout::tensorDimName(kDim)) <
           l->consecutive(layout::kOffset, layout::tensorDimName(1 - kDim));
  };
  if (narrow) {
    if (!inRegisters)
      operandsText += isMajorMN(issue.aLayout, 1) ? ", 1" : ", 0";
    operandsText += isMajorMN(issue.bLayout, 0) ? ", 1" : ", 0";
  }
  for (size_t j = 0; j < c.size() && !issue.fromZero; ++j) {
    constraints += "," + std::to_string(j);
    operands.push_back(c[j]);
  }
  std::string text = std::string("{\n.reg .pred p;\nsetp.") + (issue.fromZero ? "ne" : "eq") +
                     ".u32 p, 0, 0;\nwgmma.mma_async.sync.aligned.m64n" + std::to_string(issue.n) + "k" +
                     std::to_string(i.k) + "." + i.cText + "." + i.aText + "." + i.bText + " " +
                     registerList(0, c.size()) + ", " + operandsText + ";\n}";
  Value *out = inlinePtx(b, structOf(b, c), text, constraints + ",~{memory}", operands, true);
  SmallVector<Value *> registers;
  for (unsigned j = 0; j < c.size(); ++j)
    registers.push_back(c.size() == 1 ? out : b.CreateExtractValue(out, j));
  return unpackRegisters(b, registers, issue.accumulator.front()->getType());
}

SmallVector<Value *> NvLaneTarget::awaitMatrix(IRBuilderBase &b, unsigned pending, ArrayRef<V> registers) {
  // ptxas 13.0 serialises products of 64 x 32 that are left in flight in some loops (C7515): they are too short to gain from it.
  if (!registers.empty() && registers.size() <= 16)
    pending = 0;
  std::string text = "wgmma.wait_group.sync.aligned " + std::to_string(pending) + ";";
  if (registers.empty()) {
    inlinePtx(b, b.getVoidTy(), text, "~{memory}", {}, true);
    return {};
  }
  // The accumulators pass through the wait, so that nothing computes with them before it.
  Type *element = registers.front()->getType();
  SmallVector<Value *> words = packRegisters(b, registers);
  std::string constraints;
  for (size_t j = 0; j < words.size(); ++j)
    constraints += std::string(j ? ",=" : "=") + letterOf(words[j]->getType());
  for (size_t j = 0; j < words.size(); ++j)
    constraints += "," + std::to_string(j);
  Value *out = inlinePtx(b, structOf(b, words), text, constraints + ",~{memory}", words, true);
  SmallVector<Value *> awaited;
  for (unsigned j = 0; j < words.size(); ++j)
    awaited.push_back(words.size() == 1 ? out : b.CreateExtractValue(out, j));
  return unpackRegisters(b, awaited, element);
}

} // namespace tessera::nvidia
