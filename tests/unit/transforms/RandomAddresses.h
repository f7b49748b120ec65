// RandomAddresses.h - tile IR of random kernels that compute addresses, masks and loops every which way
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace tessera {

// A kernel k(in, out, n): `in` and `out` hold 4096 i32 (64 x 64 for block pointers). No access leaves them, every
// result is exact. Deterministic.
std::string randomAddresses(uint32_t seed);

} // namespace tessera
