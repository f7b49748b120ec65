// Movement.cpp - shape ops: registers under other names, and which op of movement goes where
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/ChosenRegisters.h"
#include "core/codegen/simt/Emitter.h"
#include "core/layout/TensorLayouts.h"

using namespace llvm;
using tessera::layout::LinearLayout;
using tessera::layout::Vectors;
using tessera::tbc::AttrId;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

// For each bit of a packed result element, the bits of the packed source element that the op takes it from; bits that name
// an operand (join, cat) or a result (split) are left out. Empty: not a shape op.
static std::optional<Vectors> elementMap(const Op &o, const tbc::Type &in, const tbc::Type &out) {
  LinearLayout source = LinearLayout::rowMajor("e", in.shape), target = LinearLayout::rowMajor("e", out.shape);
  Vectors map;
  for (unsigned bit = 0; bit < target.outBits(); ++bit) {
    std::vector<int64_t> index = target.unpackOut(uint64_t(1) << bit), from = index;
    switch (o.code) {
    case Opcode::ExpandDims:
    case Opcode::Reshape:
      map.push_back(uint64_t(1) << bit);
      continue;
    case Opcode::Broadcast:
      for (size_t d = 0; d < from.size(); ++d)
        from[d] &= in.shape[d] - 1;
      break;
    case Opcode::Transpose: {
      const std::vector<int64_t> &order = o.intsAttr(AttrId::Order);
      for (size_t to = 0; to < order.size(); ++to)
        from[static_cast<size_t>(order[to])] = index[to];
      break;
    }
    case Opcode::Join:
      from.pop_back();
      break;
    case Opcode::Split:
      from.push_back(0);
      break;
    case Opcode::Cat:
      from[0] &= in.shape[0] - 1;
      break;
    default:
      return std::nullopt;
    }
    map.push_back(source.packOut(from));
  }
  return map;
}

void Emitter::shapeOp(const Op &o) {
  const tbc::Type &in = type(o.operands[0]), &out = type(o.results[0]);
  const LinearLayout &source = layoutOf(in), &result = layoutOf(out);
  std::optional<Vectors> map = elementMap(o, in, out);
  std::optional<std::vector<uint32_t>> registers;
  if (map)
    registers = layout::localRegisters(source, result, *map);
  if (!registers && o.code == Opcode::Reshape && o.intAttr(AttrId::AllowReorder) &&
      registersOf(in) == registersOf(out)) {
    // Any order will do: every register stays what it is.
    set(o.results[0], of(o.operands[0]));
    return;
  }
  if (!registers)
    fail(o, "the lanes do not hold what they need of the operand");
  Registers to;
  for (uint32_t r : *registers)
    to.push_back(of(o.operands[0])[r]);
  set(o.results[0], std::move(to));
}

// join, cat: one bit of the result's element names the operand.
void Emitter::joinOp(const Op &o) {
  const tbc::Type &in = type(o.operands[0]), &out = type(o.results[0]);
  const LinearLayout &result = layoutOf(out);
  uint64_t whichBit = o.code == Opcode::Join ? 1 : uint64_t(1) << (result.outBits() - 1);
  unsigned n = registersOf(out);
  std::vector<uint32_t> registers(n, 0);
  if (in.isTensor()) {
    auto local = layout::localRegisters(layoutOf(in), result, *elementMap(o, in, out));
    if (!local)
      fail(o, "the lanes do not hold what they need of the operands");
    registers = std::move(*local);
  }
  // In most layouts a register knows which operand it takes; where lanes or warps differ, they choose.
  auto whichOf = [&](std::string_view place) {
    Vectors columns;
    for (uint64_t column : result.columnsOf(place))
      columns.push_back((column & whichBit) != 0);
    return columns;
  };
  std::vector<PlaceColumns> places = {{lane_, whichOf(layout::kLane)}, {warp_, whichOf(layout::kWarp)}};
  Registers to;
  for (unsigned r = 0; r < n; ++r) {
    V candidates[2] = {of(o.operands[0])[registers[r]], of(o.operands[1])[registers[r]]};
    ChosenRegisters chosen(b_, [&](uint64_t which) { return candidates[which]; }, places);
    to.push_back(chosen.at((result.applyPacked(r) & whichBit) != 0));
  }
  set(o.results[0], std::move(to));
}

void Emitter::splitOp(const Op &o) {
  const tbc::Type &in = type(o.operands[0]), &out = type(o.results[0]);
  const LinearLayout &source = layoutOf(in);
  if (!out.isTensor()) { // of two elements: every lane gets both
    Vectors columns(source.inBits() - source.inBits(layout::kRegister) + 1, 0);
    columns[0] = 1;
    std::vector<layout::Dim> ins = source.ins();
    ins[0].bits = 1;
    Registers both = convert(o, of(o.operands[0]), source,
                             LinearLayout(std::move(ins), source.outs(), std::move(columns)), 8 * in.elementBytes());
    setScalar(o.results[0], both[0]);
    setScalar(o.results[1], both[1]);
    return;
  }
  auto registers = layout::localRegisters(source, layoutOf(out), *elementMap(o, in, out));
  std::optional<uint64_t> other = layout::Span(source.columnsOf(layout::kRegister)).solve(1);
  if (!registers || !other)
    fail(o, "the lanes do not hold both halves of what they split");
  Registers first, second;
  for (uint32_t r : *registers) {
    first.push_back(of(o.operands[0])[r]);
    second.push_back(of(o.operands[0])[r ^ *other]);
  }
  set(o.results[0], std::move(first));
  set(o.results[1], std::move(second));
}

bool Emitter::movement(const Op &o) {
  switch (o.code) {
  case Opcode::ExpandDims:
  case Opcode::Broadcast:
  case Opcode::Reshape:
  case Opcode::Transpose:
    shapeOp(o);
    return true;
  case Opcode::Join:
  case Opcode::Cat:
    joinOp(o);
    return true;
  case Opcode::Split:
    splitOp(o);
    return true;
  case Opcode::ExtractScalar: // a tile of one element: every register of every lane is a copy
    setScalar(o.results[0], scalar(o.operands[0]));
    return true;
  case Opcode::ConvertLayout: {
    const tbc::Type &in = type(o.operands[0]);
    set(o.results[0], convert(o, of(o.operands[0]), layoutOf(in), layoutOf(type(o.results[0])), 8 * in.elementBytes()));
    return true;
  }
  case Opcode::SharedAlloc:
    sharedAlloc(o);
    return true;
  case Opcode::SharedStore: {
    const tbc::Type &buffer = type(o.operands[0]);
    storeShared(scalar(o.operands[0]), layoutOf(buffer), layoutOf(type(o.operands[1])), of(o.operands[1]),
                buffer.elementBytes());
    return true;
  }
  case Opcode::SharedLoad: {
    const tbc::Type &buffer = type(o.operands[0]), &out = type(o.results[0]);
    set(o.results[0],
        loadShared(scalar(o.operands[0]), layoutOf(buffer), layoutOf(out), llvmType(out), buffer.elementBytes()));
    return true;
  }
  case Opcode::SharedFree:
    return true;
  default:
    return false;
  }
}

} // namespace tessera::codegen::simt
