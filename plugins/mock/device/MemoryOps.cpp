// MemoryOps.cpp - global memory, atomics, shared memory, print, assert
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/Program.h"

#include "core/interpreter/PrintFormat.h"
#include "plugins/mock/device/Scalar.h"

#include <algorithm>
#include <cstring>

namespace tessera::mock {

using tbc::AttrId;
using tbc::Op;
using tbc::Opcode;

namespace {
uint64_t loadBytes(uint64_t address, unsigned n) {
  uint64_t bits = 0;
  std::memcpy(&bits, reinterpret_cast<const void *>(address), n);
  return bits;
}
void storeBytes(uint64_t address, unsigned n, uint64_t bits) {
  std::memcpy(reinterpret_cast<void *>(address), &bits, n);
}

// The pointee's bytes of a pointer or tensor of pointers.
unsigned pointeeBytes(const tbc::Type &t) { return tbc::elemBits(t.elem) / 8; }

std::string hexText(uint64_t v) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
  return text;
}
} // namespace

bool Program::executeMemory(const Op &op) {
  switch (op.code) {
  case Opcode::Load:
    executeLoad(op);
    return true;
  case Opcode::Store:
    executeStore(op);
    return true;
  case Opcode::AtomicRmw:
  case Opcode::AtomicCas:
    executeAtomic(op);
    return true;
  case Opcode::Print:
    executePrint(op);
    return true;
  case Opcode::Assert:
    executeAssert(op);
    return true;
  case Opcode::SharedAlloc:
  case Opcode::SharedStore:
  case Opcode::SharedLoad:
  case Opcode::SharedFree:
    executeShared(op);
    return true;
  default:
    return false;
  }
}

// Takes `width` at its word: a plugin that makes one access of a run must read what the elements one by one would.
void Program::checkRuns(const Op &op, const TileValue &pointer, const TileValue *mask) {
  int64_t width = op.intAttr(AttrId::Width);
  if (width <= 1 || !pointer.map)
    return;
  const std::vector<int64_t> &shape = pointer.type->shape;
  auto axis = static_cast<size_t>(op.intAttr(AttrId::Axis));
  int64_t step = 1; // between neighbours along the axis, in row-major numbers
  for (size_t d = axis + 1; d < shape.size(); ++d)
    step *= shape[d];
  auto n = static_cast<size_t>(pointer.type->numElements());
  std::vector<uint64_t> addresses(n);
  std::vector<uint8_t> on(n, 1);
  for (unsigned t = 0; t < pointer.map->threads(); ++t)
    for (unsigned r = 0; r < pointer.map->registers(); ++r) {
      if (!pointer.map->isFirstCopy(t, r))
        continue;
      CellState state = CellState::Defined;
      uint32_t e = pointer.map->element(t, r);
      on[e] = !mask || (read(*mask, t, r, op, state) & 1);
      addresses[e] = on[e] ? read(pointer, t, r, op, state) : 0;
    }
  unsigned bytes = pointeeBytes(*pointer.type);
  for (size_t e = 0; e < n; ++e) {
    auto place = static_cast<uint64_t>(static_cast<int64_t>(e) / step % width); // in its run
    size_t first = e - place * static_cast<size_t>(step);
    bool asFirst = on[e] == on[first] && (!on[e] || addresses[e] == addresses[first] + place * bytes);
    bool aligned = place || !on[e] || addresses[e] % (static_cast<uint64_t>(width) * bytes) == 0;
    if (!asFirst || !aligned)
      fail(op, "promises runs of " + std::to_string(width) + " elements along dim " + std::to_string(axis) +
                   (aligned ? ", and element " + std::to_string(e) + " does not follow its neighbour"
                            : ", and the one of element " + std::to_string(e) + " starts at " + hexText(addresses[e])));
  }
}

