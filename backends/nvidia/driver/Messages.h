// Messages.h - what kernels print and assert, from the ring that image/Messages.h describes
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/Api.h"
#include "backends/nvidia/image/Messages.h"
#include "plugins/sdk/Error.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tessera::nvidia {

class NvidiaDevice;

struct FailedAssertion {
  std::string text, file, kernel;
  uint32_t line = 0, column = 0;
  int32_t program[3] = {};
  // "kernel 'k', program (1, 0, 0), at k.py:3: assertion failed: text"
  std::string sentence() const;
};

// One a device. Thread-safe. The ring is made when the first module with messages is loaded.
class Messages {
public:
  Messages(NvidiaDevice &device, uint64_t bytes) : device_(device), wanted_(bytes) {}
  Messages(const Messages &) = delete;
  Messages &operator=(const Messages &) = delete;

  // Makes the module's messages arrive here. `texts`: its tsr_texts. Gives the value of its tsr_messages. The device's context
  // is current.
  MessagePort attach(std::string texts);
  // Reads what is there and forgets the module's texts.
  void detach(uint64_t module);
  // Moves what has arrived out of the ring. One load where there is no ring, two where it is empty. afterFault: the writers are
  // dead, so a message that was begun and not finished is stepped over.
  void collect(bool afterFault = false);
  // The first failed assertion that nobody was told of by status; collect() before.
  std::optional<FailedAssertion> takeAssertion();
  // Emits prints, in order, then assertions as diagnostics, and forgets them.
  void drain(const sdk::Sink &sink);
  // Frees the ring; the context is current. Before the context goes.
  void close();

private:
  void open();
  void read(const uint64_t *words);
  std::string text(uint64_t module, uint64_t reference) const;

  NvidiaDevice &device_;
  uint64_t wanted_; // bytes of the ring
  std::atomic<MessageHost *> host_{nullptr};
  std::mutex mutex_; // guards what follows
  uint64_t mask_ = 0, nextModule_ = 0, droppedSeen_ = 0;
  cu::Address control_ = 0;
  std::map<uint64_t, std::string> texts_; // by module
  std::string prints_;
  std::vector<FailedAssertion> assertions_;
  size_t told_ = 0; // of assertions_, by takeAssertion
  uint64_t lostPrints_ = 0;
};

} // namespace tessera::nvidia
