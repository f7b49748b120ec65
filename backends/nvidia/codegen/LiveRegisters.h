// LiveRegisters.h - how many registers a kernel has use for in the order of its text
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/Function.h"

#include <cstdint>

namespace tessera::nvidia {

// The most that is live at once, in registers of 32 bits, of values that instructions give: predicates, constants, parameters and addresses that differ from others by a constant
// are free. An estimate: the assembler orders and remakes as it likes, and takes 0.9 to 1.1 times as many where nothing limits it.
uint32_t liveRegisters(const llvm::Function &f);

} // namespace tessera::nvidia
