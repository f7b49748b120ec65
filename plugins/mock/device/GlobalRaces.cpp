// GlobalRaces.cpp - see GlobalRaces.h
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/GlobalRaces.h"

namespace tessera::mock {

static std::string threadText(int thread) {
  return thread < 0 ? "other lanes" : "lane " + std::to_string(thread % 32) + " of warp " + std::to_string(thread / 32);
}

GlobalRaces::Cell &GlobalRaces::cellOf(uint64_t address) {
  uint64_t page = address / kPage;
  if (!last_ || page != lastPage_) {
    auto &cells = pages_[page];
    if (!cells)
      cells = std::make_unique<std::array<Cell, kPage>>();
    last_ = cells.get();
    lastPage_ = page;
  }
  return (*last_)[address % kPage];
}

bool GlobalRaces::read(int thread, uint32_t epoch, uint64_t address, unsigned n, std::string &error) {
  for (uint64_t at = address; at < address + n; ++at) {
    Cell &cell = cellOf(at);
    if (cell.write.epoch == epoch && cell.write.who != thread) {
      error = "reads global memory that " + threadText(cell.write.who) + " stored to with no barrier between";
      return false;
    }
    cell.read.who = cell.read.epoch == epoch && cell.read.who != thread ? kAll : thread;
    cell.read.epoch = epoch;
  }
  return true;
}

bool GlobalRaces::write(int thread, uint32_t epoch, uint64_t op, uint64_t address, unsigned n, uint64_t bits,
                        std::string &error) {
  for (unsigned i = 0; i < n; ++i) {
    Cell &cell = cellOf(address + i);
    bool changes = *reinterpret_cast<const uint8_t *>(address + i) != static_cast<uint8_t>(bits >> (8 * i));
    bool wasRead = cell.read.epoch == epoch && cell.read.who != thread,
         wasWritten = cell.write.epoch == epoch && cell.write.who != thread && cell.op != op;
    if (changes && (wasRead || wasWritten)) {
      error = "stores to global memory that " + threadText(wasRead ? cell.read.who : cell.write.who) +
              (wasRead ? " loaded" : " stored to") + " with no barrier between";
      return false;
    }
    cell.write = {thread, epoch};
    cell.op = op;
  }
  return true;
}

} // namespace tessera::mock
