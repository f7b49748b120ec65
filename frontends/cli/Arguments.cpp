// Arguments.cpp - parsing of --arg, --grid and --signature
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Arguments.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace tessera::cli {

namespace {

std::string trimmed(const std::string &s) {
  size_t a = s.find_first_not_of(" \t"), b = s.find_last_not_of(" \t");
  return a == std::string::npos ? std::string() : s.substr(a, b - a + 1);
}

bool endsWith(const std::string &s, const char *suffix) {
  size_t n = std::strlen(suffix);
  return s.size() >= n && s.compare(s.size() - n, n, suffix) == 0;
}

// Spellings of other tools mean the same types.
std::string canonicalType(std::string type) {
  if (type == "f16" || type == "half")
    return "fp16";
  if (type == "f32" || type == "float")
    return "fp32";
  if (type == "f64" || type == "double")
    return "fp64";
  if (type == "bool" || type == "i1")
    return "u1";
  return type;
}

bool parseNumber(const std::string &text, Argument &out) {
  if (text == "true" || text == "True" || text == "false" || text == "False") {
    out.intValue = text[0] == 't' || text[0] == 'T';
    out.floatValue = static_cast<double>(out.intValue);
    out.isFloat = false;
    if (!out.typeGiven)
      out.type = "u1";
    return true;
  }
  errno = 0;
  char *end = nullptr;
  long long i = std::strtoll(text.c_str(), &end, 0);
  if (!text.empty() && *end == 0 && errno == 0) {
    out.intValue = i;
    out.floatValue = static_cast<double>(i);
    return true;
  }
  errno = 0;
  unsigned long long u = std::strtoull(text.c_str(), &end, 0);
  if (!text.empty() && *end == 0 && errno == 0 && text[0] != '-') {
    out.intValue = static_cast<int64_t>(u);
    out.floatValue = static_cast<double>(u);
    if (!out.typeGiven)
      out.type = "u64";
    return true;
  }
  // More digits than 64 bits hold are no float.
  if (text.find_first_not_of("+-0123456789") == std::string::npos)
    return false;
  double d = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != 0)
    return false;
  out.floatValue = d;
  out.isFloat = true;
  return true;
}

constexpr int64_t kMostElements = int64_t(1) << 40;

bool parseFresh(const std::string &type, const std::string &shape, Argument &out, std::string &error) {
  out.kind = Argument::Array;
  out.type = "*" + type;
  out.array.descr = descrOfTritonType(type);
  int64_t total = 1;
  size_t at = 0;
  while (at <= shape.size()) {
    size_t comma = std::min(shape.find(',', at), shape.size());
    std::string part = trimmed(shape.substr(at, comma - at));
    char *end = nullptr;
    long long v = std::strtoll(part.c_str(), &end, 10);
    if (part.empty() || *end || v < 0) {
      error = "argument '" + out.text + "': '" + shape + "' is no shape; write *" + type + "[1024,64]";
      return false;
    }
    if (v && total > kMostElements / v) {
      error = "argument '" + out.text + "': more than " + std::to_string(kMostElements) + " elements";
      return false;
    }
    total *= v;
    out.array.shape.push_back(v);
    at = comma + 1;
  }
  size_t bytes = static_cast<size_t>(total) * bytesOfTritonType(type);
  try {
    out.array.bytes.resize(bytes);
  } catch (const std::exception &) {
    error = "argument '" + out.text + "': there is no memory for " + std::to_string(bytes) + " bytes";
    return false;
  }
  return true;
}

uint16_t halfBits(double value) {
  // Through float: the double rounding is harmless for values people type.
  float f = static_cast<float>(value);
  uint32_t b;
  std::memcpy(&b, &f, 4);
  uint32_t sign = b >> 16 & 0x8000, rest = b & 0x7fffffff;
  if (rest >= 0x7f800000)
    return static_cast<uint16_t>(sign | 0x7c00 | (rest > 0x7f800000 ? 0x200 : 0));
  if (rest >= 0x477ff000)
    return static_cast<uint16_t>(sign | 0x7c00);
  if (rest < 0x38800000) { // subnormal: multiples of 2^-24
    float scaled = std::fabs(f) * 16777216.0f;
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(std::nearbyint(scaled)));
  }
  rest += 0xfff + (rest >> 13 & 1) - 0x38000000;
  return static_cast<uint16_t>(sign | rest >> 13);
}

