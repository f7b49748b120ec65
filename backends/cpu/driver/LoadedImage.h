// LoadedImage.h - an image mapped into this process, ready to run
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/cpu/image/Image.h"
#include "plugins/abi/plugin.h"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::cpu {

class Device;

// One kernel of a loaded image. Lives as long as its image.
struct Kernel {
  std::string name;
  Device *device = nullptr;
  KernelFunction entry = nullptr;
  bool streams = false; // has stores that may go past the cache
  uint64_t scratchBytes = 0;
  uint64_t bytesWritten = 0;
  uint32_t argBytes = 0;
  mutable std::atomic<float> nsPerProgram{0}; // what a program took last time
};

// Maps by hand: anonymous memory, a copy, then read + execute for the code, read for constants, read + write for data. No page
// is ever writable and executable.
class LoadedImage {
public:
  // BAD_ARTIFACT: damaged, or for another processor; the text says which. OOM_HOST.
  static tsr_status load(const tsr_sink *sink, Device &device, tsr_bytes artifact, std::unique_ptr<LoadedImage> &out);
  ~LoadedImage();
  LoadedImage(const LoadedImage &) = delete;
  LoadedImage &operator=(const LoadedImage &) = delete;

  // Thread-safe. nullptr: no kernel of that name.
  Kernel *kernel(std::string_view name, uint32_t argBytes);
  Device &device() const { return device_; }
  // "a, b, c": for messages.
  std::string kernelNames() const;

private:
  explicit LoadedImage(Device &device) : device_(device) {}
  struct Entry {
    std::string name;
    KernelEntry entry;
  };
  Device &device_;
  uint8_t *memory_ = nullptr;
  uint64_t bytes_ = 0;
  std::vector<Entry> entries_;
  std::mutex mutex_;
  std::deque<Kernel> kernels_; // a deque: handles stay where they are
};

} // namespace tessera::cpu
