// Run.h - runs a kernel given as text; shared by the interpreter's tests
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Text.h"
#include "core/interpreter/Interpreter.h"

#include <gtest/gtest.h>

namespace tessera::interp {

template <class T> uint64_t addressOf(std::vector<T> &v) { return reinterpret_cast<uint64_t>(v.data()); }
inline uint64_t bitsOf(float v) { return std::bit_cast<uint32_t>(v); }

inline tbc::Module moduleOf(const std::string &text) {
  tbc::ParseResult p = tbc::parse(text);
  EXPECT_TRUE(p) << p.error << "\n" << text;
  return p ? std::move(*p.module) : tbc::Module();
}

inline std::string textOf(const Result &r) {
  std::string s;
  for (const Diagnostic &d : r.diagnostics)
    s += renderDiagnostic(d, false);
  return s;
}

// Runs kernel `k` and returns what went wrong.
inline std::string runText(const std::string &text, const std::vector<uint64_t> &args,
                           std::array<uint32_t, 3> grid = {1, 1, 1}, const Options &o = {}) {
  return textOf(run(moduleOf(text), "k", grid, args, o));
}

} // namespace tessera::interp