void Program::executeLoad(const Op &op) {
  const TileValue &pointer = value(op.operands[0]);
  checkRuns(op, pointer, op.operands.size() > 1 ? &value(op.operands[1]) : nullptr);
  unsigned bytes = pointeeBytes(*pointer.type);
  TileValue out = make(module_.typeOf(op.results[0]));
  unsigned threads = out.map ? out.map->threads() : 1, registers = out.map ? out.map->registers() : 1;
  for (unsigned t = 0; t < threads; ++t)
    for (unsigned r = 0; r < registers; ++r) {
      size_t cell = size_t(t) * registers + r;
      CellState state = CellState::Defined;
      bool on = op.operands.size() < 2 || (read(value(op.operands[1]), t, r, op, state) & 1);
      if (state == CellState::Unspecified)
        fail(op, "the mask is a value that is not specified");
      if (!on) {
        out.states[cell] = CellState::Unspecified;
        if (op.operands.size() > 2) {
          CellState other = CellState::Defined;
          out.bits[cell] = read(value(op.operands[2]), t, r, op, other);
          out.states[cell] = other;
        }
        continue;
      }
      uint64_t address = read(pointer, t, r, op, state);
      if (state == CellState::Unspecified || !launch_.memory.holds(address, bytes))
        fail(op, "reads " + hexText(address) + ", which is in no allocation");
      if (std::string error;
          !global_.read(out.map ? static_cast<int>(t) : GlobalRaces::kAll, shared_.epoch(), address, bytes, error))
        fail(op, error);
      out.bits[cell] = loadBytes(address, bytes);
      if (module_.typeOf(op.results[0]).elem == tbc::Elem::I1)
        out.bits[cell] = out.bits[cell] != 0;
      out.states[cell] = CellState::Defined;
    }
  set(op.results[0], std::move(out));
}

void Program::executeStore(const Op &op) {
  const TileValue &pointer = value(op.operands[0]), &stored = value(op.operands[1]);
  checkRuns(op, pointer, op.operands.size() > 2 ? &value(op.operands[2]) : nullptr);
  unsigned bytes = pointeeBytes(*pointer.type);
  unsigned threads = pointer.map ? pointer.map->threads() : 1, registers = pointer.map ? pointer.map->registers() : 1;
  ++globalStores_;
  for (unsigned t = 0; t < threads; ++t)
    for (unsigned r = 0; r < registers; ++r) {
      CellState state = CellState::Defined;
      bool on = op.operands.size() < 3 || (read(value(op.operands[2]), t, r, op, state) & 1);
      if (state == CellState::Unspecified)
        fail(op, "the mask is a value that is not specified");
      if (!on)
        continue;
      uint64_t address = read(pointer, t, r, op, state), bits = read(stored, t, r, op, state);
      if (state == CellState::Unspecified)
        fail(op, "stores, or stores to, a value that is not specified (masked off without `other`, or poison)");
      if (!launch_.memory.holds(address, bytes))
        fail(op, "writes " + hexText(address) + ", which is in no allocation");
      // One of the lanes that hold an element stores it, as the lane emitter has it (core/codegen/simt/Memory.cpp).
      if (pointer.map && !pointer.map->isFirstCopy(t, r))
        continue;
      if (std::string error;
          !global_.write(static_cast<int>(t), shared_.epoch(), globalStores_, address, bytes, bits, error))
        fail(op, error);
      storeBytes(address, bytes, bits);
    }
}

void Program::executeAtomic(const Op &op) {
  bool isCas = op.code == Opcode::AtomicCas;
  const TileValue &pointer = value(op.operands[0]);
  const tbc::Type &resultType = module_.typeOf(op.results[0]);
  unsigned bytes = pointeeBytes(*pointer.type);
  TileValue out = make(resultType);
  size_t n = static_cast<size_t>(resultType.isTensor() ? resultType.numElements() : 1);
  std::vector<uint64_t> old(n);
  std::vector<CellState> states(n, CellState::Unspecified);
  unsigned threads = out.map ? out.map->threads() : 1, registers = out.map ? out.map->registers() : 1;
  for (unsigned t = 0; t < threads; ++t)
    for (unsigned r = 0; r < registers; ++r) {
      if (out.map && !out.map->isFirstCopy(t, r))
        continue; // copies of an element do it once
      CellState state = CellState::Defined;
      if (!isCas && op.operands.size() > 2 && !(read(value(op.operands[2]), t, r, op, state) & 1))
        continue;
      uint64_t address = read(pointer, t, r, op, state), operand = read(value(op.operands[1]), t, r, op, state);
      uint64_t replacement = isCas ? read(value(op.operands[2]), t, r, op, state) : 0;
      if (state == CellState::Unspecified)
        fail(op, "works on a value that is not specified");
      if (!launch_.memory.holds(address, bytes))
        fail(op, "accesses " + hexText(address) + ", which is in no allocation");
      uint32_t e = out.map ? out.map->element(t, r) : 0;
      old[e] = loadBytes(address, bytes);
      states[e] = CellState::Defined;
      uint64_t next =
          isCas
              ? (old[e] == (bytes == 8 ? operand : operand & ((uint64_t(1) << (8 * bytes)) - 1)) ? replacement : old[e])
              : scalarRmw(static_cast<tbc::Rmw>(op.intAttr(AttrId::Kind)), resultType.elem, old[e], operand);
      storeBytes(address, bytes, next);
    }
  scatterTile(out, old, states);
  set(op.results[0], std::move(out));
}

