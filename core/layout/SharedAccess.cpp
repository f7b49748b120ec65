// SharedAccess.cpp - bank conflicts from ranks, and the swizzle that avoids them
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/SharedAccess.h"

#include "core/layout/BlockTransfer.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace tessera::layout {

static unsigned floorLog2(uint64_t n) { return n ? 63 - std::countl_zero(n) : 0; }

// Lane bits that are served together when each lane moves so many bytes.
static unsigned phaseLaneBits(unsigned laneBits, unsigned vectorBytes, const SharedMemory &memory) {
  uint64_t lanes = uint64_t(memory.banks) * memory.bankBytes / std::max(vectorBytes, memory.bankBytes);
  return std::min(laneBits, floorLog2(std::max<uint64_t>(lanes, 1)));
}

// The access with vectors of 2^vectorBits elements. offsets: (register, lane, warp) -> offset.
static SharedAccess accessOfWidth(const LinearLayout &offsets, unsigned vectorBits, unsigned elementBytes,
                                  unsigned registerBits, const SharedMemory &memory) {
  Vectors lanes = offsets.columnsOf(kLane), words, banks;
  unsigned together = phaseLaneBits(static_cast<unsigned>(lanes.size()), elementBytes << vectorBits, memory);
  auto touch = [&](uint64_t offset) {
    uint64_t word = offset << floorLog2(elementBytes) >> floorLog2(memory.bankBytes);
    words.push_back(word);
    banks.push_back(word & (memory.banks - 1));
  };
  for (unsigned i = 0; i < together; ++i)
    touch(lanes[i]);
  for (unsigned i = 0; i < vectorBits; ++i)
    touch(uint64_t(1) << i);
  SharedAccess access;
  access.vectorElements = int64_t(1) << vectorBits;
  access.accessesPerLane = int64_t(1) << (registerBits - vectorBits);
  access.phases = int64_t(1) << (lanes.size() - together);
  access.wavefronts = access.phases << (rankOf(words) - rankOf(banks));
  return access;
}

SharedAccess analyseAccess(const LinearLayout &distributed, const LinearLayout &shared, unsigned elementBits,
                           const SharedMemory &memory) {
  std::optional<LinearLayout> offsets = distributed.followedByInverseOf(shared);
  assert(offsets && "the shared layout holds every element");
  unsigned elementBytes = std::max(elementBits / 8, 1u);
  Span registers(offsets->columnsOf(kRegister));
  SharedAccess best = accessOfWidth(*offsets, 0, elementBytes, registers.rank(), memory);
  for (unsigned bits = 1; bits <= shared.inBits() && (elementBytes << bits) <= memory.maxVectorBytes &&
                          registers.contains(uint64_t(1) << (bits - 1));
       ++bits) {
    SharedAccess wider = accessOfWidth(*offsets, bits, elementBytes, registers.rank(), memory);
    if (wider.wavefronts * wider.accessesPerLane <= best.wavefronts * best.accessesPerLane)
      best = wider;
  }
  return best;
}

namespace {

// What the sides of a buffer move at once.
struct Moves {
  Vectors vector;                                      // what follows each other in memory, lowest first
  Vectors writer, reader;                              // what a lane of either side moves of it
  std::optional<BlockRows> writerBlocks, readerBlocks; // where a side moves by blocks
};

} // namespace

// copied: the elements that a copy engine, as the writer, moves at once; else empty.
static LinearLayout layoutFor(const LinearLayout &writer, const LinearLayout &reader, unsigned elementBytes,
                              const SharedMemory &memory, const Moves &moves, const Vectors &copied) {
  unsigned bits = writer.outBits();
  Vectors universe;
  for (unsigned i = 0; i < bits; ++i)
    universe.push_back(uint64_t(1) << i);

  // Vectors narrower than a word share it with others: fix who shares before asking which words meet.
  auto phaseLanes = [&](const LinearLayout &side) {
    Vectors lanes = side.columnsOf(kLane);
    auto sideBytes = static_cast<unsigned>(elementBytes << (&side == &reader ? moves.reader : moves.writer).size());
    lanes.resize(phaseLaneBits(static_cast<unsigned>(lanes.size()), sideBytes, memory));
    return lanes;
  };
  Vectors word = moves.vector, sharers = intersect(phaseLanes(writer), phaseLanes(reader));
  sharers.insert(sharers.end(), universe.begin(), universe.end());
  for (uint64_t v : complement(moves.vector, sharers))
    if ((elementBytes << word.size()) < memory.bankBytes)
      word.push_back(v);

  // Elements that one phase of either side touches must differ in their bank: no sum of them may be a pure row.
  auto phase = [&](const LinearLayout &side) {
    if (const auto &blocks = &side == &reader ? moves.readerBlocks : moves.writerBlocks)
      return blocks->block;
    const Vectors &own = &side == &reader ? moves.reader : moves.writer;
    Vectors touched = own != moves.vector ? own : word, lanes = phaseLanes(side);
    touched.insert(touched.end(), lanes.begin(), lanes.end());
    return independent(touched);
  };
  unsigned rowBits = floorLog2(std::max<uint64_t>(uint64_t(memory.banks) * memory.bankBytes / elementBytes, 1));
  size_t rowsWanted = bits > rowBits ? bits - std::max<size_t>(rowBits, word.size()) : 0;
  // A copy engine's vectors stay whole: rows and banks are of the elements that begin one.
  Vectors starts, writerPhase = phase(writer), readerPhase = phase(reader);
  uint64_t inVector = 0;
  for (uint64_t v : copied)
    inVector |= v;
  for (uint64_t v : universe)
    if (!(v & inVector))
      starts.push_back(v);
  auto ofStarts = [&](const Vectors &touched) { return inVector ? intersect(touched, starts) : touched; };
  Vectors rows = complementOfBoth(ofStarts(writerPhase), ofStarts(readerPhase), starts);
  rows.resize(std::min(rows.size(), rowsWanted));
  Vectors fixed = word;
  fixed.insert(fixed.end(), rows.begin(), rows.end());
  for (uint64_t v : complement(fixed, universe)) { // too few free directions: the rest conflicts
    if (rows.size() == rowsWanted)
      break;
    rows.push_back(v);
    fixed.push_back(v);
  }
  // Neighbouring banks for neighbouring lanes of the writer; the order among banks costs nothing.
  Vectors candidates = writerPhase;
  for (uint64_t &v : candidates)
    v &= ~inVector; // the same bank group: the vector is among `fixed`
  candidates.insert(candidates.end(), universe.begin(), universe.end());
  Vectors columns = word, banks = complement(fixed, candidates);
  columns.insert(columns.end(), banks.begin(), banks.end());
  columns.insert(columns.end(), rows.begin(), rows.end());
  return LinearLayout({{std::string(kOffset), bits}}, writer.outs(), std::move(columns));
}

