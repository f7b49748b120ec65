// Grid.h - an image of Compile.h in memory, and its kernels over a grid of programs
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/simt/Block.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace tessera::simt {

// Code pages of this process. Thread-safe to read.
class LoadedImage {
public:
  // nullptr with a reason: damaged, or for another processor.
  static std::unique_ptr<LoadedImage> load(const void *bytes, uint64_t size, std::string &why);
  ~LoadedImage();
  LoadedImage(const LoadedImage &) = delete;
  LoadedImage &operator=(const LoadedImage &) = delete;
  KernelEntry find(const std::string &kernel) const; // nullptr: there is none

private:
  LoadedImage() = default;
  uint8_t *memory_ = nullptr;
  uint64_t bytes_ = 0;
  std::map<std::string, KernelEntry> kernels_;
};

// Every program of the grid, x fastest, one after the other; the first error ends it and says which program it was.
BlockError runGrid(KernelEntry kernel, const void *args, const uint32_t grid[3], const BlockOptions &options);

} // namespace tessera::simt
