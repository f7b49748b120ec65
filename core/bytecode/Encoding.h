// Encoding.h - bytes out and bytes in: varints, zigzag, fixed words
//
// SPDX-License-Identifier: Apache-2.0
//
// ByteReader never reads past its end and never trusts a count; the first failure sticks, with its offset, and every
// later read gives zero. Callers look at failed() where they would loop or allocate.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::tbc {

class ByteWriter {
public:
  void u8(uint8_t v) { bytes_.push_back(v); }
  void fixed(uint64_t v, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      u8(static_cast<uint8_t>(v >> (8 * i)));
  }
  void varint(uint64_t v) {
    while (v >= 0x80) {
      u8(static_cast<uint8_t>(v) | 0x80);
      v >>= 7;
    }
    u8(static_cast<uint8_t>(v));
  }
  void zigzag(int64_t v) { varint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63)); }
  void f64(double v) { fixed(std::bit_cast<uint64_t>(v), 8); }
  void raw(std::span<const uint8_t> v) { bytes_.insert(bytes_.end(), v.begin(), v.end()); }
  void text(std::string_view v) { bytes_.insert(bytes_.end(), v.begin(), v.end()); }
  size_t size() const { return bytes_.size(); }
  const std::vector<uint8_t> &bytes() const { return bytes_; }
  std::vector<uint8_t> take() { return std::move(bytes_); }

private:
  std::vector<uint8_t> bytes_;
};

class ByteReader {
public:
  // origin: offset of the first byte in the whole file, for messages.
  explicit ByteReader(std::span<const uint8_t> bytes, uint64_t origin = 0) : bytes_(bytes), origin_(origin) {}

  bool failed() const { return failed_; }
  const std::string &error() const { return error_; }
  uint64_t errorOffset() const { return errorOffset_; }
  uint64_t offset() const { return origin_ + at_; }
  size_t remaining() const { return bytes_.size() - at_; }

  void fail(std::string message) { failAt(offset(), std::move(message)); }
  void failAt(uint64_t offset, std::string message) {
    if (failed_)
      return;
    failed_ = true;
    error_ = std::move(message);
    errorOffset_ = offset;
  }

  uint8_t u8() {
    if (failed_ || at_ >= bytes_.size()) {
      fail("unexpected end of data");
      return 0;
    }
    return bytes_[at_++];
  }
  uint64_t fixed(unsigned count) {
    uint64_t v = 0;
    for (unsigned i = 0; i < count; ++i)
      v |= static_cast<uint64_t>(u8()) << (8 * i);
    return failed_ ? 0 : v;
  }
  uint64_t varint() {
    uint64_t start = offset(), v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      uint8_t b = u8();
      if (failed_)
        return 0;
      if (shift == 63 && b > 1)
        break;
      v |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (!(b & 0x80))
        return v;
    }
    failAt(start, "integer of more than 64 bits");
    return 0;
  }
  int64_t zigzag() {
    uint64_t v = varint();
    return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1));
  }
  double f64() { return std::bit_cast<double>(fixed(8)); }
  // A number that must be below `limit`.
  uint32_t below(uint64_t limit, const char *what) {
    uint64_t start = offset(), v = varint();
    if (!failed_ && v >= limit)
      failAt(start, std::string(what) + " " + std::to_string(v) + " is out of range (there are " +
                        std::to_string(limit) + ")");
    return failed_ ? 0 : static_cast<uint32_t>(v);
  }
  // How many items follow, each of at least minBytes bytes: never more than the data can hold.
  size_t count(size_t minBytes, const char *what) {
    uint64_t start = offset(), v = varint();
    if (!failed_ && v > remaining() / minBytes)
      failAt(start, std::string("count of ") + what + " (" + std::to_string(v) + ") exceeds the data");
    return failed_ ? 0 : static_cast<size_t>(v);
  }
  std::span<const uint8_t> raw(uint64_t n) {
    if (failed_ || n > remaining()) {
      fail("unexpected end of data");
      return {};
    }
    auto s = bytes_.subspan(at_, n);
    at_ += n;
    return s;
  }

private:
  std::span<const uint8_t> bytes_;
  uint64_t origin_;
  size_t at_ = 0;
  bool failed_ = false;
  std::string error_;
  uint64_t errorOffset_ = 0;
};

} // namespace tessera::tbc
