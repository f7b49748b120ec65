// ImageFile.cpp - read and write CPU images
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/image/ImageFile.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace tessera::cpu {

static uint64_t roundUpToPage(uint64_t n) { return (n + kImagePage - 1) & ~(kImagePage - 1); }

const ImageKernel *ImageView::find(std::string_view name) const {
  for (const ImageKernel &k : kernels)
    if (k.name == name)
      return &k;
  return nullptr;
}

uint64_t imageChecksum(const void *bytes, uint64_t size) {
  constexpr uint64_t prime = 0x100000001b3ull;
  const auto *p = static_cast<const uint8_t *>(bytes);
  uint64_t hash = 0xcbf29ce484222325ull;
  constexpr uint64_t field = offsetof(ImageHeader, checksum);
  for (uint64_t i = 0; i < size; ++i) {
    uint8_t byte = i - field < sizeof(uint64_t) ? 0 : p[i];
    hash = (hash ^ byte) * prime;
  }
  return hash;
}

// The header alone: magic, sizes, limits.
static bool checkHeader(const ImageHeader &h, uint64_t size, std::string &why) {
  auto refuse = [&](std::string text) {
    why = std::move(text);
    return false;
  };
  if (std::memcmp(h.magic, kImageMagic, sizeof(h.magic)) != 0) {
    if (std::memcmp(h.magic, kImageMagic, 6) == 0)
      return refuse("the CPU image has another format version (" + std::string(h.magic + 6, 2) +
                    ", this driver reads " + std::string(kImageMagic + 6, 2) + "): compile the kernel again");
    return refuse("not a CPU image: the magic number is missing");
  }
  if (h.headerBytes != sizeof(ImageHeader))
    return refuse("the header of the CPU image has " + std::to_string(h.headerBytes) + " bytes instead of " +
                  std::to_string(sizeof(ImageHeader)));
  if (h.fileBytes != size)
    return refuse(h.fileBytes > size ? "the CPU image is truncated: " + std::to_string(size) + " of " +
                                           std::to_string(h.fileBytes) + " bytes are there"
                                     : "the CPU image is followed by bytes that do not belong to it");
  if (h.numKernels == 0 || h.numKernels > kMaxImageKernels)
    return refuse("the CPU image claims " + std::to_string(h.numKernels) + " kernels");
  for (uint64_t n : {h.loadOffset, h.textBytes, h.rodataBytes, h.dataBytes})
    if (n % kImagePage != 0 || n > kMaxImageMemory)
      return refuse("a section of the CPU image is not page-aligned or is too large");
  uint64_t stored = h.textBytes + h.rodataBytes + h.dataBytes; // no overflow: each is below 2^31
  if (h.textBytes == 0)
    return refuse("the CPU image has no code");
  if (h.memoryBytes < stored || h.memoryBytes > kMaxImageMemory)
    return refuse("the memory size of the CPU image does not fit its sections");
  if (h.loadOffset > size || stored > size - h.loadOffset)
    return refuse("the sections of the CPU image lie outside the file");
  if (std::memchr(h.target, 0, sizeof(h.target)) == nullptr || h.target[0] == 0)
    return refuse("the CPU image does not name its target");
  return true;
}

bool readImage(const void *bytes, uint64_t size, ImageView &out, std::string &why) {
  const auto *file = static_cast<const uint8_t *>(bytes);
  if (!file || size < sizeof(ImageHeader)) {
    why = "not a CPU image: " + std::to_string(size) + " bytes are less than its header";
    return false;
  }
  std::memcpy(&out.header, file, sizeof(ImageHeader));
  const ImageHeader &h = out.header;
  if (!checkHeader(h, size, why))
    return false;
  if (imageChecksum(file, size) != h.checksum) {
    why = "the checksum of the CPU image does not fit: the bytes were damaged";
    return false;
  }
  uint64_t tableEnd = sizeof(ImageHeader) + uint64_t(h.numKernels) * sizeof(KernelEntry);
  if (tableEnd > h.loadOffset) {
    why = "the kernel table of the CPU image overlaps its code";
    return false;
  }
  out.target =
      std::string_view(reinterpret_cast<const char *>(file) + offsetof(ImageHeader, target), std::strlen(h.target));
  out.load = file + h.loadOffset;
  out.kernels.clear();
  out.kernels.reserve(h.numKernels);
  for (uint32_t i = 0; i < h.numKernels; ++i) {
    ImageKernel k;
    std::memcpy(&k.entry, file + sizeof(ImageHeader) + uint64_t(i) * sizeof(KernelEntry), sizeof(KernelEntry));
    const KernelEntry &e = k.entry;
    if (e.nameOffset > size || e.nameBytes > size - e.nameOffset || e.nameBytes == 0) {
      why = "the name of kernel " + std::to_string(i) + " lies outside the CPU image";
      return false;
    }
    k.name = std::string_view(reinterpret_cast<const char *>(file) + e.nameOffset, e.nameBytes);
    if (e.entry >= h.textBytes) {
      why = "the entry of kernel `" + std::string(k.name) + "` lies outside the code of the CPU image";
      return false;
    }
    if (e.scratchBytes > kMaxImageMemory) {
      why = "kernel `" + std::string(k.name) + "` asks for " + std::to_string(e.scratchBytes) +
            " bytes of scratch memory";
      return false;
    }
    out.kernels.push_back(k);
  }
  return true;
}

std::vector<uint8_t> writeImage(const ImageParts &parts) {
  ImageHeader h = {};
  std::memcpy(h.magic, kImageMagic, sizeof(h.magic));
  h.headerBytes = sizeof(ImageHeader);
  h.numKernels = static_cast<uint32_t>(parts.kernels.size());
  uint64_t tableEnd = sizeof(ImageHeader) + parts.kernels.size() * sizeof(KernelEntry);
  uint64_t namesEnd = tableEnd;
  for (const ImageParts::Kernel &k : parts.kernels)
    namesEnd += k.name.size();
  h.loadOffset = roundUpToPage(namesEnd);
  h.textBytes = roundUpToPage(parts.text.size());
  h.rodataBytes = roundUpToPage(parts.rodata.size());
  h.dataBytes = roundUpToPage(parts.data.size());
  uint64_t stored = h.textBytes + h.rodataBytes + h.dataBytes;
  // The zero-filled tail starts where the data really ends, so the padding of the data counts as part of it.
  uint64_t padding = h.dataBytes - parts.data.size();
  h.memoryBytes = stored + (parts.zeroBytes > padding ? roundUpToPage(parts.zeroBytes - padding) : 0);
  h.fileBytes = h.loadOffset + stored;
  std::memcpy(h.target, parts.target.data(), std::min(parts.target.size(), sizeof(h.target) - 1));

  std::vector<uint8_t> file(h.fileBytes, 0);
  uint64_t name = tableEnd;
  for (size_t i = 0; i < parts.kernels.size(); ++i) {
    const ImageParts::Kernel &k = parts.kernels[i];
    KernelEntry e = {};
    e.nameOffset = name;
    e.nameBytes = static_cast<uint32_t>(k.name.size());
    e.flags = k.streams ? 1 : 0;
    e.entry = k.entry;
    e.scratchBytes = k.scratchBytes;
    e.bytesWritten = k.bytesWritten;
    std::memcpy(&file[sizeof(ImageHeader) + i * sizeof(KernelEntry)], &e, sizeof(e));
    std::memcpy(file.data() + name, k.name.data(), k.name.size());
    name += k.name.size();
  }
  auto put = [&](uint64_t at, const std::vector<uint8_t> &bytes) {
    if (!bytes.empty())
      std::memcpy(file.data() + h.loadOffset + at, bytes.data(), bytes.size());
  };
  put(0, parts.text);
  put(h.textBytes, parts.rodata);
  put(h.textBytes + h.rodataBytes, parts.data);
  std::memcpy(file.data(), &h, sizeof(h));
  h.checksum = imageChecksum(file.data(), file.size());
  std::memcpy(file.data(), &h, sizeof(h));
  return file;
}

} // namespace tessera::cpu
