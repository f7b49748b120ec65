// MatrixMenu.h - the matrix instructions of a target, as data
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::target {

enum OperandSpace : uint32_t { kInRegisters = 1, kInShared = 2, kInTensorMemory = 4 };
enum MatrixFlags : uint32_t { kMatrixAsync = 1, kMatrixSparse24 = 2, kMatrixScaled = 4 };

// One legal instruction: d[m,n] = a[m,k] * b[k,n] + c[m,n].
struct MatrixEntry {
  std::string id;                                       // names it to the plugin, e.g. "mock.mma.16x16x16.f16"
  unsigned m = 0, nMin = 0, nMax = 0, nStep = 0, k = 0; // n in nMin, nMin + nStep, … nMax; nStep 0: nMin only
  unsigned lanes = 0;                                   // lanes that issue it together
  uint8_t a = 0, b = 0, c = 0, d = 0;                   // element type numbers of the op table
  uint8_t scale = 0, scaleBlock = 0;                    // element type of block scales, elements a scale; 0: unscaled
  uint32_t aSpaces = kInRegisters, bSpaces = kInRegisters, cSpaces = kInRegisters; // OperandSpace masks
  uint32_t flags = 0;
  unsigned issueCycles = 0, latency = 0; // clocks; 0: unknown
};

// A dot of whole tiles. Element types as above.
struct MatrixProblem {
  uint8_t a = 0, b = 0, c = 0;
  uint8_t scale = 0;
  uint64_t m = 0, n = 0, k = 0, batch = 1;
  // The least exact product the kernel allows: DotPrecision of the op table. An entry for f32 operands that multiplies in
  // less than f32 is legal only below IEEE; the target's ranking knows.
  uint32_t precision = 0;
};

class MatrixMenu {
public:
  virtual ~MatrixMenu() = default;
  virtual const std::vector<MatrixEntry> &entries() const = 0;
  // Indices of the entries that can do the problem, best first; empty: multiply-add lane by lane. The default takes
  // entries whose types and shapes fit and orders them by multiply-adds a clock, those larger than the problem last.
  virtual std::vector<uint32_t> rank(const MatrixProblem &problem) const;
};

// Whether an entry's element types are the problem's, or those of the parts into which its precision splits f32, and its shape divides
// the problem's; one whose operands are in registers may have more rows and columns.
bool entryFits(const MatrixEntry &entry, const MatrixProblem &problem);

} // namespace tessera::target
