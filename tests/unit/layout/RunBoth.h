// RunBoth.h - runs tile IR in the interpreter and, through the LAYOUT pipeline, on the mock device; compares memory
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"
#include "core/target/MatrixMenu.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tessera {

// Runs a LAYOUT module's first kernel on some device: module, grid, arguments as bits, the buffers they point into. Empty, or
// what went wrong.
using LayoutDevice =
    std::function<std::string(const tbc::Module &, std::array<uint32_t, 3>, const std::vector<uint64_t> &,
                              const std::vector<std::vector<uint8_t>> &)>;

struct BothOptions {
  unsigned warps = 4;
  unsigned grid = 1;
  bool matrix = false; // the target has a 16x16x16 instruction of f16 onto f32
  bool shuffles = true;
  double tolerance = -1;    // >= 0: buffers hold f32, compared with this relative and absolute tolerance
  LayoutDevice device = {}; // empty: the mock device
  std::vector<target::MatrixEntry> menu = {}; // more matrix instructions of the target
  bool asyncCopies = false;                   // 4, 8 and 16 bytes beside the lanes
  bool tensorCopies = false;                  // accesses by descriptor become tensor copies on the device
  int *copies = nullptr;                      // gets the number of tensor_loads and tensor_stores in the LAYOUT module
  bool blockTransfers = false;                // blocks of eight rows between shared memory and registers
  int *rings = nullptr;                       // gets the number of rings in the LAYOUT module: whether loops load ahead
  int *loads = nullptr;                       // gets the number of loads into registers in it
  bool roles = false;                         // subgroups of the target take roles
  int *split = nullptr;                       // gets the number of ops `roles` in the LAYOUT module
  int *groups = nullptr;                      // gets the number of async_commits in it
  int *running = nullptr;                     // gets the number of dot_waits in it that leave products running
  int *delayed = nullptr;  // gets the number of tensor_stores in it that run on: no wait for all follows
  int64_t secondAt = -1;   // >= 0: there is one buffer, and a second pointer parameter points so many bytes into it
  int *products = nullptr; // gets the number of asynchronous products in it
  uint32_t shared = 0;     // bytes of shared memory of the device; 0: its own
};

// The mock device's instruction of four warps, 64 x N x 16 of f16 onto f32, that reads b, and perhaps a, from shared memory. group: false: on a menu, it fits nothing.
target::MatrixEntry groupInstruction(bool group = true);

// text: tile IR of one kernel whose parameters are pointers, then i32 scalars. Both runs start from `buffers`. Empty where
// all went well and the buffers agree afterwards; else what went wrong.
std::string runBoth(const std::string &text, const std::vector<std::vector<uint8_t>> &buffers,
                    const std::vector<int32_t> &scalars, const BothOptions &options);

// A TILE module's first kernel through the LAYOUT pipeline and on the mock device. args: addresses in `buffers`, scalars.
// Empty, or what went wrong. options.grid is not used.
std::string runOnDevice(const tbc::Module &module, std::array<uint32_t, 3> grid, const std::vector<uint64_t> &args,
                        const std::vector<std::vector<uint8_t>> &buffers, const BothOptions &options);

} // namespace tessera
