// KernelRunner.h - compiles a bytecode module for this processor, maps the image, runs programs one after another
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/cpu/codegen/Compile.h"
#include "backends/cpu/image/ImageFile.h"
#include "backends/cpu/image/Processor.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <vector>

namespace tessera::cpu {

// Every level that this processor runs, and last `native`, which is the highest with the features beyond it. Each has vectors,
// masks and instructions of its own, so a machine with AVX-512 tests the code for those without.
inline std::vector<std::string> targetsHere() {
  std::vector<std::string> targets;
  for (const std::string &name : targetNames())
    if (std::string why; name == "native" || processorRuns(name, why))
      targets.push_back(name);
  return targets;
}

// "x86-64-v3" as the name of a test case.
inline std::string targetCase(const std::string &target) { return target.substr(target.rfind('-') + 1); }

// A kernel mapped into this process. Arguments are appended in order, then run() executes the grid in ascending order.
class KernelRunner {
public:
  explicit KernelRunner(const tbc::Module &m, const CompileOptions &options = {},
                        const std::string &target = "native") {
    result = compile(m, {target}, options);
    if (!result.ok)
      return;
    ImageView view;
    std::string why;
    if (!readImage(result.image.data(), result.image.size(), view, why)) {
      result.ok = false;
      result.error = why;
      return;
    }
    bytes = view.header.memoryBytes;
    map = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memcpy(map, view.load, view.header.textBytes + view.header.rodataBytes + view.header.dataBytes);
    mprotect(map, view.header.textBytes, PROT_READ | PROT_EXEC);
    entry = view.kernels[0].entry;
    scratch = std::aligned_alloc(64, (entry.scratchBytes + 64) / 64 * 64 + 64);
    std::memset(scratch, 0xAB, (entry.scratchBytes + 64) / 64 * 64 + 64); // nothing may rely on what was there
    services.size = sizeof(Services);
    services.user = this;
    services.assertFailed = [](void *user, const char *text, uint64_t n, const int32_t *) {
      static_cast<KernelRunner *>(user)->asserts.emplace_back(text, n);
    };
    services.printValue = [](void *user, const int32_t *, const int64_t *index, uint32_t rank, const char *prefix,
                             uint64_t n, uint32_t kind, uint32_t, uint32_t, uint64_t value, uint32_t, uint32_t) {
      std::string line(prefix, n);
      for (uint32_t i = 0; i < rank; ++i)
        line += "[" + std::to_string(index[i]) + "]";
      static_cast<KernelRunner *>(user)->lines.push_back(
          line + "=" + (kind == 0 ? std::to_string(int64_t(value)) : std::to_string(value)));
    };
  }
  ~KernelRunner() {
    if (map)
      munmap(map, bytes);
    std::free(scratch);
  }
  KernelRunner(const KernelRunner &) = delete;

  bool ok() const { return result.ok; }
  template <typename T> KernelRunner &arg(T v) {
    while (args.size() % sizeof(T))
      args.push_back(0);
    const auto *p = reinterpret_cast<const uint8_t *>(&v);
    args.insert(args.end(), p, p + sizeof(T));
    return *this;
  }
  void run(int32_t x = 1, int32_t y = 1, int32_t z = 1, bool stream = false) {
    args.resize(args.size() + 16);
    auto f = reinterpret_cast<KernelFunction>(static_cast<uint8_t *>(map) + entry.entry);
    ProgramContext c{{0, 0, 0}, {x, y, z}, &services, scratch, stream};
    for (c.program[2] = 0; c.program[2] < z; ++c.program[2])
      for (c.program[1] = 0; c.program[1] < y; ++c.program[1])
        for (c.program[0] = 0; c.program[0] < x; ++c.program[0])
          f(args.data(), &c);
  }

  CompileResult result;
  KernelEntry entry{};
  Services services{};
  std::vector<std::string> asserts, lines;
  std::vector<uint8_t> args;
  void *scratch = nullptr;

private:
  void *map = nullptr;
  uint64_t bytes = 0;
};

} // namespace tessera::cpu
