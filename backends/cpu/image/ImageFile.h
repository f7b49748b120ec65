// ImageFile.h - read (and distrust) the bytes of a CPU image; write them
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/cpu/image/Image.h"

#include <string>
#include <string_view>
#include <vector>

namespace tessera::cpu {

// Limits that no image of ours comes near; beyond them the header is taken for hostile.
inline constexpr uint32_t kMaxImageKernels = 65536;
inline constexpr uint64_t kMaxImageMemory = uint64_t(1) << 31;
inline constexpr uint64_t kImagePage = 4096;

struct ImageKernel {
  std::string_view name; // into the bytes that were read
  KernelEntry entry;
};

// A checked view of an image. Valid as long as the bytes are.
struct ImageView {
  ImageHeader header;
  std::string_view target;
  std::vector<ImageKernel> kernels;
  const uint8_t *load = nullptr; // textBytes + rodataBytes + dataBytes of loadable bytes

  const ImageKernel *find(std::string_view name) const;
};

// Checks everything that can be checked without running the code: every offset and size lies inside the file, no sum
// overflows, the checksum fits. False: `why` is one sentence that says what is wrong; `out` is then unspecified.
// The bytes need no alignment. Linear in the size.
bool readImage(const void *bytes, uint64_t size, ImageView &out, std::string &why);

// FNV-1a 64 with the checksum field taken as 0. `size` must be at least sizeof(ImageHeader).
uint64_t imageChecksum(const void *bytes, uint64_t size);

// What an image is made of. Sections are padded to pages here; entry offsets count from the start of `text`.
struct ImageParts {
  std::string target;
  std::vector<uint8_t> text, rodata, data;
  uint64_t zeroBytes = 0; // zero-filled tail after data
  struct Kernel {
    std::string name;
    uint64_t entry = 0;
    bool streams = false; // KernelEntry::flags
    uint64_t scratchBytes = 0, bytesWritten = 0;
  };
  std::vector<Kernel> kernels;
};

// The sections land at these offsets from the start of the mapped text: text 0, rodata roundUp(text), data
// roundUp(text) + roundUp(rodata); the code must have been linked so.
std::vector<uint8_t> writeImage(const ImageParts &parts);

} // namespace tessera::cpu
