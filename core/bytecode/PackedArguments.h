// PackedArguments.h - a kernel's parameters as one packed buffer: in order, each at its natural alignment
//
// SPDX-License-Identifier: Apache-2.0
//
// What every backend tells the launch about its arguments. The layout is that of C structs without tail padding, which is also how
// parameters of device kernels lie.
#pragma once

#include "core/bytecode/Module.h"

namespace tessera::tbc {

struct PackedArgument {
  const Param *param = nullptr;
  const Type *type = nullptr;
  uint32_t offset = 0, size = 0; // bytes
};

struct PackedArguments {
  std::vector<PackedArgument> arguments;
  uint32_t bytes = 0;
};

// Points into `m` and `f`.
inline PackedArguments packArguments(const Module &m, const Function &f) {
  PackedArguments packed;
  for (const Param &p : f.params) {
    const Type &t = m.typeOf(p.value);
    uint32_t size = t.elementBytes();
    packed.bytes = (packed.bytes + size - 1) / size * size;
    packed.arguments.push_back({&p, &t, packed.bytes, size});
    packed.bytes += size;
  }
  return packed;
}

} // namespace tessera::tbc
