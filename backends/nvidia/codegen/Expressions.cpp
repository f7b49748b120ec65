// Expressions.cpp - see Expressions.h
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/Expressions.h"

#include "core/bytecode/PackedArguments.h"

namespace tessera::nvidia {

using tbc::AttrId;
using tbc::Op;
using tbc::Opcode;

void visitOps(const tbc::Region &region, const std::function<void(const Op &)> &visit) {
  for (const Op &op : region.ops) {
    visit(op);
    for (const tbc::Region &inner : op.regions)
      visitOps(inner, visit);
  }
}

ExpressionWriter::ExpressionWriter(const tbc::Module &m, const tbc::Function &f) : m_(m) {
  for (const tbc::PackedArgument &p : tbc::packArguments(m, f).arguments)
    arguments_[p.param->value] = uint64_t(p.size) << 8 | uint64_t(p.offset) << 16;
  visitOps(f.body, [&](const Op &op) {
    for (tbc::ValueId result : op.results)
      definition_[result] = &op;
  });
}

bool ExpressionWriter::write(tbc::ValueId value, Expression &code, unsigned depth) const {
  if (depth > kMaxExpressionStack)
    return false;
  if (auto argument = arguments_.find(value); argument != arguments_.end()) {
    code.push_back(static_cast<uint64_t>(ExpressionOp::Argument) | argument->second);
    return true;
  }
  auto found = definition_.find(value);
  if (found == definition_.end())
    return false;
  const Op &op = *found->second;
  const tbc::Type &type = m_.typeOf(value);
  // In memory truth values are bytes.
  auto bitsOf = [](const tbc::Type &t) { return t.pointer ? 64 : t.elem == tbc::Elem::I1 ? 1 : tbc::elemBits(t.elem); };
  unsigned bits = bitsOf(type);
  auto emit = [&](ExpressionOp kind, uint64_t operand = 0) {
    code.push_back(static_cast<uint64_t>(kind) | operand << 8);
    return true;
  };
  auto wrapped = [&] { return bits == 64 || emit(ExpressionOp::SignExtend, bits); };
  // What needs no wrapping: bits of sign-extended numbers, truth values.
  auto logical = [&](ExpressionOp kind) {
    return write(op.operands[0], code, depth) && write(op.operands[1], code, depth + 1) && emit(kind);
  };
  auto both = [&](ExpressionOp kind) { return logical(kind) && wrapped(); };
  // Values are kept sign-extended.
  auto bothUnsigned = [&](ExpressionOp kind) {
    return write(op.operands[0], code, depth) && emit(ExpressionOp::ZeroExtend, bits) &&
           write(op.operands[1], code, depth + 1) && emit(ExpressionOp::ZeroExtend, bits) && emit(kind) && wrapped();
  };
  auto operandBits = [&] { return bitsOf(m_.typeOf(op.operands[0])); };
  switch (op.code) {
  case Opcode::Constant:
    emit(ExpressionOp::Constant);
    code.push_back(static_cast<uint64_t>(op.intAttr(AttrId::Value)));
    return bits > 1 || wrapped();
  case Opcode::AddI:
    return both(ExpressionOp::Add);
  case Opcode::SubI:
    return both(ExpressionOp::Sub);
  case Opcode::MulI:
    return both(ExpressionOp::Mul);
  case Opcode::DivSI:
    return both(ExpressionOp::DivS);
  case Opcode::RemSI:
    return both(ExpressionOp::RemS);
  case Opcode::DivUI:
    return bothUnsigned(ExpressionOp::DivU);
  case Opcode::RemUI:
    return bothUnsigned(ExpressionOp::RemU);
  case Opcode::ShrUI:
    return bothUnsigned(ExpressionOp::ShrU);
  case Opcode::MinSI:
    return both(ExpressionOp::MinS);
  case Opcode::MaxSI:
    return both(ExpressionOp::MaxS);
  case Opcode::AndI:
    return logical(ExpressionOp::And);
  case Opcode::OrI:
    return logical(ExpressionOp::Or);
  case Opcode::XorI:
    return logical(ExpressionOp::Xor);
  case Opcode::ShlI:
    return both(ExpressionOp::Shl);
  case Opcode::ShrSI:
    return both(ExpressionOp::ShrS);
  case Opcode::CmpI:
    return op.intAttr(AttrId::Predicate) == static_cast<int64_t>(tbc::CmpI::Slt) && logical(ExpressionOp::LessS);
  case Opcode::Hint:
  case Opcode::ExtSI:
  case Opcode::PtrToInt:
  case Opcode::IntToPtr:
  case Opcode::Bitcast:
    return write(op.operands[0], code, depth);
  case Opcode::TruncI:
    return write(op.operands[0], code, depth) && wrapped();
  case Opcode::ExtUI:
    return write(op.operands[0], code, depth) && emit(ExpressionOp::ZeroExtend, operandBits());
  case Opcode::AddPtr:
    if (!write(op.operands[0], code, depth) || !write(op.operands[1], code, depth + 1))
      return false;
    emit(ExpressionOp::Constant);
    code.push_back(tbc::elemBits(type.elem) / 8);
    return depth + 2 <= kMaxExpressionStack && emit(ExpressionOp::Mul) && emit(ExpressionOp::Add);
  default:
    return false;
  }
}

} // namespace tessera::nvidia
