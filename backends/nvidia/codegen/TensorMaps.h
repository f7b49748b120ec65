// TensorMaps.h - the tensor maps of a kernel, as the driver role will make them
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/image/TensorMaps.h"
#include "core/bytecode/Module.h"

namespace tessera::nvidia {

// The ops tensor_map of the kernel, in the order of their parameters.
std::vector<const tbc::Op *> tensorMapsOf(const tbc::Function &f);

// How the driver role computes what they need from the arguments. Empty with `failed` set to an op whose operands do not follow from the
// kernel's parameters alone.
std::vector<MapRecipe> recipesOf(const tbc::Module &m, const tbc::Function &f, const tbc::Op *&failed);

} // namespace tessera::nvidia
