// BlockTransfer.cpp - which layouts move by blocks of eight rows
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/BlockTransfer.h"

#include "core/layout/TensorLayouts.h"

#include <algorithm>

namespace tessera::layout {

namespace {

// The register bits that carry something, lowest first; empty where an element has copies other than by bits that are zero.
std::optional<std::vector<unsigned>> usedRegisters(const LinearLayout &l) {
  std::vector<unsigned> used;
  Span span;
  Vectors columns = l.columnsOf(kRegister);
  for (unsigned bit = 0; bit < columns.size(); ++bit)
    if (columns[bit]) {
      if (span.contains(columns[bit]))
        return std::nullopt;
      span.insert(columns[bit]);
      used.push_back(bit);
    }
  return used;
}

unsigned wordBits(unsigned elementBits) { return elementBits >= 32 ? 0 : elementBits == 16 ? 1 : 2; }

} // namespace

std::optional<BlockRows> blockRows(const LinearLayout &l, unsigned elementBits, bool transposed) {
  Vectors registers = l.columnsOf(kRegister), lanes = l.columnsOf(kLane);
  unsigned word = wordBits(elementBits);
  if (lanes.size() != 5 || elementBits > 32 || elementBits < 8 || (transposed && elementBits > 16) ||
      registers.size() < word)
    return std::nullopt;
  BlockRows r;
  if (transposed && elementBits == 8) { // pairs of bytes are the units, of which a lane has one byte in each word
    if (registers.size() < 3)
      return std::nullopt;
    r.row = {registers[2], lanes[2], lanes[3], lanes[4]};
    r.block = {registers[2], lanes[2], lanes[3], lanes[4], registers[0], lanes[0], lanes[1]};
    Vectors all = r.block;
    all.push_back(registers[1]);
    return independent(all).size() == all.size() ? std::optional(r) : std::nullopt;
  }
  r.block.assign(registers.begin(), registers.begin() + word);
  r.block.insert(r.block.end(), lanes.begin(), lanes.end());
  if (independent(r.block).size() != r.block.size())
    return std::nullopt;
  if (transposed)
    r.row.assign(lanes.begin() + 2, lanes.end());
  else
    r.row.assign(r.block.begin(), r.block.begin() + word + 2);
  return r;
}

std::optional<BlockTransfer> blockTransfer(const LinearLayout &distributed, const LinearLayout &shared,
                                           unsigned elementBits, bool isStore, const SharedMemory &memory) {
  std::optional<LinearLayout> offsets = distributed.followedByInverseOf(shared);
  if (!offsets)
    return std::nullopt;
  std::optional<std::vector<unsigned>> used = usedRegisters(*offsets);
  Vectors registers = offsets->columnsOf(kRegister), lanes = offsets->columnsOf(kLane),
          warps = offsets->columnsOf(kWarp);
  unsigned word = wordBits(elementBits);
  for (bool transposed : {false, true}) {
    unsigned needed = (isStore ? kBlockStore : kBlockLoad) << (transposed ? 1 : 0);
    std::optional<BlockRows> rows = blockRows(*offsets, elementBits, transposed);
    if (!(memory.blockTransfers & needed) || !used || !rows || (transposed && isStore && elementBits == 8))
      continue;
    bool pairs = transposed && elementBits == 8;
    bool inOrder = true;
    for (size_t i = 0; i < rows->row.size(); ++i)
      inOrder &= rows->row[i] == uint64_t(1) << i;
    uint64_t inRow = (uint64_t(1) << rows->row.size()) - 1;
    Vectors names; // the rows of a block, by the three low bits of the lane that names them
    if (transposed)
      names = {registers[0], lanes[0], lanes[1]};
    else
      names.assign(lanes.begin() + 2, lanes.end());
    auto startsRow = [&](uint64_t column) { return (column & inRow) == 0; };
    std::vector<unsigned> rest(used->begin() + std::min<size_t>(pairs ? 3 : word, used->size()), used->end());
    if (pairs)
      rest.insert(rest.begin(),
                  1); // a word has one bit of what a lane's four neighbours differ in, the block the other
    inOrder &= std::all_of(names.begin(), names.end(), startsRow) &&
               std::all_of(warps.begin(), warps.end(), startsRow) &&
               std::all_of(rest.begin(), rest.end(), [&](unsigned bit) { return startsRow(registers[bit]); });
    for (unsigned bit = 0; bit < (pairs ? 3 : word); ++bit)
      inOrder &= bit < used->size() && (*used)[bit] == bit;
    if (!inOrder)
      continue;
    BlockTransfer t;
    t.transposed = transposed;
    t.together = 1u << word;
    size_t blockBits = std::min<size_t>(rest.size(), 2);
    t.blocks = 1u << blockBits;
    t.lane = names;
    for (size_t i = 0; i < 2; ++i)
      t.lane.push_back(i < blockBits ? registers[rest[i]] : 0);
    t.warp = warps;
    for (uint64_t n = 0; n < uint64_t(1) << (rest.size() - blockBits); ++n) {
      BlockTransfer::Access access;
      unsigned first = 0;
      for (size_t i = blockBits; i < rest.size(); ++i)
        if (n >> (i - blockBits) & 1)
          first |= 1u << rest[i], access.at ^= registers[rest[i]];
      for (unsigned block = 0; block < t.blocks; ++block)
        for (unsigned e = 0; e < t.together; ++e) {
          unsigned r = first | (pairs ? (e & 1) << 2 | e >> 1 : e);
          for (size_t i = 0; i < blockBits; ++i)
            r |= (block >> i & 1) << rest[i];
          access.registers.push_back(r);
        }
      t.accesses.push_back(std::move(access));
    }
    // Each block is served as 128 bytes at once, if its words are in different banks.
    Vectors words, banks;
    unsigned shift = log2Exact(memory.bankBytes) - std::min(log2Exact(std::max(elementBits / 8, 1u)), 2u);
    for (uint64_t offset : rows->block) {
      words.push_back(offset >> shift);
      banks.push_back(words.back() & (memory.banks - 1));
    }
    t.wavefronts = static_cast<int64_t>(t.accesses.size() * t.blocks) << (rankOf(words) - rankOf(banks));
    return t;
  }
  return std::nullopt;
}

} // namespace tessera::layout
