// RunKernel.h - compiles one kernel and runs it in the interpreter
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::py::test {

// One argument: a buffer (its address goes to the kernel), or the bits of a scalar.
struct Arg {
  std::string type; // as in a signature; empty: the next part of a parameter that is passed in parts
  uint64_t bits = 0;
  uint64_t bytes = 0; // of a buffer
};
template <class T> Arg buffer(const char *type, std::vector<T> &data) {
  return {type, reinterpret_cast<uint64_t>(data.data()), data.size() * sizeof(T)};
}
Arg i32(int32_t v);
Arg i64(int64_t v);
Arg f32(float v);

// Runs kernel `k` of the source, one program, after the TILE pipeline and without it (`plain`). Text of the diagnostics;
// empty where all went well.
std::string run(std::string_view source, const std::vector<Arg> &args,
                const std::vector<std::pair<std::string, std::string>> &defines = {}, bool plain = false);

} // namespace tessera::py::test
