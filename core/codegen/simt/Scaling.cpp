// Scaling.cpp - multiplications by factors that are mostly one
//
// SPDX-License-Identifier: Apache-2.0
//
// Online softmax multiplies its sums by exp(m - max(m, x)) whenever it has seen more: exactly one unless the row has a new maximum, which becomes rare
// soon. A product with one is the other factor bit for bit, so a subgroup whose factors are all one skips the multiplications.
#include "core/codegen/simt/Emitter.h"

#include "llvm/ADT/SetVector.h"

using namespace llvm;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

const Emitter::Uses &Emitter::uses() {
  if (uses_.counts.empty()) {
    uses_.counts.resize(m_.valueTypes.size());
    uses_.definitions.resize(m_.valueTypes.size());
    std::function<void(const tbc::Region &)> visit = [&](const tbc::Region &r) {
      for (const Op &o : r.ops) {
        for (tbc::ValueId operand : o.operands)
          ++uses_.counts[operand];
        for (tbc::ValueId result : o.results)
          uses_.definitions[result] = &o;
        for (const tbc::Region &inner : o.regions)
          visit(inner);
      }
    };
    visit(f_.body);
  }
  return uses_;
}

// The op that computes the elements of `v`, whatever moved them since.
const Op *Emitter::origin(tbc::ValueId &v) {
  while (const Op *o = uses().definitions[v]) {
    if (o->code != Opcode::Broadcast && o->code != Opcode::ExpandDims && o->code != Opcode::ConvertLayout &&
        o->code != Opcode::Hint)
      return o;
    v = o->operands[0];
  }
  return nullptr;
}

// exp(x - max(x, y)), perhaps with a factor in the exponent.
bool Emitter::isMostlyOne(tbc::ValueId v) {
  const Op *o = origin(v);
  if (!o || (o->code != Opcode::Exp && o->code != Opcode::Exp2))
    return false;
  auto isFall = [&](tbc::ValueId difference) {
    const Op *sub = origin(difference);
    if (!sub || sub->code != Opcode::SubF)
      return false;
    tbc::ValueId before = sub->operands[0], after = sub->operands[1];
    origin(before);
    const Op *max = origin(after);
    if (!max || (max->code != Opcode::MaxNumF && max->code != Opcode::MaximumF))
      return false;
    return llvm::any_of(max->operands, [&](tbc::ValueId operand) {
      origin(operand);
      return operand == before;
    });
  };
  tbc::ValueId exponent = o->operands[0];
  const Op *scaled = origin(exponent);
  return isFall(exponent) || (scaled && scaled->code == Opcode::MulF && llvm::any_of(scaled->operands, isFall));
}

// `wait`: the dot_wait that gives the tile, or null. It moves into both branches: what was computed before, the weights of an attention, is then
// computed while the product still runs. Within one block the assembler is free to wait first, and does.
bool Emitter::scaleWhereNeeded(const Op *wait, const Op &o) {
  if (m_.option("delayed_products") == 0 || o.code != Opcode::MulF ||
      (wait && (wait->results.size() != 1 || uses().counts[wait->results[0]] != 1)))
    return false;
  const tbc::Type &t = type(o.results[0]);
  if (!t.isTensor() || t.elem != tbc::Elem::F32)
    return false;
  for (unsigned which : {1u, 0u}) {
    tbc::ValueId factor = o.operands[which], tile = o.operands[1 - which];
    if (factor == tile || (wait && tile != wait->results[0]) || !isMostlyOne(factor))
      continue;
    SmallSetVector<V, 8> factors(of(factor).begin(), of(factor).end());
    unsigned n = registersOf(t);
    if (n < 16 || factors.size() * 8 > n) // less than the vote and the branch cost
      continue;
    V differs = nullptr;
    for (V f : factors) {
      V d = b_.CreateFCmpUNE(f, ConstantFP::get(f->getType(), 1.0));
      differs = differs ? b_.CreateOr(differs, d) : d;
    }
    V any = target_.anyLane(b_, differs);
    if (!any)
      return false;
    LLVMContext &c = out_.getContext();
    BasicBlock *scale = BasicBlock::Create(c, "scale", function_), *keep = BasicBlock::Create(c, "keep", function_),
               *end = BasicBlock::Create(c, "scaled", function_);
    b_.CreateCondBr(any, scale, keep);
    b_.SetInsertPoint(scale);
    if (wait)
      asynchronous(*wait);
    elementwise(o);
    Registers scaled = of(o.results[0]);
    BasicBlock *scaleEnd = b_.GetInsertBlock();
    b_.CreateBr(end);
    b_.SetInsertPoint(keep);
    if (wait)
      asynchronous(*wait);
    Registers kept = of(tile);
    BasicBlock *keepEnd = b_.GetInsertBlock();
    b_.CreateBr(end);
    b_.SetInsertPoint(end);
    Registers results;
    for (auto [x, y] : zip_equal(scaled, kept)) {
      PHINode *phi = b_.CreatePHI(x->getType(), 2);
      phi->addIncoming(x, scaleEnd);
      phi->addIncoming(y, keepEnd);
      results.push_back(phi);
    }
    set(o.results[0], std::move(results));
    return true;
  }
  return false;
}

} // namespace tessera::codegen::simt
