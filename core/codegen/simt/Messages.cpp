// Messages.cpp - print and assert
//
// SPDX-License-Identifier: Apache-2.0
//
// One lane prints each element; the text is made by the host. An assert fails where one of a lane's elements is false.
#include "core/codegen/simt/Emitter.h"

using namespace llvm;
using tessera::layout::LinearLayout;
using tessera::tbc::AttrId;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

// A line for each element that the lane holds. What prints is long, so it stands once, in a loop over the lane's registers, which a place in the lane's own
// memory makes numbers of.
void Emitter::printElements(const Registers &values, const LinearLayout &l, PrintedValue line) {
  V part = laneAndWarpPart(l);
  auto printOne = [&](V value, V element) {
    SmallVector<V, 4> index;
    for (const layout::Dim &d : l.outs()) {
      V along = b_.CreateAnd(b_.CreateLShr(element, l.outStart(d.name)),
                             ConstantInt::get(element->getType(), static_cast<uint64_t>(d.size() - 1)));
      index.push_back(b_.CreateZExtOrTrunc(along, b_.getInt32Ty()));
    }
    line.index = index;
    line.value = value;
    target_.print(b_, line);
  };
  SmallVector<unsigned> distinct;
  for (auto [r, first] : enumerate(registerCopies(l)))
    if (r == first)
      distinct.push_back(first);
  if (distinct.size() == 1)
    return printOne(values[distinct[0]], withPart(l, part, l.applyPacked(distinct[0])));

  Type *type = values[0]->getType();
  BasicBlock &top = function_->getEntryBlock();
  IRBuilder<> entry(&top, top.begin());
  V places = entry.CreateAlloca(ArrayType::get(type, distinct.size()));
  V elements = entry.CreateAlloca(ArrayType::get(part->getType(), distinct.size()));
  for (auto [k, r] : enumerate(distinct)) {
    b_.CreateStore(values[r], b_.CreateConstGEP1_64(type, places, k));
    b_.CreateStore(withPart(l, part, l.applyPacked(r)), b_.CreateConstGEP1_64(part->getType(), elements, k));
  }
  BasicBlock *before = b_.GetInsertBlock(), *each = BasicBlock::Create(out_.getContext(), "each", function_),
             *after = BasicBlock::Create(out_.getContext(), "printed", function_);
  b_.CreateBr(each);
  b_.SetInsertPoint(each);
  PHINode *k = b_.CreatePHI(b_.getInt32Ty(), 2);
  k->addIncoming(i32(0), before);
  printOne(b_.CreateLoad(type, b_.CreateGEP(type, places, k)),
           b_.CreateLoad(part->getType(), b_.CreateGEP(part->getType(), elements, k)));
  V next = b_.CreateAdd(k, i32(1));
  k->addIncoming(next, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpULT(next, i32(static_cast<int64_t>(distinct.size()))), each, after);
  b_.SetInsertPoint(after);
}

void Emitter::print(const Op &o) {
  PrintedValue line;
  line.prefix = o.strAttr(AttrId::Prefix);
  line.operands = static_cast<unsigned>(o.operands.size());
  line.hex = o.intAttr(AttrId::Hex) != 0;
  if (o.operands.empty())
    return onlyWhere(b_.CreateICmpEQ(thread_, i32(0)), [&] { target_.print(b_, line); });
  for (unsigned i = 0; i < o.operands.size(); ++i) {
    const tbc::Type &t = type(o.operands[i]);
    line.operand = i;
    line.type = ElemType::of(t);
    line.isSigned = o.intAttr(AttrId::Signed) >> std::min(i, 63u) & 1;
    onlyWhere(isFirstHolder(t), [&] {
      if (!t.isTensor()) {
        line.index = {};
        line.shape = {};
        line.value = scalar(o.operands[i]);
        return target_.print(b_, line);
      }
      line.shape = t.shape;
      printElements(of(o.operands[i]), layoutOf(t), line);
    });
  }
}

void Emitter::assertion(const Op &o) {
  const Registers &condition = of(o.operands[0]);
  V holds = nullptr;
  for (unsigned r = 0; r < condition.size(); ++r) {
    V here = condition[r];
    if (o.operands.size() > 1)
      here = b_.CreateSelect(of(o.operands[1])[r], here, b_.getTrue()); // masked off, it may be unspecified
    holds = holds ? b_.CreateAnd(holds, here) : here;
  }
  if (auto *known = dyn_cast<ConstantInt>(holds); known && known->isOne())
    return;
  std::string file, function = f_.name;
  unsigned line = 0;
  if (o.loc < m_.locs.size()) {
    const tbc::Loc &loc = m_.locs[o.loc];
    line = loc.line;
    if (loc.file < m_.files.size())
      file = m_.files[loc.file];
  }
  onlyWhere(b_.CreateNot(holds),
            [&] { target_.assertFailed(b_, std::string(o.strAttr(AttrId::Message)), file, line, function); });
}

bool Emitter::messages(const Op &o) {
  switch (o.code) {
  case Opcode::Print:
    print(o);
    // Lanes that had something to say come back from a long call one by one; what follows may be for all lanes of a subgroup at once.
    target_.warpBarrier(b_);
    return true;
  case Opcode::Assert:
    assertion(o);
    return true;
  default:
    return false;
  }
}

} // namespace tessera::codegen::simt
