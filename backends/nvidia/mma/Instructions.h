// Instructions.h - the matrix instructions of each architecture, and how they hold their fragments
//
// SPDX-License-Identifier: Apache-2.0
//
// No LLVM here: the target (layouts, menu) and the code generator read one table. Source of shapes and fragments: PTX ISA 9.0, "Warp-level
// matrix instructions", figures of mma.m16n8k*, and "Asynchronous warpgroup-level matrix instructions", figures of wgmma.mma_async.
#pragma once

#include "plugins/sdk/Target.hpp"

#include <string>
#include <vector>

namespace tessera::nvidia {

enum class Issue : uint8_t {
  Warp,      // mma.sync: one warp, operands in registers
  WarpGroup, // wgmma.mma_async: four warps, b (and perhaps a) in shared memory, asynchronous
};

struct Instruction {
  Issue issue = Issue::Warp;
  uint16_t m = 16, n = 8, nMax = 8, nStep = 0, k = 16; // n in n, n + nStep, … nMax
  uint8_t a = 0, b = 0, c = 0;                         // element types, TSR_F16 and so on
  std::string shape;                                   // "m16n8k16"; of WarpGroup without the n: "m64", k follows
  std::string aText, bText, cText;                     // PTX types: "f16", "tf32", "e4m3"
  uint16_t cycles = 0;      // between two of them on one multiprocessor's tensor core of one warp; 0: unknown
  bool aInRegisters = true; // WarpGroup: also from shared memory
  std::string id() const;   // "mma.m16n8k16.f32.f16.f16"
  unsigned lanes() const { return issue == Issue::WarpGroup ? 128 : 32; }
};

// The instructions of an architecture (sm: 75, 80, …; specific: the "a" variant), in the order in which they are tried.
std::vector<Instruction> instructionsOf(unsigned sm, bool specific);

sdk::MatrixEntry menuEntry(const Instruction &instruction);

// How operand a (m x k) or b (k x n) of a warp-group instruction lies in shared memory: rows of 32, 64 or 128 bytes along the `contiguous` dim, 16-byte
// chunks swizzled by the row (PTX ISA, "Strides" and "Swizzling modes" of wgmma's shared memory matrices). Throws Unsupported where the instruction cannot read that:
// another dim than k contiguous needs elements of 16 bits.
sdk::LinearMap sharedOperandOf(const Instruction &instruction, uint32_t operand, const std::vector<uint32_t> &shape,
                               uint32_t contiguous);

// How operand (TSR_OPERAND_*) of one instruction lies in registers; C has n columns of the instruction, `n` of them. Throws Unsupported for
// operands that are never in registers.
sdk::LinearMap fragmentOf(const Instruction &instruction, uint32_t operand, unsigned n);

} // namespace tessera::nvidia
