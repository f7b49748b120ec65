// Grid.cpp - see Grid.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/Grid.h"

#include "backends/cpu/image/ImageFile.h"
#include "backends/cpu/image/Processor.h"

#include <cstring>
#include <sys/mman.h>

namespace tessera::simt {

std::unique_ptr<LoadedImage> LoadedImage::load(const void *bytes, uint64_t size, std::string &why) {
  cpu::ImageView view;
  if (!cpu::readImage(bytes, size, view, why) || !cpu::processorRuns(view.target, why))
    return nullptr;
  const cpu::ImageHeader &h = view.header;
  std::unique_ptr<LoadedImage> image(new LoadedImage);
  image->bytes_ = (h.memoryBytes + cpu::kImagePage - 1) & ~(cpu::kImagePage - 1);
  void *memory = mmap(nullptr, image->bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    why = "no memory for an image of " + std::to_string(image->bytes_) + " bytes";
    return nullptr;
  }
  image->memory_ = static_cast<uint8_t *>(memory);
  std::memcpy(memory, view.load, h.textBytes + h.rodataBytes + h.dataBytes);
  if (mprotect(memory, h.textBytes, PROT_READ | PROT_EXEC) != 0 ||
      (h.rodataBytes && mprotect(image->memory_ + h.textBytes, h.rodataBytes, PROT_READ) != 0)) {
    why = "the system does not let this process run generated code";
    return nullptr;
  }
  for (const cpu::ImageKernel &k : view.kernels)
    image->kernels_[std::string(k.name)] = reinterpret_cast<KernelEntry>(image->memory_ + k.entry.entry);
  return image;
}

LoadedImage::~LoadedImage() {
  if (memory_)
    munmap(memory_, bytes_);
}

KernelEntry LoadedImage::find(const std::string &kernel) const {
  auto it = kernels_.find(kernel);
  return it == kernels_.end() ? nullptr : it->second;
}

BlockError runGrid(KernelEntry kernel, const void *args, const uint32_t grid[3], const BlockOptions &options) {
  Block block(options);
  const int32_t programs[3] = {static_cast<int32_t>(grid[0]), static_cast<int32_t>(grid[1]),
                               static_cast<int32_t>(grid[2])};
  for (int32_t z = 0; z < programs[2]; ++z)
    for (int32_t y = 0; y < programs[1]; ++y)
      for (int32_t x = 0; x < programs[0]; ++x) {
        const int32_t id[3] = {x, y, z};
        BlockError error = block.run(kernel, args, id, programs);
        if (error.message.empty())
          continue;
        if (!error.isAssert)
          error.message += " (program " + std::to_string(x) + ", " + std::to_string(y) + ", " + std::to_string(z) +
                           (error.line ? ", line " + std::to_string(error.line) : std::string()) + ")";
        return error;
      }
  return {};
}

} // namespace tessera::simt
