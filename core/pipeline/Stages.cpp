// Stages.cpp - the stage table: what runs over tile IR, in which order, and why there
//
// SPDX-License-Identifier: Apache-2.0
#include "core/pipeline/Pipeline.h"
#include "core/transforms/Passes.h"

namespace tessera {

using namespace tile;

static const Stage kTileStages[] = {
    // First: everything after it knows only tensors of pointers.
    {"lower-block-pointers", createTileLowerBlockPointersPass},
    // Before merging: canonical forms make equal values look equal.
    {"simplify", createTileSimplifyPass},
    {"merge", createTileMergeEqualOpsPass},
    // After the addresses have their final form: invariant offsets leave loops as a whole.
    {"hoist", createTileHoistInvariantsPass},
    // Carried offsets and pointers that hoisting and folding left without a use.
    {"drop-carried", createTileDropCarriedValuesPass},
    // Removes what became dead or constant above; the plugin sees no dead op.
    {"clean-up", createTileSimplifyPass},
    // Hoisting brings equal values of different loops together.
    {"merge-again", createTileMergeEqualOpsPass},
    // Last: no later stage adds a store.
    {"mark-read-only", createTileMarkReadOnlyPass},
};

std::span<const Stage> tileStages() { return kTileStages; }

bool runTilePipeline(mlir::ModuleOp module, const PipelineOptions &options, DiagnosticList &diagnostics) {
  return runStages(module, kTileStages, options, diagnostics);
}

} // namespace tessera
