// ElfNote.h - what a plugin library says before any of its code runs
//
// SPDX-License-Identifier: Apache-2.0
//
// Reads with pread, never mmap: a file that shrinks while it is read must not become a SIGBUS. Every offset and size of the
// file is checked against the file's length, so truncated and hostile files give a reason.
#pragma once

#include "plugins/abi/plugin.h"

#include <string>
#include <vector>

namespace tessera::plugin {

struct LibraryFacts {
  bool hasNote = false;
  tsr_note note{};
  std::string gnuBuildId;           // hex; empty: none
  std::vector<std::string> exports; // defined global symbols of the dynamic table
  std::vector<std::string> needed;  // DT_NEEDED
};

// Returns an empty text and fills `out`, or why the file cannot be a plugin for this machine.
std::string readLibraryFacts(const std::string &path, LibraryFacts &out);

// R11: exports exactly the two symbols; needs no LLVM, MLIR or Python library. One line a violation.
std::vector<std::string> lintLibrary(const LibraryFacts &facts);

} // namespace tessera::plugin