// An integer in the range of its type; floatValue has the sign of those from 2^63 on, whose intValue wrapped.
bool fits(const std::string &type, const Argument &value) {
  unsigned long bits = std::strtoul(type.c_str() + 1, nullptr, 10);
  bool isNegative = value.floatValue < 0, needsAll = value.intValue < 0 && !isNegative;
  if (type[0] == 'u')
    return !isNegative && (bits >= 64 || (!needsAll && static_cast<uint64_t>(value.intValue) >> bits == 0));
  int64_t beyond = value.intValue >> (bits ? std::min<unsigned long>(bits, 64) - 1 : 0);
  return !needsAll && (beyond == 0 || beyond == -1);
}

} // namespace

std::string typeOfInt(int64_t value) { return value >= INT32_MIN && value <= INT32_MAX ? "i32" : "i64"; }

bool scalarBits(const std::string &type, const Argument &value, uint64_t &bits) {
  if (type == "fp64") {
    std::memcpy(&bits, &value.floatValue, 8);
    return true;
  }
  if (type == "fp32" || type == "bf16") {
    float f = static_cast<float>(value.floatValue);
    uint32_t b;
    std::memcpy(&b, &f, 4);
    bits = type == "fp32" ? b : (b + 0x7fff + (b >> 16 & 1)) >> 16;
    return true;
  }
  if (type == "fp16") {
    bits = halfBits(value.floatValue);
    return true;
  }
  if (type.size() < 2 || (type[0] != 'i' && type[0] != 'u') || value.isFloat || !fits(type, value))
    return false;
  bits = static_cast<uint64_t>(value.intValue);
  return true;
}

bool parseArgument(const std::string &raw, Argument &out, std::string &error) {
  std::string text = trimmed(raw);
  out.text = text;
  if (text == "null" || text == "None") {
    out.kind = Argument::Null;
    return true;
  }
  std::string type;
  std::string rest = text;
  if (!text.empty() && text[0] == '*') {
    size_t mark = text.find_first_of(":[");
    type = canonicalType(text.substr(1, mark == std::string::npos ? mark : mark - 1));
    if (!bytesOfTritonType(type)) {
      error = "argument '" + text + "': unknown element type '" + type + "'";
      return false;
    }
    if (mark != std::string::npos && text[mark] == '[' && text.back() == ']')
      return parseFresh(type, text.substr(mark + 1, text.size() - mark - 2), out, error);
    if (mark == std::string::npos || text[mark] != ':') {
      error = "argument '" + text + "': write *" + type + ":file.npy or *" + type + "[shape]";
      return false;
    }
    rest = text.substr(mark + 1);
  }
  if (!type.empty() || endsWith(text, ".npy")) {
    std::string why;
    auto array = readNpy(rest, why);
    if (!array) {
      error = "'" + rest + "' " + why;
      return false;
    }
    out.kind = Argument::Array;
    out.array = std::move(*array);
    unsigned long width = std::strtoul(out.array.descr.c_str() + 2, nullptr, 10);
    if (type.empty())
      type = tritonTypeOfDescr(out.array.descr);
    if (type.empty()) {
      error = "'" + rest + "' has elements of type '" + out.array.descr +
              "', which no kernel type matches; name one: *bf16:" + rest;
      return false;
    }
    if (bytesOfTritonType(type) != width) {
      error = "'" + rest + "' has elements of " + std::to_string(width) + " bytes; " + type + " has " +
              std::to_string(bytesOfTritonType(type));
      return false;
    }
    out.type = "*" + type;
    return true;
  }
  size_t colon = text.find(':');
  if (colon != std::string::npos) {
    out.type = canonicalType(text.substr(0, colon));
    out.typeGiven = true;
    rest = text.substr(colon + 1);
    if (!bytesOfTritonType(out.type)) {
      error = "argument '" + text + "': unknown type '" + out.type + "'; i32, i64, u32, fp32, fp16, u1, … are known";
      return false;
    }
  }
  if (!parseNumber(rest, out)) {
    error = "argument '" + text + "' is neither a .npy file nor a number of at most 64 bits";
    return false;
  }
  if (out.type.empty())
    out.type = out.isFloat ? "fp32" : typeOfInt(out.intValue);
  if (!scalarBits(out.type, out, out.bits)) {
    error = "argument '" + text + "': " + rest + " is no value of type " + out.type;
    return false;
  }
  return true;
}

