// PrintFormat.cpp - the text of device prints
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/PrintFormat.h"

#include "core/interpreter/Numerics.h"

#include <cstdio>

namespace tessera::scalar {

namespace {
std::string programText(std::array<uint32_t, 3> p) {
  return "pid (" + std::to_string(p[0]) + ", " + std::to_string(p[1]) + ", " + std::to_string(p[2]) + ")";
}

// A prefix stands between spaces and ends in a colon where values follow; the frontend may or may not have seen to it.
std::string normalised(std::string_view prefix, bool hasValue) {
  std::string s(prefix);
  if (hasValue) {
    if (s.empty() || s.back() != ' ')
      s += ' ';
    if (s.size() < 2 || s[s.size() - 2] != ':')
      s = s.substr(0, s.size() - 1) + ": ";
  }
  if (s.size() > 2 && s[0] != ' ')
    s = " " + s;
  return s;
}

std::string valueText(const PrintedElement &e) {
  char buf[400];
  if (e.pointer) {
    std::snprintf(buf, sizeof buf, "0x%llx", static_cast<unsigned long long>(e.bits));
  } else if (e.hex) {
    std::snprintf(buf, sizeof buf, "0x%0*llx", static_cast<int>(tbc::elemBits(e.elem) / 4),
                  static_cast<unsigned long long>(e.bits));
  } else if (tbc::isFloat(e.elem)) {
    std::snprintf(buf, sizeof buf, "%f", decodeFloat(e.elem, e.bits));
  } else if (e.isSigned && e.elem != Elem::I1) {
    std::snprintf(buf, sizeof buf, "%lld", static_cast<long long>(signExtend(e.bits, intBits(e.elem))));
  } else {
    std::snprintf(buf, sizeof buf, "%llu", static_cast<unsigned long long>(e.bits));
  }
  return buf;
}
} // namespace

std::string printedLine(const PrintedElement &e) {
  std::string s = programText(e.program) + " idx (";
  for (size_t d = 0; d < e.index.size(); ++d) {
    std::string number = std::to_string(e.index[d]),
                widest = d < e.shape.size() ? std::to_string(e.shape[d] - 1) : number;
    s += d ? ", " : "";
    s += std::string(widest.size() > number.size() ? widest.size() - number.size() : 0, ' ') + number;
  }
  s += ")" + normalised(e.prefix, true);
  if (e.operandCount > 1)
    s += "(operand " + std::to_string(e.operand) + ") ";
  return s + valueText(e);
}

std::string printedLine(std::array<uint32_t, 3> program, std::string_view prefix) {
  return programText(program) + normalised(prefix, false);
}

} // namespace tessera::scalar
