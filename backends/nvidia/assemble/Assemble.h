// Assemble.h - PTX to machine code, with whatever assembler this machine has
//
// SPDX-License-Identifier: Apache-2.0
//
// No LLVM here. Three ways, in this order: nvJitLink (in process; toolkit 12 and later, or its package from the Python index), ptxas (a process of
// its own), none (the driver assembles when the module is loaded). Which one and its version are part of every cache key.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::nvidia {

struct KernelUse {
  uint32_t registers = 0, spillStores = 0, spillLoads = 0, stack = 0,
           shared = 0; // bytes but for registers (32 bits each, a lane)
};

struct AssembleResult {
  bool ok = false;
  std::string error;                 // what the assembler said, when not ok
  std::vector<uint8_t> cubin;        // empty where no assembler was found: then ok, and the PTX is the artifact
  std::vector<std::string> warnings; // that matrix instructions were serialised, that register hints were ignored, …
  std::vector<std::pair<std::string, KernelUse>> kernels;
};

class Assembler {
public:
  // The best one there is, found once. `path`: a ptxas or libnvJitLink to use instead; throws nothing, reports in name().
  static const Assembler &installed();
  explicit Assembler(const std::string &path);

  // "nvJitLink 13.0", "nvJitLink 13.0 and ptxas 13.0.48 (/usr/local/cuda/bin/ptxas)", "ptxas 13.0.48 (…)", "none (the driver assembles)".
  // Where both are there the library assembles, because it needs no process, but for kernels that it spoils: it makes code that can still be linked, in
  // which divisions and roots that round call functions of other places, and beside such a call every asynchronous matrix instruction is awaited at once
  // (C7509; ptxas inlines or knows the callee), and setmaxnreg is ignored in it (C7504). An attention: 166 registers and 472 TFLOP/s instead of 192 and 559, H100.
  const std::string &name() const { return name_; }
  bool isNone() const { return kind_ == Kind::None; }
  // arch: "sm_90a"; extra: options of ptxas, as on its command line. Thread-safe.
  AssembleResult assemble(const std::string &ptx, const std::string &arch, unsigned optLevel,
                          const std::vector<std::string> &extra = {}) const;

private:
  enum class Kind : uint8_t { None, Library, Program };
  Assembler();
  bool openLibrary(const std::string &path);
  std::string findProgram(const std::string &path); // its name, empty where it does not run
  AssembleResult byLibrary(const std::string &ptx, const std::string &arch, unsigned optLevel,
                           const std::vector<std::string> &extra) const;
  AssembleResult byProgram(const std::string &ptx, const std::string &arch, unsigned optLevel,
                           const std::vector<std::string> &extra) const;

  Kind kind_ = Kind::None;
  std::string name_ = "none (the driver assembles)", program_;
  void *library_ = nullptr;
};

// libdevice.10.bc of the toolkit or of a Python package; empty where there is none.
std::string deviceLibraryPath();

// SASS of a cubin by nvdisasm; empty, with a reason, where there is none.
std::string disassembleCubin(const void *cubin, uint64_t bytes, std::string &why);

} // namespace tessera::nvidia
