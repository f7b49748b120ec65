// Hash.cpp - SHA-256, checksum
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/Hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tessera::runtime {

void Sha256::update(std::span<const uint8_t> bytes) { crypto_hash_sha256_update(&state_, bytes.data(), bytes.size()); }

void Sha256::field(std::span<const uint8_t> bytes) {
  uint8_t length[8];
  for (int i = 0; i < 8; ++i)
    length[i] = static_cast<uint8_t>(uint64_t(bytes.size()) >> (8 * i));
  update(length);
  update(bytes);
}

void Sha256::field(std::string_view text) {
  field(std::span(reinterpret_cast<const uint8_t *>(text.data()), text.size()));
}

Digest Sha256::finish() {
  Digest out;
  crypto_hash_sha256_final(&state_, out.data());
  return out;
}

std::string hexText(const Digest &digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t b : digest) {
    text += digits[b >> 4];
    text += digits[b & 15];
  }
  return text;
}

uint64_t checksum64(std::span<const uint8_t> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

} // namespace tessera::runtime
