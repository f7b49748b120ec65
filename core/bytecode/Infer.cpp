// Infer.cpp - result types that follow from operands and attributes
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Infer.h"

namespace tessera::tbc {

OpClass opClass(Opcode code) {
  auto n = static_cast<uint16_t>(code);
  auto in = [&](Opcode lo, Opcode hi) { return n >= static_cast<uint16_t>(lo) && n <= static_cast<uint16_t>(hi); };
  switch (code) {
  case Opcode::CmpI:
  case Opcode::CmpF:
  case Opcode::Fma:
    return OpClass::Other;
  case Opcode::NegF:
    return OpClass::FloatUnary;
  case Opcode::Atan2:
  case Opcode::Pow:
  case Opcode::CopySign:
    return OpClass::FloatBinary;
  default:
    break;
  }
  if (in(Opcode::AddI, Opcode::MulHiSI))
    return OpClass::IntBinary;
  if (in(Opcode::AbsI, Opcode::CtTz))
    return OpClass::IntUnary;
  if (in(Opcode::AddF, Opcode::MaximumF))
    return OpClass::FloatBinary;
  if (in(Opcode::AbsF, Opcode::Erfc))
    return OpClass::FloatUnary;
  if (in(Opcode::Bitcast, Opcode::IntToPtr))
    return OpClass::Conversion;
  return OpClass::Other;
}

Type withElem(Type t, Elem e) {
  t.pointer = false;
  t.addressSpace = 1;
  t.elem = e;
  return t;
}

Type withShape(const Type &t, std::vector<int64_t> shape) {
  Type r = t;
  r.kind = shape.empty() ? Type::Scalar : Type::Tensor;
  r.shape = std::move(shape);
  r.layout = kNone;
  return r;
}

Type scalarOf(const Type &t) { return withShape(t, {}); }

std::vector<Type> combinerArgs(const Module &m, const std::vector<ValueId> &operands, int64_t copies) {
  std::vector<Type> args;
  for (int64_t c = 0; c < copies; ++c)
    for (ValueId v : operands)
      args.push_back(scalarOf(m.typeOf(v)));
  return args;
}

namespace {
using Types = std::optional<std::vector<Type>>;

Types reduced(const Module &m, const Op &op) {
  std::vector<Type> types;
  int64_t axis = op.intAttr(AttrId::Axis, -1);
  for (ValueId v : op.operands) {
    const Type &t = m.typeOf(v);
    if (!t.isTensor() || axis < 0 || axis >= static_cast<int64_t>(t.shape.size()) || t.layout != kNone)
      return std::nullopt;
    std::vector<int64_t> shape = t.shape;
    shape.erase(shape.begin() + axis);
    types.push_back(withShape(t, std::move(shape)));
  }
  return types;
}

Types shapeOp(const Module &m, const Op &op) {
  const Type &t = m.typeOf(op.operands[0]);
  std::vector<int64_t> shape = t.shape;
  auto rank = static_cast<int64_t>(shape.size());
  if (t.layout != kNone)
    return std::nullopt;
  switch (op.code) {
  case Opcode::ExpandDims: {
    int64_t axis = op.intAttr(AttrId::Axis, -1);
    if (axis < 0 || axis > rank)
      return std::nullopt;
    shape.insert(shape.begin() + axis, 1);
    return {{withShape(t, shape)}};
  }
  case Opcode::Transpose: {
    const auto &order = op.intsAttr(AttrId::Order);
    if (static_cast<int64_t>(order.size()) != rank)
      return std::nullopt;
    for (int64_t i = 0; i < rank; ++i) {
      if (order[i] < 0 || order[i] >= rank)
        return std::nullopt;
      shape[i] = t.shape[order[i]];
    }
    return {{withShape(t, shape)}};
  }
  case Opcode::Join:
    shape.push_back(2);
    return {{withShape(t, shape)}};
  case Opcode::Split:
    if (!rank || shape.back() != 2)
      return std::nullopt;
    shape.pop_back();
    return {{withShape(t, shape), withShape(t, shape)}};
  case Opcode::Cat:
    if (rank != 1)
      return std::nullopt;
    return {{withShape(t, {shape[0] * 2})}};
  default:
    return std::nullopt;
  }
}
} // namespace

std::optional<std::vector<Type>> inferResults(const Module &m, const Op &op) {
  const OpInfo *info = opInfo(op.code);
  if (!info || static_cast<int>(op.operands.size()) < info->minOperands)
    return std::nullopt;
  for (ValueId v : op.operands)
    if (v >= m.valueTypes.size() || m.valueTypes[v] >= m.types.size())
      return std::nullopt;
  if (info->results == 0)
    return std::vector<Type>{};
  auto type = [&](size_t i) -> const Type & { return m.typeOf(op.operands[i]); };
  auto tail = [&](size_t from) {
    std::vector<Type> types;
    for (size_t i = from; i < op.operands.size(); ++i)
      types.push_back(type(i));
    return types;
  };
  switch (opClass(op.code)) {
  case OpClass::IntBinary:
  case OpClass::IntUnary:
  case OpClass::FloatBinary:
  case OpClass::FloatUnary:
    return {{type(0)}};
  default:
    break;
  }
  switch (op.code) {
  case Opcode::For:
    return tail(3);
  case Opcode::Scan:
  case Opcode::DotWait:
    return tail(0);
  case Opcode::Reduce:
    return reduced(m, op);
  case Opcode::Arange: {
    int64_t n = op.intAttr(AttrId::End) - op.intAttr(AttrId::Start);
    return n < 1 ? Types() : Types({withShape(withElem(Type(), Elem::I32), {n})});
  }
  case Opcode::ProgramId:
  case Opcode::NumPrograms:
    return {{withElem(Type(), Elem::I32)}};
  case Opcode::Philox:
    return {{type(0), type(0), type(0), type(0)}};
  case Opcode::CmpI:
  case Opcode::CmpF:
    return {{withElem(type(0), Elem::I1)}};
  case Opcode::Fma:
  case Opcode::AddPtr:
  case Opcode::Hint:
  case Opcode::Sort:
  case Opcode::SharedSlot:
    return {{type(0)}};
  case Opcode::TensorMap: {
    Type t = withElem(Type(), Elem::I8);
    t.pointer = true;
    return {{t}};
  }
  case Opcode::PtrToInt:
    return {{withElem(type(0), Elem::I64)}};
  case Opcode::Select:
  case Opcode::AtomicRmw:
    return {{type(1)}};
  case Opcode::AtomicCas:
  case Opcode::Dot:
  case Opcode::DotScaled:
  case Opcode::AsyncDot:
    return {{type(2)}};
  case Opcode::Load:
    return {{withElem(type(0), type(0).elem)}};
  case Opcode::ExtractScalar:
    return {{scalarOf(type(0))}};
  case Opcode::Gather: {
    Type t = type(1);
    t.elem = type(0).elem;
    t.pointer = type(0).pointer;
    t.addressSpace = type(0).addressSpace;
    return {{t}};
  }
  case Opcode::ExpandDims:
  case Opcode::Transpose:
  case Opcode::Join:
  case Opcode::Split:
  case Opcode::Cat:
    return shapeOp(m, op);
  default:
    return std::nullopt;
  }
}

} // namespace tessera::tbc
