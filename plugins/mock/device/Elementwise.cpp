// Elementwise.cpp - ops that work register by register
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/Program.h"
#include "plugins/mock/device/Scalar.h"

namespace tessera::mock {

using tbc::AttrId;
using tbc::Op;
using tbc::Opcode;

void Program::executeCreation(const Op &op) {
  TileValue out = make(module_.typeOf(op.results[0]));
  unsigned threads = out.map ? out.map->threads() : 1, registers = out.map ? out.map->registers() : 1;
  uint64_t all = 0;
  CellState state = op.code == Opcode::Poison ? CellState::Unspecified : CellState::Defined;
  auto axis = static_cast<size_t>(op.intAttr(AttrId::Axis));
  if (op.code == Opcode::ProgramId)
    all = static_cast<uint32_t>(id_[axis]);
  else if (op.code == Opcode::NumPrograms)
    all = static_cast<uint32_t>(launch_.grid[axis]);
  else if (op.code == Opcode::Splat)
    all = read(value(op.operands[0]), 0, 0, op, state);
  else if (op.code == Opcode::Constant) {
    const tbc::Type &t = *out.type;
    all = !t.pointer && tbc::isFloat(t.elem) ? scalarFromDouble(t.elem, op.floatAttr(AttrId::FloatValue))
                                             : static_cast<uint64_t>(op.intAttr(AttrId::Value));
    if (!t.pointer && tbc::isInteger(t.elem)) {
      unsigned width = t.elem == tbc::Elem::I1 ? 1 : tbc::elemBits(t.elem);
      all = width == 64 ? all : all & ((uint64_t(1) << width) - 1);
    }
  }
  for (unsigned t = 0; t < threads; ++t)
    for (unsigned r = 0; r < registers; ++r) {
      size_t cell = size_t(t) * registers + r;
      out.bits[cell] =
          op.code == Opcode::Arange ? static_cast<uint32_t>(op.intAttr(AttrId::Start) + out.map->element(t, r)) : all;
      out.states[cell] = state;
    }
  set(op.results[0], std::move(out));
}

bool Program::executeElementwise(const Op &op) {
  switch (op.code) {
  case Opcode::Constant:
  case Opcode::Arange:
  case Opcode::Splat:
  case Opcode::ProgramId:
  case Opcode::NumPrograms:
  case Opcode::Poison:
    executeCreation(op);
    return true;
  case Opcode::Hint: {
    TileValue v = value(op.operands[0]);
    v.type = &module_.typeOf(op.results[0]);
    set(op.results[0], std::move(v));
    return true;
  }
  default:
    break;
  }
  std::vector<TileValue> outs;
  for (tbc::ValueId id : op.results)
    outs.push_back(make(module_.typeOf(id)));
  if (outs.empty())
    return false;
  const RegisterMap *map = outs[0].map;
  unsigned threads = map ? map->threads() : 1, registers = map ? map->registers() : 1;
  for (tbc::ValueId id : op.operands)
    if (value(id).map && value(id).map != map)
      fail(op, "an operand has another layout than the result");
  std::vector<uint64_t> in(op.operands.size()), out(outs.size());
  for (unsigned t = 0; t < threads; ++t)
    for (unsigned r = 0; r < registers; ++r) {
      CellState state = CellState::Defined;
      if (op.code == Opcode::Select) {
        // Only the side that is taken is read.
        bool taken = read(value(op.operands[0]), t, r, op, state) & 1;
        out[0] = read(value(op.operands[taken ? 1 : 2]), t, r, op, state);
      } else {
        for (size_t i = 0; i < in.size(); ++i)
          in[i] = read(value(op.operands[i]), t, r, op, state);
        if (!scalarElementwise(op, module_, in, out))
          return false;
      }
      for (size_t j = 0; j < outs.size(); ++j) {
        outs[j].bits[size_t(t) * registers + r] = out[j];
        outs[j].states[size_t(t) * registers + r] = state;
      }
    }
  for (size_t j = 0; j < outs.size(); ++j)
    set(op.results[j], std::move(outs[j]));
  return true;
}

} // namespace tessera::mock
