// GridStride.h - how many programs a launch of a kernel may have, as the driver role will compute it
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/image/GridStride.h"
#include "core/bytecode/Module.h"

namespace tessera::nvidia {

// Of the kernel's op grid_stride; none where it has none, or one whose number does not follow from parameters by what expressions have: that one only says what may be.
std::optional<GridStride> gridStrideOf(const tbc::Module &m, const tbc::Function &f);

} // namespace tessera::nvidia