bool asSignature(const SignatureEntry &entry, Argument &a, std::string &error) {
  auto says = [&](const std::string &what) {
    error = "argument '" + a.text + "' " + what;
    return false;
  };
  if (a.kind == Argument::Null)
    return entry.value == "None" || says("is no value of type " + (entry.type.empty() ? entry.value : entry.type));
  if (entry.type.empty()) {
    Argument constant;
    constant.typeGiven = true;
    bool same = a.kind == Argument::Scalar && parseNumber(entry.value, constant) &&
                constant.floatValue == a.floatValue && constant.intValue == a.intValue;
    return same || says("is not " + entry.value + ", which the signature says");
  }
  std::string type = entry.type[0] == '*' ? entry.type.substr(1) : canonicalType(entry.type);
  if (entry.type[0] == '*') {
    if (type[0] == 'k' && !bytesOfTritonType(canonicalType(type)))
      type.erase(0, 1);
    type = "*" + canonicalType(type);
  }
  if (a.kind == Argument::Array || a.typeGiven || type[0] == '*') {
    if (type != a.type)
      return says("is of type " + a.type + ", the signature says " + type);
  } else if (!scalarBits(type, a, a.bits)) {
    return says("is no value of type " + type + ", which the signature says");
  }
  a.type = type;
  if (entry.divisibility > 1 && a.kind == Argument::Scalar && a.intValue % entry.divisibility)
    return says("is no multiple of " + std::to_string(entry.divisibility) + ", which the signature says");
  return true;
}

bool parseGrid(const std::string &text, std::array<int64_t, 3> &grid, std::string &error) {
  grid = {1, 1, 1};
  size_t at = 0;
  for (size_t axis = 0; at <= text.size(); ++axis) {
    size_t comma = std::min(text.find(',', at), text.size());
    std::string part = trimmed(text.substr(at, comma - at));
    char *end = nullptr;
    errno = 0;
    long long v = std::strtoll(part.c_str(), &end, 10);
    if (axis > 2 || part.empty() || *end || errno) {
      error = "grid '" + text + "': one to three integers, as 4 or 4,2,1";
      return false;
    }
    grid[axis] = v;
    at = comma + 1;
  }
  return true;
}

bool parseSignature(const std::string &text, std::vector<SignatureEntry> &out, std::string &error) {
  size_t at = 0;
  if (trimmed(text).empty())
    return true;
  while (at <= text.size()) {
    size_t comma = at;
    constexpr std::string_view kOpen = "[(<", kClose = "])>";
    for (int depth = 0; comma < text.size() && (depth || text[comma] != ','); ++comma)
      depth += (kOpen.find(text[comma]) != kOpen.npos) - (kClose.find(text[comma]) != kClose.npos);
    std::string part = trimmed(text.substr(at, comma - at));
    SignatureEntry entry;
    size_t equals = part.find('=');
    if (equals != std::string::npos) {
      entry.name = trimmed(part.substr(0, equals));
      part = trimmed(part.substr(equals + 1));
    }
    if (part.empty()) {
      error = "signature '" + text + "': an entry is empty; write types such as *fp32:16, i32, 128";
      return false;
    }
    size_t colon = part.find(':');
    std::string type = canonicalType(part.substr(0, colon));
    bool pointer = !type.empty() && type[0] == '*';
    if (bytesOfTritonType(pointer
                              ? canonicalType(type.substr(type[1] == 'k' && !bytesOfTritonType(type.substr(1)) ? 2 : 1))
                              : type)) {
      entry.type = type;
      if (colon != std::string::npos) {
        std::string hint = part.substr(colon + 1);
        if (hint != "16" && hint != "1") {
          error = "signature '" + text + "': the hint of '" + part + "' is 16 (divisible by 16) or 1 (equal to 1)";
          return false;
        }
        if (hint == "1") {
          entry.type.clear();
          entry.value = "1";
        } else {
          entry.divisibility = 16;
        }
      }
    } else if (part.starts_with("tensordesc<") && part.ends_with('>')) {
      entry.type = part;
    } else if (part[0] == '*') {
      error = "signature '" + text + "': '" + part +
              "' is no pointer to a type that kernels have; write *fp32, *i64, *fp16:16, …";
      return false;
    } else {
      entry.value = part;
    }
    out.push_back(std::move(entry));
    at = comma + 1;
  }
  return true;
}

} // namespace tessera::cli
