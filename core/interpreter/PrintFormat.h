// PrintFormat.h - the text of device prints, one line an element, as Triton writes it
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include <array>
#include <span>

namespace tessera::scalar {

// One element of one operand of a `print`.
struct PrintedElement {
  std::array<uint32_t, 3> program{};
  std::span<const int64_t> index, shape; // empty for a scalar
  std::string_view prefix;
  size_t operand = 0, operandCount = 1;
  tbc::Elem elem = tbc::Elem::I32;
  bool pointer = false, hex = false, isSigned = false;
  uint64_t bits = 0;
};

// "pid (0, 0, 0) idx ( 3) x: 1.500000": indices are as wide as the greatest of their dim; with several operands,
// "(operand 1) " stands before the value. No newline.
std::string printedLine(const PrintedElement &e);
// The line of a `print` without operands: "pid (0, 0, 0) text".
std::string printedLine(std::array<uint32_t, 3> program, std::string_view prefix);

} // namespace tessera::scalar
