// CompiledModule.h - what a compile gives and a launch needs, as one file: artifact, target, kernels and their parameters
//
// SPDX-License-Identifier: Apache-2.0
//
// The bytes are what `tessera compile -o` writes, what the cache keeps and what tsr_module_load takes.
#pragma once

#include "plugins/abi/plugin.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::runtime {

struct ParameterInfo {
  std::string name;
  uint32_t offset = 0, size = 0; // bytes, in the packed arguments
  uint32_t kind = 0, flags = 0;  // TSR_ARG_*
  bool operator==(const ParameterInfo &) const = default;
};

// tsr_kernel_info, owned.
struct KernelInfo {
  std::string name;
  uint32_t argBytes = 0, argAlign = 0, flags = 0;
  std::vector<ParameterInfo> parameters;
  uint32_t block[3] = {}, cluster[3] = {};
  uint64_t sharedStatic = 0, sharedDynamic = 0, scratch = 0;
  uint32_t registers = 0, spills = 0;
  bool operator==(const KernelInfo &) const = default;

  // Fields that `info` does not cover are 0.
  static KernelInfo from(const tsr_kernel_info &info);
};

// A KernelInfo as the ABI wants to see it. The struct points into the KernelInfo and into this object.
class KernelInfoView {
public:
  explicit KernelInfoView(const KernelInfo &info);
  KernelInfoView(const KernelInfoView &) = delete;
  KernelInfoView &operator=(const KernelInfoView &) = delete;
  const tsr_kernel_info *get() const { return &info_; }

private:
  std::vector<tsr_arg> args_;
  tsr_kernel_info info_ = {};
};

struct CompiledModule {
  std::string plugin; // whose driver runs it
  std::string target; // canonical
  std::vector<KernelInfo> kernels;
  std::vector<uint8_t> artifact;
  bool operator==(const CompiledModule &) const = default;
};

std::vector<uint8_t> encodeCompiledModule(const CompiledModule &module);

// The bytes are not trusted: every offset is checked, and parameters lie inside the arguments without overlap. False: `why` is
// one sentence; `status` is BAD_ARTIFACT, or TOO_NEW where a later version wrote it.
bool decodeCompiledModule(std::span<const uint8_t> bytes, CompiledModule &out, tsr_status &status, std::string &why);

// Do the bytes begin like a compiled kernel file?
bool looksLikeCompiledModule(std::span<const uint8_t> bytes);

} // namespace tessera::runtime
