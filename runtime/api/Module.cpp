// Module.cpp - compiled kernel files on a device
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/api/Objects.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

using namespace tessera::runtime;
using tessera::plugin::contain;
using tessera::plugin::MessageSink;

TsrModule::~TsrModule() {
  contain([&] { return device->driver->module_unload(handle); });
}

namespace tessera::runtime {

static void describe(TsrKernel &k) {
  const KernelInfo &info = k.info;
  for (const ParameterInfo &p : info.parameters)
    k.parameters.push_back({p.name.c_str(), p.offset, p.size, p.kind, p.flags});
  k.described.name = info.name.c_str();
  k.described.arg_bytes = info.argBytes;
  k.described.n_parameters = static_cast<uint32_t>(k.parameters.size());
  k.described.parameters = k.parameters.data();
  k.described.shared_bytes = info.sharedStatic + info.sharedDynamic;
  k.described.scratch_bytes = info.scratch;
  k.described.registers = info.registers;
  k.described.spills = info.spills;
}

tsr_status loadModule(TsrDevice *device, const CompiledModule &compiled, TsrModule **out) {
  if (!compiled.plugin.empty() && compiled.plugin != device->pluginName)
    return failed(TSR_E_BAD_ARTIFACT, "the kernel was compiled for " + compiled.plugin + "/" + compiled.target +
                                          ", and this is a device of plugin " + device->pluginName + " (" +
                                          device->target + ")");
  auto module = std::make_unique<TsrModule>(device);
  MessageSink sink;
  tsr_status status = contain([&] {
    return device->driver->module_load(sink.raw(), device->handle, {compiled.artifact.data(), compiled.artifact.size()},
                                       &module->handle);
  });
  if (status < 0)
    return device->failedIn("module_load", status, &sink);
  for (const KernelInfo &info : compiled.kernels) {
    TsrKernel &k = module->kernels.emplace_back();
    k.device = device;
    k.info = info;
    describe(k);
    KernelInfoView view(k.info);
    status = contain([&] { return device->driver->kernel_get(module->handle, view.get(), &k.handle); });
    if (status < 0)
      return device->failedIn("kernel_get", status);
  }
  *out = module.release();
  return TSR_OK;
}

} // namespace tessera::runtime

tsr_status tsr_module_load(TsrDevice *device, const void *bytes, uint64_t n, TsrModule **out) {
  if (!device || !bytes || !out)
    return nullArgument("device, bytes or out");
  return guarded([&] {
    CompiledModule compiled;
    tsr_status status = TSR_OK;
    std::string why;
    if (!decodeCompiledModule({static_cast<const uint8_t *>(bytes), n}, compiled, status, why))
      return failed(status, why);
    return loadModule(device, compiled, out);
  });
}

tsr_status tsr_module_load_file(TsrDevice *device, const char *path, TsrModule **out) {
  if (!device || !path || !out)
    return nullArgument("device, path or out");
  return guarded([&] {
    std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen(path, "rbe"), std::fclose);
    if (!file)
      return failed(TSR_E_NOT_FOUND, std::string(path) + ": " + std::strerror(errno));
    std::vector<uint8_t> bytes;
    uint8_t piece[65536];
    while (size_t got = std::fread(piece, 1, sizeof(piece), file.get()))
      bytes.insert(bytes.end(), piece, piece + got);
    if (std::ferror(file.get()))
      return failed(TSR_E_NOT_FOUND, std::string(path) + ": it cannot be read");
    if (bytes.empty())
      return failed(TSR_E_BAD_ARTIFACT, std::string(path) + " is empty");
    tsr_status status = tsr_module_load(device, bytes.data(), bytes.size(), out);
    if (status < 0)
      lastError().message = std::string(path) + ": " + lastError().message;
    return status;
  });
}

void tsr_module_unload(TsrModule *module) { delete module; }

tsr_status tsr_module_kernel(TsrModule *module, const char *name, TsrKernel **out) {
  if (!module || !out)
    return nullArgument("module or out");
  if (!name && module->kernels.size() == 1) {
    *out = &module->kernels.front();
    return TSR_OK;
  }
  for (TsrKernel &k : module->kernels)
    if (name && k.info.name == name) {
      *out = &k;
      return TSR_OK;
    }
  return guarded([&] {
    std::string known;
    for (const TsrKernel &k : module->kernels)
      known += (known.empty() ? "" : ", ") + k.info.name;
    if (!name)
      return failed(TSR_E_NOT_FOUND, "the module has several kernels, name one of: " + known);
    return failed(TSR_E_NOT_FOUND, "no kernel `" + std::string(name) + "` in the module; it has: " + known);
  });
}

uint32_t tsr_module_kernel_count(TsrModule *module) {
  return module ? static_cast<uint32_t>(module->kernels.size()) : 0;
}

TsrKernel *tsr_module_kernel_at(TsrModule *module, uint32_t index) {
  return module && index < module->kernels.size() ? &module->kernels[index] : nullptr;
}

const TsrKernelInfo *tsr_kernel_describe(TsrKernel *kernel) {
  static const TsrKernelInfo none = {};
  return kernel ? &kernel->described : &none;
}
