// TensorMaps.cpp - what tensor maps are made of, followed back to the kernel's parameters
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/TensorMaps.h"

#include "core/bytecode/PackedArguments.h"

#include <functional>
#include <map>

namespace tessera::nvidia {

using tbc::AttrId;
using tbc::Op;
using tbc::Opcode;

static void visitOps(const tbc::Region &region, const std::function<void(const Op &)> &visit) {
  for (const Op &op : region.ops) {
    visit(op);
    for (const tbc::Region &inner : op.regions)
      visitOps(inner, visit);
  }
}

std::vector<const Op *> tensorMapsOf(const tbc::Function &f) {
  std::vector<const Op *> maps;
  visitOps(f.body, [&](const Op &op) {
    if (op.code == Opcode::TensorMap)
      maps.push_back(&op);
  });
  return maps;
}

namespace {

class Expressions {
public:
  Expressions(const tbc::Module &m, const tbc::Function &f) : m_(m) {
    for (const tbc::PackedArgument &p : tbc::packArguments(m, f).arguments)
      arguments_[p.param->value] = uint64_t(p.size) << 8 | uint64_t(p.offset) << 16;
    visitOps(f.body, [&](const Op &op) {
      for (tbc::ValueId result : op.results)
        definition_[result] = &op;
    });
  }
  // Appends the code of the value; false where it does not follow from parameters by these ops.
  bool write(tbc::ValueId value, std::vector<uint64_t> &code, unsigned depth = 1) {
    if (depth > kMaxMapStack)
      return false;
    if (auto argument = arguments_.find(value); argument != arguments_.end()) {
      code.push_back(static_cast<uint64_t>(MapOp::Argument) | argument->second);
      return true;
    }
    auto found = definition_.find(value);
    if (found == definition_.end())
      return false;
    const Op &op = *found->second;
    const tbc::Type &type = m_.typeOf(value);
    unsigned bits = type.pointer ? 64 : tbc::elemBits(type.elem);
    auto emit = [&](MapOp kind, uint64_t operand = 0) {
      code.push_back(static_cast<uint64_t>(kind) | operand << 8);
      return true;
    };
    auto wrapped = [&] { return bits == 64 || emit(MapOp::SignExtend, bits); };
    auto both = [&](MapOp kind) {
      return write(op.operands[0], code, depth) && write(op.operands[1], code, depth + 1) && emit(kind) && wrapped();
    };
    // Values are kept sign-extended.
    auto bothUnsigned = [&](MapOp kind) {
      return write(op.operands[0], code, depth) && emit(MapOp::ZeroExtend, bits) &&
             write(op.operands[1], code, depth + 1) && emit(MapOp::ZeroExtend, bits) && emit(kind) && wrapped();
    };
    auto operandBits = [&] { return tbc::elemBits(m_.typeOf(op.operands[0]).elem); };
    switch (op.code) {
    case Opcode::Constant:
      emit(MapOp::Constant);
      code.push_back(static_cast<uint64_t>(op.intAttr(AttrId::Value)));
      return true;
    case Opcode::AddI:
      return both(MapOp::Add);
    case Opcode::SubI:
      return both(MapOp::Sub);
    case Opcode::MulI:
      return both(MapOp::Mul);
    case Opcode::DivSI:
      return both(MapOp::DivS);
    case Opcode::RemSI:
      return both(MapOp::RemS);
    case Opcode::DivUI:
      return bothUnsigned(MapOp::DivU);
    case Opcode::RemUI:
      return bothUnsigned(MapOp::RemU);
    case Opcode::ShrUI:
      return bothUnsigned(MapOp::ShrU);
    case Opcode::MinSI:
      return both(MapOp::MinS);
    case Opcode::MaxSI:
      return both(MapOp::MaxS);
    case Opcode::AndI:
      return both(MapOp::And);
    case Opcode::OrI:
      return both(MapOp::Or);
    case Opcode::XorI:
      return both(MapOp::Xor);
    case Opcode::ShlI:
      return both(MapOp::Shl);
    case Opcode::ShrSI:
      return both(MapOp::ShrS);
    case Opcode::Hint:
    case Opcode::ExtSI:
    case Opcode::PtrToInt:
    case Opcode::IntToPtr:
    case Opcode::Bitcast:
      return write(op.operands[0], code, depth);
    case Opcode::TruncI:
      return write(op.operands[0], code, depth) && wrapped();
    case Opcode::ExtUI:
      return write(op.operands[0], code, depth) && emit(MapOp::ZeroExtend, operandBits());
    case Opcode::AddPtr:
      if (!write(op.operands[0], code, depth) || !write(op.operands[1], code, depth + 1))
        return false;
      emit(MapOp::Constant);
      code.push_back(tbc::elemBits(type.elem) / 8);
      return depth + 2 <= kMaxMapStack && emit(MapOp::Mul) && emit(MapOp::Add);
    default:
      return false;
    }
  }

private:
  const tbc::Module &m_;
  std::map<tbc::ValueId, uint64_t> arguments_;
  std::map<tbc::ValueId, const Op *> definition_;
};

} // namespace

std::vector<MapRecipe> recipesOf(const tbc::Module &m, const tbc::Function &f, const Op *&failed) {
  Expressions expressions(m, f);
  std::vector<MapRecipe> maps;
  for (const Op *op : tensorMapsOf(f)) {
    MapRecipe map;
    map.elem = static_cast<uint8_t>(m.typeOf(op->operands[0]).elem);
    map.box = op->intsAttr(AttrId::Box);
    map.rank = static_cast<uint8_t>(map.box.size());
    map.nanFill = op->intAttr(AttrId::Fill) != 0;
    map.swizzleBytes = static_cast<uint32_t>(op->intAttr(AttrId::Swizzle));
    for (tbc::ValueId operand : op->operands) {
      map.numbers.emplace_back();
      if (!expressions.write(operand, map.numbers.back())) {
        failed = op;
        return {};
      }
    }
    maps.push_back(std::move(map));
  }
  return maps;
}

} // namespace tessera::nvidia
