// Image.h - the CPU artifact: a self-contained position-independent image, and how a kernel in it is called
//
// SPDX-License-Identifier: Apache-2.0
//
// The compiler role writes an image, the driver role maps it; nothing else of the two is shared. Little-endian, LP64.
// Layout: ImageHeader, then KernelEntry[numKernels], then names (UTF-8, not NUL-terminated), then, page-aligned (4096), the
// loadable bytes: text first (read + execute), then read-only data, then writable data (zero-filled tail not stored).
// There are no undefined symbols and no relocations left: text reaches its data relative to the instruction pointer.
#pragma once

#include <stdint.h>

namespace tessera::cpu {

inline constexpr char kImageMagic[8] = {'T', 'S', 'R', 'C', 'P', 'U', '0', '3'};

struct ImageHeader {
  char magic[8];
  uint32_t headerBytes; // sizeof(ImageHeader)
  uint32_t numKernels;
  uint64_t fileBytes;   // of the whole artifact; a shorter file is truncated
  uint64_t loadOffset;  // file offset of the loadable bytes, a multiple of 4096
  uint64_t textBytes;   // rounded up to 4096
  uint64_t rodataBytes; // rounded up to 4096
  uint64_t dataBytes;   // stored; rounded up to 4096
  uint64_t memoryBytes; // text + rodata + data + zero-filled tail
  char target[64];   // "x86-64-v3" or "x86-64-v4:avx512bf16+": NUL-padded; checked against the processor before mapping
  uint64_t checksum; // FNV-1a 64 of every byte of the file with this field as 0
};

struct KernelEntry {
  uint64_t nameOffset; // from the start of the file
  uint32_t nameBytes;
  uint32_t flags; // bit 0: has stores that go past the cache where ProgramContext::streams says so
  uint64_t entry; // offset of the function from the start of the mapped text
  uint64_t
      scratchBytes; // memory a running program needs beside its stack: 64-byte aligned, given by the caller, one a thread
  uint64_t bytesWritten; // estimate a program, for choosing ProgramContext::streams; 0 = unknown
};

// What a kernel may call. Filled by the driver; a kernel reads only what `size` covers.
struct Services {
  uint32_t size;
  uint32_t pad;
  void *user;
  // One finished message of device_print: whole lines, UTF-8.
  void (*print)(void *user, const char *text, uint64_t bytes);
  // A failed assert. Records the first one; the program goes on to its end (its later effects are unspecified).
  void (*assertFailed)(void *user, const char *message, uint64_t bytes, const int32_t program[3]);
  // Appends one formatted value to a growing line and flushes it: kind 0 = signed, 1 = unsigned, 2 = float, 3 = pointer;
  // hex as of the print op. A float arrives as 32 or 64 bits (narrower ones are extended before), or for hex as unsigned bits.
  // `index` has `rank` coordinates and then the `rank` extents of the tile (0: a scalar; nullptr is fine). The driver owns the
  // format: "pid (x, y, z) idx ( i, j) prefix: value". A print without operands passes numOperands = 0, prints the prefix alone.
  void (*printValue)(void *user, const int32_t program[3], const int64_t *index, uint32_t rank, const char *prefix,
                     uint64_t prefixBytes, uint32_t kind, uint32_t bits, uint32_t hex, uint64_t valueBits,
                     uint32_t operand, uint32_t numOperands);
};

struct ProgramContext {
  int32_t program[3];
  int32_t numPrograms[3];
  const Services *services;
  void *scratch; // scratchBytes, 64-byte aligned, contents unspecified
  // Not 0: contiguous stores go past the cache (non-temporal), for launches that write more than half of what the last-level
  // cache holds. The caller fences them (sfence) before it says that the programs are through.
  uint32_t streams;
};

// A kernel runs with the default floating-point environment (round to nearest even, denormals kept, no traps) and may leave
// any status flags set. It never unwinds and holds no resource while it runs: the driver may leave it by a long jump.
// `args`: parameters packed in order at natural alignment (i1 and i8: 1 byte; pointers and i64: 8), as tsr_kernel_info says.
using KernelFunction = void (*)(const void *args, const ProgramContext *context);

} // namespace tessera::cpu
