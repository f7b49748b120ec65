// Movement.cpp - shape ops and layout conversions: a register gets what its own thread, or its warp, holds
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/Program.h"

namespace tessera::mock {

using tbc::AttrId;
using tbc::Op;
using tbc::Opcode;

namespace {

std::vector<int64_t> unpack(int64_t element, const std::vector<int64_t> &shape) {
  std::vector<int64_t> index(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    index[d] = element % shape[d];
    element /= shape[d];
  }
  return index;
}

int64_t pack(const std::vector<int64_t> &index, const std::vector<int64_t> &shape) {
  int64_t e = 0;
  for (size_t d = 0; d < shape.size(); ++d)
    e = e * shape[d] + index[d];
  return e;
}

// Which operand, and which element of it, an element of result `result` comes from.
struct Source {
  size_t operand;
  int64_t element;
};

Source sourceOf(const Op &op, size_t result, int64_t element, const tbc::Module &m) {
  const tbc::Type &to = m.typeOf(op.results[result]), &from = m.typeOf(op.operands[0]);
  static const std::vector<int64_t> scalarShape;
  std::vector<int64_t> index = unpack(element, to.isTensor() ? to.shape : scalarShape);
  switch (op.code) {
  case Opcode::ExpandDims:
    index.erase(index.begin() + op.intAttr(AttrId::Axis));
    return {0, pack(index, from.shape)};
  case Opcode::Broadcast:
    for (size_t d = 0; d < index.size(); ++d)
      if (from.shape[d] == 1)
        index[d] = 0;
    return {0, pack(index, from.shape)};
  case Opcode::Transpose: {
    const auto &order = op.intsAttr(AttrId::Order);
    std::vector<int64_t> source(index.size());
    for (size_t d = 0; d < index.size(); ++d)
      source[static_cast<size_t>(order[d])] = index[d];
    return {0, pack(source, from.shape)};
  }
  case Opcode::Join: {
    auto which = static_cast<size_t>(index.back());
    index.pop_back();
    return {which, from.isTensor() ? pack(index, from.shape) : 0};
  }
  case Opcode::Split:
    index.push_back(static_cast<int64_t>(result));
    return {0, pack(index, from.shape)};
  case Opcode::Cat:
    return element < from.shape[0] ? Source{0, element} : Source{1, element - from.shape[0]};
  default: // reshape, convert_layout, extract_scalar: the same row-major element
    return {0, element};
  }
}

bool isMovement(Opcode c) {
  switch (c) {
  case Opcode::ExpandDims:
  case Opcode::Broadcast:
  case Opcode::Reshape:
  case Opcode::Transpose:
  case Opcode::Join:
  case Opcode::Split:
  case Opcode::Cat:
  case Opcode::ExtractScalar:
  case Opcode::ConvertLayout:
    return true;
  default:
    return false;
  }
}

} // namespace

bool Program::executeMovement(const Op &op) {
  if (!isMovement(op.code))
    return false;
  if (op.code == Opcode::ExtractScalar) {
    std::vector<uint64_t> bits;
    std::vector<CellState> states;
    gatherTile(value(op.operands[0]), op, bits, states);
    TileValue out = make(module_.typeOf(op.results[0]));
    scatterTile(out, bits, states);
    set(op.results[0], std::move(out));
    return true;
  }
  for (size_t result = 0; result < op.results.size(); ++result) {
    TileValue out = make(module_.typeOf(op.results[result]));
    if (!out.map) { // split of two elements: scalars are uniform, every thread must know them
      std::vector<uint64_t> bits;
      std::vector<CellState> states;
      gatherTile(value(op.operands[0]), op, bits, states);
      out.bits[0] = bits[result];
      out.states[0] = states[result];
      set(op.results[result], std::move(out));
      continue;
    }
    // Where an op that may keep elements in any order reorders, the register stays what it is.
    bool keepsRegisters = op.code == Opcode::Reshape && op.intAttr(AttrId::AllowReorder) &&
                          value(op.operands[0]).map->registers() == out.map->registers();
    for (unsigned t = 0; t < out.map->threads(); ++t)
      for (unsigned r = 0; r < out.map->registers(); ++r) {
        Source s = sourceOf(op, result, out.map->element(t, r), module_);
        const TileValue &from = value(op.operands[s.operand]);
        CellState state = CellState::Defined;
        unsigned sourceThread = t;
        int sourceRegister = 0;
        if (from.map) {
          auto e = static_cast<uint32_t>(s.element);
          sourceRegister = from.map->find(t, e);
          if (sourceRegister < 0 && op.code == Opcode::ConvertLayout) {
            int thread = from.map->findInWarp(t / kLanes, e, sourceRegister);
            if (thread >= 0)
              sourceThread = static_cast<unsigned>(thread);
          }
          if (sourceRegister < 0 && keepsRegisters)
            sourceRegister = static_cast<int>(r);
          if (sourceRegister < 0)
            fail(op, "lane " + std::to_string(t % kLanes) + " of warp " + std::to_string(t / kLanes) +
                         " needs element " + std::to_string(e) +
                         (op.code == Opcode::ConvertLayout
                              ? ", which its warp does not hold: this conversion has to go through shared memory"
                              : ", which it does not hold: the layouts of operand and result do not fit the op"));
        }
        uint64_t bits = read(from, sourceThread, static_cast<unsigned>(sourceRegister), op, state);
        size_t cell = size_t(t) * out.map->registers() + r;
        out.bits[cell] = bits;
        out.states[cell] = state;
      }
    set(op.results[result], std::move(out));
  }
  return true;
}

} // namespace tessera::mock
