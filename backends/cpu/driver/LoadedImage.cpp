// LoadedImage.cpp - check, map, protect
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/LoadedImage.h"

#include "backends/cpu/driver/Failure.h"
#include "backends/cpu/image/ImageFile.h"
#include "backends/cpu/image/Processor.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>

namespace tessera::cpu {

tsr_status LoadedImage::load(const tsr_sink *sink, Device &device, tsr_bytes artifact,
                             std::unique_ptr<LoadedImage> &out) {
  ImageView view;
  std::string why;
  if (!readImage(artifact.p, artifact.n, view, why))
    return fail(sink, TSR_E_BAD_ARTIFACT, why);
  if (!processorRuns(view.target, why))
    return fail(sink, TSR_E_BAD_ARTIFACT, "this CPU image cannot run here: " + why);

  const ImageHeader &h = view.header;
  uint64_t bytes = (h.memoryBytes + kImagePage - 1) & ~(kImagePage - 1);
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return fail(sink, TSR_E_OOM_HOST, "no memory to map a CPU image of " + std::to_string(bytes) + " bytes");
  std::unique_ptr<LoadedImage> image(new LoadedImage(device));
  image->memory_ = static_cast<uint8_t *>(memory);
  image->bytes_ = bytes;
  std::memcpy(memory, view.load, h.textBytes + h.rodataBytes + h.dataBytes);
  uint8_t *base = image->memory_;
  if (mprotect(base, h.textBytes, PROT_READ | PROT_EXEC) != 0 ||
      (h.rodataBytes && mprotect(base + h.textBytes, h.rodataBytes, PROT_READ) != 0))
    return fail(sink, TSR_E_UNAVAILABLE,
                std::string("the system does not let this process run generated code: ") + std::strerror(errno));
  image->entries_.reserve(view.kernels.size());
  for (const ImageKernel &k : view.kernels)
    image->entries_.push_back({std::string(k.name), k.entry});
  out = std::move(image);
  return TSR_OK;
}

LoadedImage::~LoadedImage() {
  if (memory_)
    munmap(memory_, bytes_);
}

Kernel *LoadedImage::kernel(std::string_view name, uint32_t argBytes) {
  std::lock_guard lock(mutex_);
  for (Kernel &k : kernels_)
    if (k.name == name && k.argBytes == argBytes)
      return &k;
  for (const Entry &e : entries_) {
    if (e.name != name)
      continue;
    Kernel &k = kernels_.emplace_back();
    k.name = e.name;
    k.device = &device_;
    k.entry = reinterpret_cast<KernelFunction>(memory_ + e.entry.entry);
    k.streams = e.entry.flags & 1;
    k.scratchBytes = e.entry.scratchBytes;
    k.bytesWritten = e.entry.bytesWritten;
    k.argBytes = argBytes;
    return &k;
  }
  return nullptr;
}

std::string LoadedImage::kernelNames() const {
  std::string text;
  for (const Entry &e : entries_)
    text += (text.empty() ? "" : ", ") + e.name;
  return text;
}

} // namespace tessera::cpu