LinearLayout swizzledFor(const LinearLayout &writer, const LinearLayout &reader, unsigned elementBits,
                         const SharedMemory &memory, const Vectors &writerVector) {
  assert(writer.outs() == reader.outs());
  unsigned elementBytes = std::max(elementBits / 8, 1u);
  auto widest = [&](Vectors vector) {
    std::sort(vector.begin(), vector.end());
    vector.resize(std::min<size_t>(vector.size(), floorLog2(std::max(memory.maxVectorBytes / elementBytes, 1u))));
    return vector;
  };
  Vectors vector = writerVector, readerVector;
  if (vector.empty())
    vector = readerVector = widest(intersect(writer.columnsOf(kRegister), reader.columnsOf(kRegister)));
  else
    readerVector = widest(intersect(vector, reader.columnsOf(kRegister)));

  // Where there is no vector of full width for both, one side may move by blocks, whose rows are the other's vectors.
  std::optional<BlockRows> writerBlocks, readerBlocks;
  size_t full = floorLog2(std::max(16 / elementBytes, 1u));
  auto byBlocks = [&](const LinearLayout &side, const LinearLayout &other, unsigned kind, bool isReader) {
    Span registers(other.columnsOf(kRegister));
    for (bool transposed : {false, true}) {
      std::optional<BlockRows> rows = blockRows(side, elementBits, transposed);
      if (!(memory.blockTransfers & (kind << (transposed ? 1 : 0))) || !rows)
        continue;
      if (transposed && elementBits == 8 && !isReader) // pairs of bytes are only loaded
        continue;
      bool fits = writerVector.empty() || !isReader ? std::all_of(rows->row.begin(), rows->row.end(),
                                                                  [&](uint64_t v) { return registers.contains(v); })
                                                    : rows->row == writerVector;
      if (fits)
        return rows;
    }
    return std::optional<BlockRows>();
  };
  // Elements narrower than a word come in words of the registers' order: a vector of others is taken apart and put together again, two instructions a word.
  auto keepsWords = [&](const LinearLayout &side) {
    const Vectors registers = side.columnsOf(kRegister);
    return elementBytes >= 4 || vector.empty() || (!registers.empty() && registers.front() == vector.front());
  };
  bool prefersBlocks =
      readerVector.size() < full || (writerVector.empty() && !(keepsWords(writer) && keepsWords(reader)));
  if (memory.blockTransfers && memory.maxVectorBytes >= 16 && prefersBlocks) {
    readerBlocks = byBlocks(reader, writer, kBlockLoad, true);
    if (!readerBlocks && writerVector.empty())
      writerBlocks = byBlocks(writer, reader, kBlockStore, false);
    if (readerBlocks || writerBlocks)
      vector = readerVector = readerBlocks ? readerBlocks->row : writerBlocks->row;
  }
  return layoutFor(writer, reader, elementBytes, memory, {vector, vector, readerVector, writerBlocks, readerBlocks},
                   writerVector);
}

// Whether lanes hold the tile as matrix units have their operands: the words of four lanes follow each other in a row, and the rows of eight such groups.
static bool isFragment(const LinearLayout &l, unsigned elementBits) {
  std::optional<BlockRows> rows = blockRows(l, elementBits, false);
  if (!rows)
    return false;
  Vectors lanes = l.columnsOf(kLane);
  auto follow = [](auto first, auto last) {
    return std::adjacent_find(first, last, [](uint64_t a, uint64_t b) { return b != a << 1; }) == last;
  };
  return follow(rows->row.begin(), rows->row.end()) && follow(lanes.begin() + 2, lanes.end());
}

std::optional<LinearLayout> swizzledForBlocks(const LinearLayout &writer, const LinearLayout &reader,
                                              unsigned elementBits, const SharedMemory &memory) {
  unsigned elementBytes = std::max(elementBits / 8, 1u);
  if (!isFragment(reader, elementBits))
    return std::nullopt;
  Span registers(writer.columnsOf(kRegister));
  for (bool transposed : {false, true}) {
    std::optional<BlockRows> rows = blockRows(reader, elementBits, transposed);
    if (!(memory.blockTransfers & (kBlockLoad << (transposed ? 1 : 0))) || !rows)
      continue;
    Vectors own;
    for (uint64_t v : rows->row) {
      if (!registers.contains(v))
        break;
      own.push_back(v);
    }
    if ((elementBytes << own.size()) >= memory.bankBytes)
      return layoutFor(writer, reader, elementBytes, memory, {rows->row, own, rows->row, std::nullopt, rows}, {});
  }
  return std::nullopt;
}

} // namespace tessera::layout
