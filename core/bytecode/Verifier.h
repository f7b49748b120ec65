// Verifier.h - is this module well-formed? Structure, types, attributes of every op
//
// SPDX-License-Identifier: Apache-2.0
//
// Readers of bytecode call this once and rely on it afterwards: every id is in range, every use is dominated by its
// definition, every region ends in its terminator, and operands, results, attributes and region arguments have the
// counts, kinds and types that Ops.def promises. It asks nothing of extents except that they are at least 1.
#pragma once

#include "core/bytecode/Wire.h"

namespace tessera::tbc {

struct VerifyError {
  std::string message; // names the op and the operand
  std::string kernel;  // empty: about the module
  LocId loc = kNone;
};

// At most `limit` errors; none means the module is well-formed. Any in-memory module is safe to ask about, however
// broken, except one whose regions nest so deeply that it could not have been destroyed either. Thread-safe.
std::vector<VerifyError> verifyModule(const Module &module, size_t limit = 16);

// What is wrong with a layout by itself, or with a type of a module of this level; empty: nothing. The reader and the parser
// of the text form ask too, so that no table of a module holds what the verifier would refuse.
std::string layoutError(const LayoutData &layout);
std::string typeError(const Module &module, const Type &type);

// "k.py:3:5: kernel `f`: op `addi`: …"; several errors give several lines.
std::string verifyErrorText(const Module &module, const VerifyError &error);
std::string verifyErrorText(const Module &module, const std::vector<VerifyError> &errors);

// "k.py:3:5", or empty.
std::string locText(const Module &module, LocId loc);

} // namespace tessera::tbc
