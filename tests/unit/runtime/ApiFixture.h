// ApiFixture.h - the C API over the CPU driver linked in, with kernels that are functions of the test
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/api/tessera.hpp"
#include "runtime/launch/CompiledModule.h"
#include "tests/unit/cpu/driver/DriverFixture.h"

namespace tessera::test {

inline const tsr_plugin_api *cpuPlugin() {
  static const tsr_plugin_api api = [] {
    tsr_plugin_api p = {};
    p.h.size = sizeof(p);
    p.name = {"cpu", 3};
    p.driver = cpu::driverTable();
    p.last_error = cpu::driverLastError;
    return p;
  }();
  return &api;
}

// A parameter in words: "p" pointer, "i32", "u8", "f32", "bf16", "f16" …; offsets follow at natural alignment.
inline runtime::KernelInfo makeInfo(std::string name, std::initializer_list<const char *> parameters) {
  runtime::KernelInfo info;
  info.name = std::move(name);
  info.argAlign = 8;
  uint32_t at = 0;
  for (std::string type : parameters) {
    runtime::ParameterInfo p;
    p.name = "a" + std::to_string(info.parameters.size());
    p.kind = type == "p" ? TSR_ARG_POINTER : type[0] == 'f' || type[0] == 'b' ? TSR_ARG_FLOAT : TSR_ARG_INT;
    p.size = type == "p" ? 8 : static_cast<uint32_t>(std::stoi(type.substr(type.find_first_of("123468")))) / 8;
    p.flags = (type[0] == 'u' ? TSR_ARG_UNSIGNED : 0) | (type[0] == 'b' ? TSR_ARG_BFLOAT : 0);
    at = (at + p.size - 1) / p.size * p.size;
    p.offset = at;
    at += p.size;
    info.parameters.push_back(p);
  }
  info.argBytes = at;
  return info;
}

struct ApiKernel {
  runtime::KernelInfo info;
  cpu::KernelFunction function;
};

inline std::vector<uint8_t> makeFile(const std::vector<ApiKernel> &kernels, std::string plugin = "cpu") {
  runtime::CompiledModule m;
  m.plugin = std::move(plugin);
  m.target = "x86-64-v1";
  std::vector<cpu::test::TestKernel> functions;
  for (const ApiKernel &k : kernels) {
    m.kernels.push_back(k.info);
    functions.push_back({k.info.name, k.function});
  }
  m.artifact = cpu::test::makeImage(functions);
  return runtime::encodeCompiledModule(m);
}

// y[i] = x[i] + a, 100 elements a program.
struct AddArgs {
  const float *x;
  float *y;
  int32_t n;
  float a;
};
inline void addKernel(const void *args, const cpu::ProgramContext *c) {
  AddArgs a;
  std::memcpy(&a, args, sizeof(a));
  for (int i = c->program[0] * 100; i < std::min(a.n, (c->program[0] + 1) * 100); ++i)
    a.y[i] = a.x[i] + a.a;
}
inline ApiKernel addApiKernel() { return {makeInfo("add", {"p", "p", "i32", "f32"}), addKernel}; }

} // namespace tessera::test
