// Reader.h - portable bytecode to a module
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Wire.h"

#include <optional>
#include <span>

namespace tessera::tbc {

struct ReadResult {
  std::optional<Module> module;
  std::string error;   // empty on success
  uint64_t offset = 0; // where in the bytes it went wrong
  explicit operator bool() const { return module.has_value(); }
  // "bytecode, byte 17: …"
  std::string text() const { return "bytecode, byte " + std::to_string(offset) + ": " + error; }
};

// Any bytes are safe: memory use is bounded by a constant factor of the input's size. The module that comes back has all
// ids in range, known opcodes, attributes of the right kind, layouts and types that are well-formed (used or not), and every
// value defined before its use; whether its ops make sense is Verifier.h's question. Newer majors, unknown sections that are not skippable and unknown opcodes are refused;
// unknown skippable sections are passed over. Thread-safe.
ReadResult readModule(std::span<const uint8_t> bytes);

} // namespace tessera::tbc
