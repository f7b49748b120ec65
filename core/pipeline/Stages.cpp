// Stages.cpp - the stage table: what runs over tile IR, in which order, and why there
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/GroupPair.h"
#include "core/ir/Tile.h"
#include "core/pipeline/Pipeline.h"
#include "core/transforms/Passes.h"

#include "llvm/ADT/STLExtras.h"
#include <vector>

namespace tessera {

using namespace tile;

static const Stage kTileStages[] = {
    // First: what is no tensor copy becomes block pointers.
    {"lower-descriptors", createTileLowerDescriptorsPass},
    // Before all others: everything after it knows only tensors of pointers.
    {"lower-block-pointers", createTileLowerBlockPointersPass},
    // Before the pointer stages: splats and constants must look like it.
    {"simplify", createTileSimplifyPass},
    // Before simplify-pointers: a tile that moves as a whole becomes base + scalar, which that stage then normalises.
    {"uniform-carried", createTileUniformCarriedPass},
    {"simplify-pointers", createTileSimplifyPointersPass},
    // After uniform-carried: ranges see scalar offsets, not tiles.
    {"simplify-masks", createTileSimplifyMasksPass},
    // Drops the masks and carried values that the stages above decided.
    {"clean-up", createTileSimplifyPass},
    // Before hoist: fewer ops to move.
    {"merge", createTileMergeEqualOpsPass},
    // After the addresses have their final form: invariant offsets leave loops as a whole.
    {"hoist", createTileHoistInvariantsPass},
    // Addresses have their final form, and what they are made of is equal where it is the same; what nobody reads then goes with the stages behind.
    {"find-tensor-copies", [] { return createTileFindTensorCopiesPass(); }},
    // Addresses and equal values as for tensor copies; what a launch asks is then simplified with the rest.
    {"find-grid-stride", [] { return createTileFindGridStridePass(); }},
    // Behind what reads addresses: a carried number says less about itself than a quotient.
    {"step-divisions", createTileStepDivisionsPass},
    // Carried values that hoisting and folding left without a use.
    {"drop-carried", createTileDropCarriedValuesPass},
    // Hoisting brings equal values of different loops together; also removes what is dead: a plugin sees no dead op.
    {"merge-again", createTileMergeEqualOpsPass},
    // Last: no later stage adds a store.
    {"mark-read-only", createTileMarkReadOnlyPass},
};

std::span<const Stage> tileStages() { return kTileStages; }

bool runTilePipeline(mlir::ModuleOp module, const PipelineOptions &options, DiagnosticList &diagnostics) {
  // Read by lower-descriptors; the module is as it was afterwards.
  if (options.tensorCopyBytes)
    module->setAttr(kTensorCopyBytesAttr,
                    mlir::Builder(module.getContext()).getI64IntegerAttr(options.tensorCopyBytes));
  if (options.groupPair.warps)
    module->setAttr(kGroupPairAttr, mlir::DenseI64ArrayAttr::get(
                                        module.getContext(), {options.groupPair.warps, options.groupPair.sharedBytes}));
  // These have a choice.
  std::vector<Stage> stages;
  llvm::copy_if(kTileStages, std::back_inserter(stages), [&](const Stage &stage) {
    return (options.pointerCopies || stage.name != "find-tensor-copies") &&
           (options.gridStride || stage.name != "find-grid-stride");
  });
  bool ok = runStages(module, stages, options, diagnostics);
  module->removeAttr(kTensorCopyBytesAttr);
  module->removeAttr(kGroupPairAttr);
  return ok;
}

} // namespace tessera
