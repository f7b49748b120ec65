// Lane.h - what the code of one lane and the device that runs it know of each other
//
// SPDX-License-Identifier: Apache-2.0
//
// HostLaneTarget.cpp makes code that reads Lane and calls Services by offset; Block.cpp fills both. A kernel's entry is
// `void entry(const void *args, Lane *lane)`, the arguments packed in order at natural alignment. A service may leave the
// lane for good (an error, a failed assert): the code holds no resource.
//
// site: number of the place in the emitted code, one for every exchange; line: of the kernel's source, for messages.
#pragma once

#include <cstdint>

namespace tessera::simt {

struct Lane;

enum AccessKind : uint32_t { kRead, kWrite, kAtomic };
enum PrintFlags : uint32_t { kPrintHex = 1, kPrintSigned = 2, kPrintPointer = 4 };

// What an instruction of a group is given beside registers. Element i of the row-major k x n of b is at the start of b, its lowest seven bits changed where the
// offset's are set, plus the rest of the offset; in bytes; a likewise.
struct GroupOperands {
  uint32_t entry = 0, columns = 0, fromZero = 0;
  const uint32_t *aOffsets = nullptr, *bOffsets = nullptr;
  const void *a = nullptr, *b = nullptr; // in shared memory
};

struct Services {
  void (*blockBarrier)(Lane *, uint32_t site, uint32_t line);
  void (*warpBarrier)(Lane *, uint32_t site, uint32_t line);
  // Of the block's first `threads` lanes.
  void (*partBarrier)(Lane *, uint32_t site, uint32_t line, uint32_t threads);
  // The value that lane `source` of the warp gives.
  uint32_t (*exchange)(Lane *, uint32_t site, uint32_t line, uint32_t value, uint32_t source);
  // kind: tbc::Rmw.
  uint32_t (*reduce)(Lane *, uint32_t site, uint32_t line, uint32_t kind, uint32_t value);
  // One matrix instruction; registers as zero-extended bits. The accumulator is replaced. counts: registers of a, b and c.
  void (*matrix)(Lane *, uint32_t site, uint32_t line, uint32_t entry, const uint64_t *a, const uint64_t *b,
                 uint64_t *accumulator, uint32_t aCount, uint32_t bCount, uint32_t cCount);
  // One instruction of a group of warps (Products.h): `a` null: from shared memory. The accumulator is replaced.
  void (*groupMatrix)(Lane *, uint32_t site, uint32_t line, const GroupOperands *operands, const uint64_t *a,
                      uint64_t *accumulator);
  // What the warp's group started since the last commit is one of its groups of products; all but the youngest `pending` of them are over.
  void (*matrixCommit)(Lane *);
  void (*matrixWait)(Lane *, uint32_t line, uint32_t pending);
  // Before every load, store and atomic of memory that is not the lane's own stack. kind: AccessKind.
  void (*access)(Lane *, const void *address, uint32_t bytes, uint32_t align, uint32_t kind, uint32_t line);
  // kind: tbc::Rmw, elem: tbc::Elem. The old bits.
  uint64_t (*atomicRmw)(Lane *, uint32_t line, uint32_t kind, uint32_t elem, void *address, uint64_t value);
  uint64_t (*atomicCas)(Lane *, uint32_t line, uint32_t elem, void *address, uint64_t compare, uint64_t value);
  // One box of a tensor copy (array: CopyEngine.h); barrier: in shared memory, null for a store.
  void (*tensorCopy)(Lane *, uint32_t line, const uint64_t *array, void *shared, const int32_t *corner, void *barrier);
  // 4, 8 or 16 bytes beside the lane, zeros where global is null; they are there when the lane has waited for them, and not before.
  void (*asyncCopy)(Lane *, uint32_t line, void *shared, const void *global, uint32_t bytes);
  void (*asyncCommit)(Lane *);
  void (*asyncWait)(Lane *, uint32_t line, uint32_t pending);
  // call: BarrierCall.
  void (*copyBarrier)(Lane *, uint32_t line, uint32_t call, void *barrier, uint64_t value);
  // One element as scalar::PrintedElement says it. flags: PrintFlags. index: the coordinates, then the extents of the tile.
  void (*print)(Lane *, const char *prefix, uint32_t operand, uint32_t operands, uint32_t elem, uint32_t flags,
                uint64_t bits, const int64_t *index, uint32_t rank);
  void (*assertFailed)(Lane *, const char *message, const char *file, uint32_t line, const char *function);
};

struct Lane {
  const Services *services = nullptr;
  void *shared = nullptr; // the block's shared memory
  int32_t program[3] = {}, numPrograms[3] = {};
  int32_t thread = 0;
};

using KernelEntry = void (*)(const void *args, Lane *lane);

} // namespace tessera::simt
