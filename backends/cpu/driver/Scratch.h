// Scratch.h - the memory a running program uses beside its stack: one arena a thread
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tessera::cpu {

// At least `bytes` bytes, 64-byte aligned, contents unspecified, of the calling thread: valid until its next call with more
// bytes, or its end. The arena only grows, so a warm launch allocates nothing. nullptr: out of memory. 0 bytes: nullptr, too.
void *threadScratch(uint64_t bytes);

} // namespace tessera::cpu