void Program::executePrint(const Op &op) {
  scalar::PrintedElement line;
  line.program = {static_cast<uint32_t>(id_[0]), static_cast<uint32_t>(id_[1]), static_cast<uint32_t>(id_[2])};
  line.prefix = op.strAttr(AttrId::Prefix);
  line.operandCount = op.operands.size();
  line.hex = op.intAttr(AttrId::Hex) != 0;
  if (op.operands.empty())
    return launch_.print(scalar::printedLine(line.program, line.prefix));
  for (size_t i = 0; i < op.operands.size(); ++i) {
    const TileValue &v = value(op.operands[i]);
    std::vector<uint64_t> bits = v.bits;
    std::vector<CellState> states;
    if (v.map)
      gatherTile(v, op, bits, states);
    const tbc::Type &type = *v.type;
    line.operand = i;
    line.elem = type.elem;
    line.pointer = type.pointer;
    line.isSigned = op.intAttr(AttrId::Signed) >> std::min<size_t>(i, 63) & 1;
    if (type.isTensor())
      line.shape = type.shape;
    else
      line.shape = {};
    std::vector<int64_t> index(line.shape.size());
    line.index = index;
    for (uint64_t element : bits) {
      line.bits = element;
      launch_.print(scalar::printedLine(line));
      for (size_t d = index.size(); d-- > 0 && ++index[d] == line.shape[d];)
        index[d] = 0;
    }
  }
}

void Program::executeAssert(const Op &op) {
  const TileValue &condition = value(op.operands[0]);
  unsigned threads = condition.map ? condition.map->threads() : 1,
           registers = condition.map ? condition.map->registers() : 1;
  for (unsigned t = 0; t < threads; ++t)
    for (unsigned r = 0; r < registers; ++r) {
      CellState state = CellState::Defined;
      if (op.operands.size() > 1 && !(read(value(op.operands[1]), t, r, op, state) & 1))
        continue;
      if (!(read(condition, t, r, op, state) & 1))
        throw Fault(std::string(op.strAttr(AttrId::Message)), op.loc, true);
    }
}

void Program::executeShared(const Op &op) {
  std::string error;
  if (op.code == Opcode::SharedAlloc) {
    if (!op.find(AttrId::Offset))
      fail(op, "shared memory was not planned: the buffer has no offset");
    TileValue v = make(module_.typeOf(op.results[0]));
    v.bits[0] = static_cast<uint64_t>(op.intAttr(AttrId::Offset));
    v.states[0] = CellState::Defined;
    auto bytes = static_cast<uint64_t>(op.intAttr(AttrId::Bytes));
    refuseCopyBarriers(op, v.bits[0], bytes);
    if (!shared_.forget(v.bits[0], bytes, error))
      fail(op, error);
    buffers_[op.results[0]] = {static_cast<uint64_t>(op.intAttr(AttrId::Slots)), bytes};
    return set(op.results[0], std::move(v));
  }
  const TileValue &buffer = value(op.operands[0]);
  CellState state = CellState::Defined;
  uint64_t start = read(buffer, 0, 0, op, state);
  unsigned bytes = buffer.type->elementBytes();
  if (op.code == Opcode::SharedFree) {
    auto known = buffers_.find(op.operands[0]);
    uint64_t all =
        known != buffers_.end() ? known->second.second : static_cast<uint64_t>(buffer.type->numElements()) * bytes;
    refuseCopyBarriers(op, start, all);
    if (!shared_.forget(start, all, error))
      fail(op, error);
    return;
  }
  const std::vector<uint32_t> &offsets = launch_.tables.sharedOffsets(*buffer.type);
  bool isStore = op.code == Opcode::SharedStore;
  TileValue fresh = isStore ? TileValue() : make(module_.typeOf(op.results[0]));
  const RegisterMap *map = isStore ? value(op.operands[1]).map : fresh.map;
  for (unsigned t = 0; t < map->threads(); ++t)
    for (unsigned r = 0; r < map->registers(); ++r) {
      size_t cell = size_t(t) * map->registers() + r;
      uint64_t at = start + uint64_t(offsets[map->element(t, r)]) * bytes;
      if (isStore) {
        // What is not specified stays so on its way through memory only as bytes: it is written like any other value.
        CellState ignored = CellState::Defined;
        if (!shared_.write(t, at, bytes, read(value(op.operands[1]), t, r, op, ignored), error))
          fail(op, error);
      } else {
        if (!shared_.read(t, at, bytes, fresh.bits[cell], error))
          fail(op, error);
        fresh.states[cell] = CellState::Defined;
      }
    }
  if (!isStore)
    set(op.results[0], std::move(fresh));
}

} // namespace tessera::mock
