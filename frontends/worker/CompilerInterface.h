// CompilerInterface.h - tessera_compiler.h for its callers: the library opened, requests filled, kernel facts owned
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/compiler/tessera_compiler.h"

#include <dlfcn.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessera::worker {

inline tsc_str view(std::string_view s) { return {s.data(), s.size()}; }
inline std::string text(tsc_str s) { return std::string(s.p ? s.p : "", s.p ? s.n : 0); }

using OptionList = std::vector<std::pair<std::string, std::string>>; // key, value

// libtessera_compiler.so; it stays open until the process ends.
class OpenCompiler {
public:
  // Takes path and why into `error`, after what stands there, where it cannot be loaded.
  static OpenCompiler at(const std::string &path, std::string &error);
  explicit operator bool() const { return handle_; }
  // One of its functions. False, and `error`: it has none of this name, as it is of another version than the caller.
  template <class F> bool find(F *&slot, const char *name, std::string &error) const {
    slot = reinterpret_cast<F *>(dlsym(handle_, name));
    if (!slot)
      error = path_ + " has no " + name + ": it is of another version than what opened it";
    return slot != nullptr;
  }

private:
  void *handle_ = nullptr;
  std::string path_;
};

// A tsc_request for tsc_lower over strings that outlive it.
class LowerArguments {
public:
  LowerArguments(const std::string &kernel, const std::string &target, const std::string &emits,
                 const OptionList &options);
  LowerArguments(const LowerArguments &) = delete;
  const tsc_request *request() const { return &request_; }

private:
  std::vector<tsc_str> options_;
  tsc_request request_{};
};

// A tsc_kernel_info, owned. Sizes in bytes.
struct KernelRecord {
  struct Arg {
    std::string name;
    uint32_t offset, size, kind, flags;
  };
  std::string name;
  uint32_t argBytes = 0, argAlign = 8, flags = 0, regs = 0, spills = 0, numWarps = 0;
  uint64_t sharedBytes = 0, scratchBytes = 0;
  std::vector<Arg> args;

  KernelRecord() = default;
  explicit KernelRecord(const tsc_kernel_info &info);
  // Calls sink->kernel with it.
  void give(const tsc_sink &sink) const;
};

} // namespace tessera::worker
