// Hash.h - SHA-256 for names that must not collide, a quick checksum for damage
//
// SPDX-License-Identifier: Apache-2.0
//
// Both come from libraries: SHA-256 from libsodium, whose archive is linked in (its signatures will be needed for packages, and
// a process that runs a kernel loads no further library for it), the checksum from xxHash.
#pragma once

#include <sodium/crypto_hash_sha256.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tessera::runtime {

using Digest = std::array<uint8_t, 32>;

class Sha256 {
public:
  Sha256() { crypto_hash_sha256_init(&state_); }
  void update(std::span<const uint8_t> bytes);
  void update(std::string_view text) { update({reinterpret_cast<const uint8_t *>(text.data()), text.size()}); }
  // A length first, so that ("ab", "c") and ("a", "bc") differ.
  void field(std::string_view text);
  void field(std::span<const uint8_t> bytes);
  Digest finish(); // once

private:
  crypto_hash_sha256_state state_;
};

std::string hexText(const Digest &digest);

// XXH3, 64 bits; for damage, not for malice.
uint64_t checksum64(std::span<const uint8_t> bytes);

} // namespace tessera::runtime
