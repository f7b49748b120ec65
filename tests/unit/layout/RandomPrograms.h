// RandomPrograms.h - tile IR of random kernels over i32 tiles: shape ops, arithmetic, reductions, sorts, control flow
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace tessera {

// A kernel k(in, out, n): `in` holds 4096 i32 of any value, `out` room for 4096; every result is exact. Deterministic.
std::string randomProgram(uint32_t seed);

} // namespace tessera
