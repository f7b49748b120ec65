// Writer.h - a module to portable bytecode
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Wire.h"

namespace tessera::tbc {

struct WriteOptions {
  uint16_t minor = kMinor; // the newest minor of major 0 that the reader takes
  bool locations = true;   // false: no files and locations (smaller; messages lose their places)
  const Versions *versions = &kVersions;
};

struct WriteResult {
  std::vector<uint8_t> bytes; // empty on failure
  std::string error;          // names the op, what it needs and what was offered
  explicit operator bool() const { return error.empty(); }
};

// Deterministic: equal modules give equal bytes. Values, types, strings and locations are renumbered in order of first
// use; what nothing uses is not written. An attribute newer than options.minor is dropped at its default and an error
// otherwise. The module need not be verified; ids out of range, a value defined twice or used before its definition,
// and regions deeper than kMaxDepth are errors. Thread-safe.
WriteResult writeModule(const Module &module, const WriteOptions &options = {});

} // namespace tessera::tbc
