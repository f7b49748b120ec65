// PrintLine.cpp - one line of device_print
// SPDX-License-Identifier: Apache-2.0
#include "core/support/PrintLine.h"

#include <cstdio>
#include <cstring>

namespace tessera {

// Triton's rule, which changes nothing where it was applied before: ": " stands before values, a blank before a prefix.
static std::string spacedPrefix(std::string_view prefix, bool hasValue) {
  std::string s(prefix);
  if (hasValue) {
    if (s.empty() || s.back() != ' ')
      s += ' ';
    if (s.size() < 2 || s[s.size() - 2] != ':')
      s = s.substr(0, s.size() - 1) + ": ";
  }
  return s.size() > 2 && s[0] != ' ' ? " " + s : s;
}

static float halfToFloat(uint16_t half) {
  _Float16 value;
  std::memcpy(&value, &half, sizeof(value));
  return static_cast<float>(value);
}

static std::string formatValue(uint32_t kind, uint32_t bits, uint32_t hex, uint64_t raw) {
  char text[400]; // "%f" of the largest double needs 317
  if (bits > 64 || bits == 0)
    bits = 64;
  uint64_t low = bits == 64 ? raw : raw & ((uint64_t(1) << bits) - 1);
  if (kind == 3) {
    std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(low));
  } else if (hex && kind != 2) {
    std::snprintf(text, sizeof(text), "0x%0*llx", static_cast<int>((bits + 3) / 4),
                  static_cast<unsigned long long>(low));
  } else if (kind == 2) {
    double value;
    if (bits == 64) {
      std::memcpy(&value, &raw, sizeof(value));
    } else if (bits == 32) {
      float narrow;
      auto word = static_cast<uint32_t>(raw);
      std::memcpy(&narrow, &word, sizeof(narrow));
      value = narrow;
    } else {
      value = halfToFloat(static_cast<uint16_t>(raw));
    }
    std::snprintf(text, sizeof(text), "%f", value);
  } else if (kind == 1 || bits == 1) {
    std::snprintf(text, sizeof(text), "%llu", static_cast<unsigned long long>(low));
  } else {
    // Shift the sign bit of the value to the top and back.
    auto value = static_cast<int64_t>(raw << (64 - bits)) >> (64 - bits);
    std::snprintf(text, sizeof(text), "%lld", static_cast<long long>(value));
  }
  return text;
}

std::string formatPrint(const int32_t program[3], const int64_t *index, uint32_t rank, std::string_view prefix,
                        uint32_t kind, uint32_t bits, uint32_t hex, uint64_t valueBits, uint32_t operand,
                        uint32_t numOperands) {
  std::string line = "pid (" + std::to_string(program[0]) + ", " + std::to_string(program[1]) + ", " +
                     std::to_string(program[2]) + ")";
  if (numOperands == 0)
    return line + spacedPrefix(prefix, false);
  line += " idx (";
  for (uint32_t i = 0; index && i < rank; ++i) {
    std::string number = std::to_string(index[i]), widest = std::to_string(index[rank + i] - 1);
    line += i ? ", " : "";
    line += std::string(widest.size() > number.size() ? widest.size() - number.size() : 0, ' ') + number;
  }
  line += ")" + spacedPrefix(prefix, true);
  if (numOperands > 1)
    line += "(operand " + std::to_string(operand) + ") ";
  return line + formatValue(kind, bits, hex, valueBits);
}

} // namespace tessera
