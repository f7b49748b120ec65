// RunCase.h - a kernel of the conformance kit through the LAYOUT pipeline on a device, against the interpreter
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/conformance/Case.h"
#include "tests/unit/layout/RunBoth.h"

namespace tessera {

// Empty where the device agrees; "from bytecode…" where tile IR cannot hold the kernel; else what went wrong. options.grid is
// not used.
std::string runCase(const conformance::Case &c, const BothOptions &options);

} // namespace tessera
