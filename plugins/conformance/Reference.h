// Reference.h - what a kernel of the kit computes, by the interpreter
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/conformance/Case.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::conformance {

// Runs the case over `buffers`, one for each of its own and of that size, in place. Empty, or the interpreter's complaint.
std::string runReference(const Case &c, std::vector<std::vector<uint8_t>> &buffers);

} // namespace tessera::conformance
