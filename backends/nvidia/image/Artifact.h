// Artifact.h - what an artifact of the NVIDIA backend is, before a driver sees it
//
// SPDX-License-Identifier: Apache-2.0
//
// An artifact is machine code (an ELF file for the NVIDIA machine, a "cubin") or PTX text that ends with a NUL. The driver API
// takes a pointer without a length, so a file that was cut short must be found out here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tessera::nvidia {

struct ArtifactFacts {
  bool ptx = false;
  // 90 for sm_90 and sm_90a, or the PTX's `.target`; 0: not known.
  uint32_t architecture = 0;
  bool accelerated = false; // PTX only: `.target sm_90a`
  std::string problem;      // one sentence, where it is no artifact: everything else is then unspecified
};

// Reads nothing outside of the bytes. Headers, sections and segments must lie inside.
ArtifactFacts inspectArtifact(const void *bytes, uint64_t size);

} // namespace tessera::nvidia
