// Architecture.h - the NVIDIA architectures: their names, their constants, what runs on what
//
// SPDX-License-Identifier: Apache-2.0
//
// No LLVM and no CUDA: the driver role and the compiler role share it. Sources of the numbers, by the letters used below:
//   [G] CUDA C++ Programming Guide 13.0, "Compute Capabilities": tables "Feature Support per Compute Capability" and
//       "Technical Specifications per Compute Capability"; [T] there, "Throughput of Native Arithmetic Instructions";
//   [P] PTX ISA 9.0, the section named.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::nvidia {

// One compute capability. Bytes are of one block (program) unless said otherwise.
struct Capability {
  uint32_t number;                      // 10 * major + minor
  uint32_t sharedOptIn;                 // [G] maximum shared memory per thread block, opted in
  uint32_t sharedOfUnit;                // [G] shared memory of a multiprocessor
  uint32_t threadsOfUnit, blocksOfUnit; // [G] resident threads and blocks of a multiprocessor
  uint32_t fmasPerClock;                // [T] 32-bit fused multiply-adds a clock and multiprocessor
  bool accelerated;                     // an architecture-specific form, `sm_90a`, exists ([P] .target)
  const char *help;

  uint32_t major() const { return number / 10; }
  uint32_t minor() const { return number % 10; }
};

// Every capability that this plugin knows, ascending.
const std::vector<Capability> &capabilities();
// NULL: not known.
const Capability *findCapability(uint32_t number);

// What a target's name means. sm_90: machine code; sm_90a: machine code that may use what only 9.0 has and that runs nowhere
// else; compute_90: PTX, which the driver compiles for the device it finds.
struct Architecture {
  const Capability *capability = nullptr;
  bool accelerated = false;
  bool ptx = false;
  bool tensorCopies = true; // false: "sm_90a:tensor_copies-", the same code without copies by tensor maps

  std::string name() const; // "sm_90a", the one spelling
  bool atLeast(uint32_t number) const { return capability->number >= number; }
  // wgmma and register reallocation ([P] wgmma, setmaxnreg: "requires sm_90a"); not sm_90.
  bool isHopperSpecific() const { return accelerated && capability->number == 90; }
};

// Empty: no name of ours ("sm_42", "gfx90a"); `why` then says what is wrong with it, in one sentence, where it starts like one.
std::optional<Architecture> parseArchitecture(std::string_view name, std::string &why);
// What `native` means on a device: the accelerated form where there is one. A device newer than this table gets PTX of the
// newest architecture before it; an older one its own name, which parseArchitecture refuses with the reason.
// tensorCopies: whether the driver launches kernels with tensor maps.
std::string nativeArchitecture(uint32_t major, uint32_t minor, bool tensorCopies);

// The feature of a target's name: "sm_90a:tensor_copies-".
constexpr const char *kTensorCopiesFeature = "tensor_copies";

enum class Runs { No, Yes, Recompile };
// [G] "Binary Compatibility" and "PTX Compatibility", and [P] .target for the accelerated forms: sm_XY runs on the same major
// with an equal or later minor; sm_XYa on XY alone; compute_XY anywhere from XY on; compute_XYa on XY alone. Recompile: it
// runs, but code for the device itself would be better. Built with tensor copies for a device whose driver has none: it runs as far as no kernel has
// such copies, and the driver role refuses those that have.
Runs runsOn(const Architecture &built, const Architecture &device);

} // namespace tessera::nvidia
