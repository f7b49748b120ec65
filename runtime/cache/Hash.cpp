// Hash.cpp - SHA-256, checksum
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/Hash.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tessera::runtime {

static constexpr uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void Sha256::block(const uint8_t *p) {
  uint32_t w[64];
  for (int i = 0; i < 16; ++i)
    w[i] = uint32_t(p[4 * i]) << 24 | uint32_t(p[4 * i + 1]) << 16 | uint32_t(p[4 * i + 2]) << 8 | p[4 * i + 3];
  for (int i = 16; i < 64; ++i) {
    uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (int i = 0; i < 64; ++i) {
    uint32_t t1 = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    uint32_t t2 = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const uint32_t add[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i)
    state_[i] += add[i];
}

void Sha256::update(std::span<const uint8_t> bytes) {
  size_t held = bytes_ % 64;
  bytes_ += bytes.size();
  if (held) {
    size_t take = std::min(64 - held, bytes.size());
    std::copy_n(bytes.data(), take, rest_.data() + held);
    bytes = bytes.subspan(take);
    if (held + take < 64)
      return;
    block(rest_.data());
  }
  for (; bytes.size() >= 64; bytes = bytes.subspan(64))
    block(bytes.data());
  std::copy(bytes.begin(), bytes.end(), rest_.begin());
}

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
  uint64_t bits = bytes_ * 8;
  uint8_t tail[72] = {0x80};
  size_t pad = 64 - (bytes_ + 8) % 64; // the 0x80 byte included
  for (int i = 0; i < 8; ++i)
    tail[pad + i] = static_cast<uint8_t>(bits >> (56 - 8 * i));
  update(std::span(tail, pad + 8));
  Digest out;
  for (int i = 0; i < 32; ++i)
    out[i] = static_cast<uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
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

uint64_t checksum64(std::span<const uint8_t> bytes) {
  // Multiply and fold, as in the public-domain mixers of the MurmurHash family; the length starts it.
  uint64_t hash = 0x9e3779b97f4a7c15ull ^ bytes.size();
  auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * 0xff51afd7ed558ccdull;
    hash ^= hash >> 32;
  };
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    mix(word);
  }
  uint64_t last = 0;
  if (i < bytes.size())
    std::memcpy(&last, bytes.data() + i, bytes.size() - i);
  mix(last);
  return hash;
}

} // namespace tessera::runtime
