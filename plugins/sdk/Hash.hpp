// Hash.hpp - SHA-256 for cache keys, and the GNU build id of the library that this header is compiled into
//
// SPDX-License-Identifier: Apache-2.0
//
// Source: FIPS 180-4, sections 4.1.2, 5.1.1 and 6.2.
#pragma once

#include <cstdint>
#include <cstring>
#include <elf.h>
#include <string>
#include <string_view>

namespace tessera::sdk {

class Sha256 {
public:
  Sha256 &add(const void *data, uint64_t n) {
    const auto *p = static_cast<const uint8_t *>(data);
    total_ += n;
    while (n) {
      uint64_t take = 64 - used_ < n ? 64 - used_ : n;
      std::memcpy(block_ + used_, p, take);
      used_ += static_cast<uint32_t>(take);
      p += take;
      n -= take;
      if (used_ == 64) {
        mix();
        used_ = 0;
      }
    }
    return *this;
  }
  // With the length in front, so that "ab","c" and "a","bc" differ.
  Sha256 &add(std::string_view s) {
    uint64_t n = s.size();
    add(&n, sizeof n);
    return add(s.data(), n);
  }
  void finish(uint8_t out[32]) {
    uint64_t bits = total_ * 8;
    uint8_t one = 0x80, zero = 0, length[8];
    add(&one, 1);
    while (used_ != 56)
      add(&zero, 1);
    for (int i = 0; i < 8; ++i)
      length[i] = static_cast<uint8_t>(bits >> (56 - 8 * i));
    add(length, 8);
    for (int i = 0; i < 32; ++i)
      out[i] = static_cast<uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
  }

private:
  static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }
  void mix() {
    static constexpr uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; ++i)
      w[i] = static_cast<uint32_t>(block_[4 * i]) << 24 | static_cast<uint32_t>(block_[4 * i + 1]) << 16 |
             static_cast<uint32_t>(block_[4 * i + 2]) << 8 | block_[4 * i + 3];
    for (int i = 16; i < 64; ++i)
      w[i] = w[i - 16] + (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
             (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    std::memcpy(v, state_, sizeof v);
    for (int i = 0; i < 64; ++i) {
      uint32_t t1 = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) +
                    k[i] + w[i];
      uint32_t t2 =
          (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
      std::memmove(v + 1, v, 7 * sizeof v[0]);
      v[4] += t1;
      v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; ++i)
      state_[i] += v[i];
  }
  uint32_t state_[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t block_[64];
  uint32_t used_ = 0;
  uint64_t total_ = 0;
};

} // namespace tessera::sdk

// The linker defines this as the first byte of the library's own image.
extern "C" __attribute__((visibility("hidden"))) const Elf64_Ehdr __ehdr_start; // NOLINT(bugprone-reserved-identifier)

namespace tessera::sdk {

// The notes of an image are no objects that a sanitizer knows.
#if defined(__clang__)
#define TSR_SDK_RAW_READS __attribute__((no_sanitize("address")))
#else
#define TSR_SDK_RAW_READS
#endif

// Hex of the GNU build id of this library (link with --build-id); empty where there is none.
TSR_SDK_RAW_READS inline std::string ownBuildId() {
  const char *image = reinterpret_cast<const char *>(&__ehdr_start);
  const auto *segments = reinterpret_cast<const Elf64_Phdr *>(image + __ehdr_start.e_phoff);
  for (int i = 0; i < __ehdr_start.e_phnum; ++i) {
    if (segments[i].p_type != PT_NOTE)
      continue;
    const char *p = image + segments[i].p_vaddr, *end = p + segments[i].p_memsz;
    while (p + sizeof(Elf64_Nhdr) <= end) {
      Elf64_Nhdr h;
      std::memcpy(&h, p, sizeof h);
      const char *name = p + sizeof h, *desc = name + (h.n_namesz + 3) / 4 * 4;
      if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 && !std::memcmp(name, "GNU", 4)) {
        std::string hex;
        for (uint32_t j = 0; j < h.n_descsz; ++j) {
          hex += "0123456789abcdef"[static_cast<unsigned char>(desc[j]) >> 4];
          hex += "0123456789abcdef"[static_cast<unsigned char>(desc[j]) & 15];
        }
        return hex;
      }
      p = desc + (h.n_descsz + 3) / 4 * 4;
    }
  }
  return {};
}

} // namespace tessera::sdk
