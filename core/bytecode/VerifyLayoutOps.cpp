// VerifyLayoutOps.cpp - types of the ops of LAYOUT bytecode: layouts, shared memory, asynchronous copies and products
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/TypeCheck.h"

#include <algorithm>

namespace tessera::tbc {

Type TypeCheck::mapType() {
  Type t = withElem(Type(), Elem::I8);
  t.pointer = true;
  return t;
}

bool TypeCheck::isCopyBarrier(size_t i) {
  return operand(i,
                 in(i).kind == Type::Shared && !in(i).pointer && in(i).elem == Elem::I64 &&
                     in(i).shape == std::vector<int64_t>{1},
                 "it must be a shared tensor of 1xi64");
}

// Operand 0 is copied by the map that is operand 1.
bool TypeCheck::isCopied() {
  return operand(0, in(0).kind == Type::Shared && !in(0).pointer, "it must be a shared tensor of numbers") &&
         operand(1, in(1) == mapType(), "it must be the result of tensor_map");
}

void TypeCheck::areCoordinates(size_t first) {
  size_t given = count() - first, rank = in(0).shape.size();
  if (!require(given >= rank && given <= std::max<size_t>(rank, 5),
               "has " + std::to_string(given) + " coordinates for " + std::to_string(rank) + " dims"))
    return;
  for (size_t i = first; i < count(); ++i)
    if (!operand(i, in(i) == withElem(Type(), Elem::I32), "it must be an i32"))
      return;
}

// What one lane can do beside the others.
static const Op *notOfCopyingRole(const Module &m, const Region &r) {
  auto isTile = [&](ValueId v) { return m.typeOf(v).isTensor(); };
  for (const Op &op : r.ops) {
    bool nests = op.code == Opcode::If || op.code == Opcode::For;
    bool ok = (nests || op.regions.empty()) && std::none_of(op.operands.begin(), op.operands.end(), isTile) &&
              std::none_of(op.results.begin(), op.results.end(), isTile);
    switch (op.code) {
    case Opcode::CopyExpect:
    case Opcode::TensorLoad:
    case Opcode::CopyBarrierWait:
    case Opcode::SharedSlot:
    case Opcode::Yield:
    case Opcode::If:
    case Opcode::For:
    case Opcode::Assume:
      break;
    default: // scalars: below the ops on memory
      ok = ok && static_cast<uint16_t>(op.code) < static_cast<uint16_t>(Opcode::Load);
      break;
    }
    if (!ok)
      return &op;
    for (const Region &inner : op.regions)
      if (const Op *bad = notOfCopyingRole(m, inner))
        return bad;
  }
  return nullptr;
}

void TypeCheck::roles() {
  const std::vector<int64_t> &registers = op_.intsAttr(AttrId::Registers);
  bool two = registers.size() == 2 && registers[0] >= 1 && registers[1] >= 1;
  if (!require(op_.intAttr(AttrId::Warps) >= 1, "warps must be at least 1") ||
      !require(registers.empty() || two, "registers must be two numbers of at least 1") || !regionArgs(0, {}) ||
      !regionArgs(1, {}) || !yields(0, {}) || !yields(1, {}))
    return;
  if (const Op *bad = notOfCopyingRole(m_, op_.regions[0])) {
    const OpInfo *info = opInfo(bad->code);
    require(false, "op `" + std::string(info ? info->name : "?") + "` is nothing that the copying role can do");
  }
}

void TypeCheck::layouts() {
  auto asTensor = [&](Type t) {
    t.kind = Type::Tensor;
    t.layout = kNone;
    return t;
  };
  switch (op_.code) {
  case Opcode::ConvertLayout:
    if (isTensor(0) && require(out().isTensor(), "the result must be a tensor"))
      require(asTensor(in(0)) == asTensor(out()),
              "the result is " + typeText(m_, out()) + ", of another shape or type than operand 0");
    return;
  case Opcode::SharedAlloc:
    if (require(out().kind == Type::Shared, "the result must be a shared tensor") && op_.intAttr(AttrId::Slots) &&
        op_.find(AttrId::Bytes)) {
      int64_t slot = op_.intAttr(AttrId::Bytes) / op_.intAttr(AttrId::Slots),
              needed = out().numElements() * out().elementBytes();
      require(slot >= needed, "a slot has " + std::to_string(slot) + " bytes, its tensor " + std::to_string(needed));
    }
    return;
  case Opcode::SharedStore:
    if (operand(0, in(0).kind == Type::Shared, "it must be a shared tensor") && isTensor(1))
      operand(1, asTensor(in(0)) == asTensor(in(1)), "it must be of the shape and type of the shared tensor");
    return;
  case Opcode::SharedLoad:
    if (operand(0, in(0).kind == Type::Shared, "it must be a shared tensor"))
      require(out().isTensor() && asTensor(in(0)) == asTensor(out()),
              "the result is not of the shape and type of the shared tensor");
    return;
  case Opcode::SharedFree:
    operand(0, in(0).kind == Type::Shared, "it must be a shared tensor");
    return;
  case Opcode::SharedSlot:
    if (operand(0, in(0).kind == Type::Shared, "it must be a ring of shared tensors"))
      require(out() == in(0), "the result must have the ring's type") &&
          operand(1, in(1) == withElem(Type(), Elem::I32), "it must be an i32");
    return;
  case Opcode::SharedTranspose: {
    const std::vector<int64_t> &order = op_.intsAttr(AttrId::Order);
    if (!operand(0, in(0).kind == Type::Shared, "it must be a shared tensor"))
      return;
    std::vector<int64_t> sorted = order, shape;
    std::sort(sorted.begin(), sorted.end());
    bool ok = sorted.size() == in(0).shape.size();
    for (size_t i = 0; ok && i < sorted.size(); ++i)
      ok = sorted[i] == static_cast<int64_t>(i);
    if (!require(ok, "order is no permutation of the dims"))
      return;
    for (int64_t from : order)
      shape.push_back(in(0).shape[static_cast<size_t>(from)]);
    Type expected = in(0), given = out();
    expected.shape = shape;
    expected.layout = given.layout = kNone;
    require(given == expected, "the result is not the shared tensor with its dims in that order");
    return;
  }
  case Opcode::AsyncLoad: {
    if (!operand(0, in(0).kind == Type::Shared && !in(0).pointer, "it must be a shared tensor of numbers") ||
        !isTensor(1))
      return;
    Type pointers = asTensor(in(1));
    pointers.pointer = false;
    if (operand(1, in(1).pointer && pointers == asTensor(in(0)),
                "it must be pointers to the shared tensor's elements, in its shape") &&
        count() > 2)
      isMask(2, in(1));
    return;
  }
  case Opcode::TensorMap: {
    size_t rank = count() / 2;
    const std::vector<int64_t> &box = op_.intsAttr(AttrId::Box);
    int64_t swizzle = op_.intAttr(AttrId::Swizzle), fill = op_.intAttr(AttrId::Fill);
    if (!operand(0, in(0).kind == Type::Scalar && in(0).pointer, "it must be a pointer") ||
        !require(count() % 2 == 0 && rank >= 1 && rank <= 5,
                 "1 to 5 extents and a stride less must follow the pointer"))
      return;
    for (size_t i = 1; i < count(); ++i)
      if (!operand(i, in(i) == withElem(Type(), Elem::I64), "it must be an i64"))
        return;
    require(box.size() == rank && std::all_of(box.begin(), box.end(), [](int64_t n) { return n >= 1 && n <= 256; }),
            "box must have an entry a dim, each from 1 to 256") &&
        require(swizzle == 0 || swizzle == 32 || swizzle == 64 || swizzle == 128, "swizzle is 0, 32, 64 or 128") &&
        require(fill == 0 || (fill == 1 && isFloat(in(0).elem)), "fill is 0, or 1 for floats") && result(mapType());
    return;
  }
  case Opcode::CopyBarrierInit:
    if (isCopyBarrier(0))
      require(op_.intAttr(AttrId::Arrivals) >= 1, "arrivals must be at least 1");
    return;
  case Opcode::CopyExpect:
    if (isCopyBarrier(0) && operand(1, in(1) == withElem(Type(), Elem::I1), "it must be an i1"))
      require(op_.intAttr(AttrId::Bytes) >= 1, "bytes must be at least 1");
    return;
  case Opcode::Roles:
    roles();
    return;
  case Opcode::CopyArrive:
    if (isCopyBarrier(0))
      operand(1, in(1) == withElem(Type(), Elem::I1), "it must be an i1");
    return;
  case Opcode::CopyBarrierWait:
    if (isCopyBarrier(0))
      operand(1, in(1) == withElem(Type(), Elem::I32), "it must be an i32");
    return;
  case Opcode::CopyBarrierEnd:
    isCopyBarrier(0);
    return;
  case Opcode::TensorLoad:
    if (isCopied() && isCopyBarrier(2) && operand(3, in(3) == withElem(Type(), Elem::I1), "it must be an i1"))
      areCoordinates(4);
    return;
  case Opcode::TensorStore:
    if (isCopied())
      areCoordinates(2);
    return;
  case Opcode::TensorStoreWait:
    require(op_.intAttr(AttrId::Pending) >= 0, "pending must not be negative");
    return;
  case Opcode::AsyncDot:
    if (operand(0, in(0).kind != Type::Scalar, "it must be a tensor or a shared tensor") &&
        operand(1, in(1).kind == Type::Shared, "it must be a shared tensor") && isTensor(2))
      product();
    return;
  case Opcode::DotWait:
    if (!require(op_.results.size() == count(),
                 "has " + std::to_string(op_.results.size()) + " results for " + std::to_string(count()) + " operands"))
      return;
    for (size_t i = 0; i < count(); ++i)
      if (!isTensor(i) || !result(in(i), i))
        return;
    return;
  default:
    return;
  }
}

} // namespace tessera::tbc
