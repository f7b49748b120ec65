// Hash.h - SHA-256 for names that must not collide, a quick checksum for damage
//
// SPDX-License-Identifier: Apache-2.0
//
// An own SHA-256 rather than libsodium's: a hundred lines against a shared library that every process that runs a kernel would
// load. Signatures of packages, which need more, will use libsodium.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tessera::runtime {

using Digest = std::array<uint8_t, 32>;

// Source: FIPS 180-4, section 6.2.
class Sha256 {
public:
  void update(std::span<const uint8_t> bytes);
  void update(std::string_view text) { update({reinterpret_cast<const uint8_t *>(text.data()), text.size()}); }
  // A length first, so that ("ab", "c") and ("a", "bc") differ.
  void field(std::string_view text);
  void field(std::span<const uint8_t> bytes);
  Digest finish(); // once

private:
  void block(const uint8_t *p);
  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> rest_ = {};
  uint64_t bytes_ = 0;
};

std::string hexText(const Digest &digest);

// 64 bits, eight bytes a step; for damage, not for malice.
uint64_t checksum64(std::span<const uint8_t> bytes);

} // namespace tessera::runtime
