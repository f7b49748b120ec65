// PrefetchLoads.h - loads ahead in loops without a dot, lane by lane
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/analysis/AxisFacts.h"
#include "core/target/Target.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tessera::tile {

// In an innermost loop without a dot, starts the loads of tiles up to `stages` - 1 iterations ahead. sharedLeft: bytes of shared memory that the
// loop may take, less those that its body needs. Returns the number of loads; 0: the loop stays as it is. See PrefetchLoads.cpp.
unsigned prefetchLoads(mlir::scf::ForOp loop, const AxisFacts &facts, const target::Target &target, int64_t sharedLeft,
                       int64_t stages);

} // namespace tessera::tile
