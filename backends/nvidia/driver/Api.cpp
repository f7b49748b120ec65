// Api.cpp - opening libcuda, and why it may not work
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/Api.h"

#include "plugins/sdk/Error.hpp"

#include <dlfcn.h>

namespace tessera::nvidia::cu {

static std::string versionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string Api::describe(Result result) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName)
    cuGetErrorName(result, &name);
  if (cuGetErrorString)
    cuGetErrorString(result, &text);
  return std::string(text ? text : "an unknown error") + " (" + (name ? name : std::to_string(result).c_str()) + ")";
}

static std::string initFailure(Result result) {
  switch (result) {
  case kNoDevice:
    return "no NVIDIA device: the driver is there and sees none (is CUDA_VISIBLE_DEVICES empty, the device held back "
           "from "
           "this container?)";
  case kStubLibrary:
    return "the libcuda found is the toolkit's stub, not a driver: take the folder `stubs` out of LD_LIBRARY_PATH";
  case kNotInitialized:
    return "the NVIDIA driver does not start in a process that was forked from one that used it: spawn the process "
           "instead";
  case kSystemNotReady:
    return "the NVIDIA driver is not ready (CUDA_ERROR_SYSTEM_NOT_READY): on machines with NVSwitch the fabric manager "
           "must "
           "run";
  case kDriverMismatch:
    return "the NVIDIA driver's library and its kernel module have different versions: restart the machine, or reload "
           "the "
           "module";
  case kCompatNotSupported:
    return "the forward-compatibility libcuda that was found does not support this device: take it out of "
           "LD_LIBRARY_PATH";
  default:
    return {};
  }
}

std::shared_ptr<const Api> Api::open(const std::string &library) {
  void *handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) {
    const char *why = dlerror();
    throw sdk::Unavailable("no NVIDIA driver: " + std::string(why ? why : library + " cannot be opened"));
  }
  auto refuse = [&](const std::string &why) { return sdk::Unavailable("NVIDIA driver (" + library + "): " + why); };
  using VersionFn = Result (*)(int *);
  using InitFn = Result (*)(unsigned);
  using ProcFn = Result (*)(const char *, void **, int, uint64_t, int *);
  auto getVersion = reinterpret_cast<VersionFn>(dlsym(handle, "cuDriverGetVersion"));
  auto init = reinterpret_cast<InitFn>(dlsym(handle, "cuInit"));
  if (!getVersion || !init)
    throw refuse("it is no CUDA driver library: cuInit or cuDriverGetVersion is missing");
  auto api = std::make_shared<Api>();
  if (Result r = getVersion(&api->version_); r != kSuccess) {
    std::string why = initFailure(r);
    throw refuse(why.empty() ? "it does not say its version (error " + std::to_string(r) + ")" : why);
  }
  // cuGetProcAddress_v2 came with 12.0.
  auto find = reinterpret_cast<ProcFn>(dlsym(handle, "cuGetProcAddress_v2"));
  if (api->version_ < kLeastVersion || !find)
    throw refuse("it is for CUDA " + versionText(api->version_) + ", which is too old: " + versionText(kLeastVersion) +
                 " or later is needed (driver 525.60.13 or later)");
  // 1: CU_GET_PROC_ADDRESS_LEGACY_STREAM, variants whose stream NULL is the legacy one.
  constexpr uint64_t kLegacyStream = 1;
  std::string missing;
  auto look = [&](const char *name, int version, bool required) -> void * {
    void *address = nullptr;
    int status = 0;
    if (version <= api->version_ && find(name, &address, version, kLegacyStream, &status) == kSuccess && address)
      return address;
    if (required)
      missing += (missing.empty() ? "" : ", ") + std::string(name);
    return nullptr;
  };
  constexpr bool Required = true, Optional = false;
  (void)Optional;
#define CU_FUNCTION(name, version, Need, parameters)                                                                   \
  api->name = reinterpret_cast<Result(*) parameters>(look(#name, version, Need));
#include "backends/nvidia/driver/ApiFunctions.def"
  if (!missing.empty())
    throw refuse("it says CUDA " + versionText(api->version_) + ", but has no " + missing);
  if (Result r = init(0); r != kSuccess) {
    std::string why = initFailure(r);
    throw refuse(why.empty() ? "it does not start: " + api->describe(r) : why);
  }
  return api;
}

} // namespace tessera::nvidia::cu
