// Passes.h - the LAYOUT-level passes, as functions for the pipeline and as passes for tessera-opt
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/Tile.h"
#include "core/target/Target.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tessera::tile {

// What a step did, for statistics and tests; a failed step has emitted one MLIR error.
struct StepResult {
  mlir::LogicalResult status = mlir::success();
  unsigned count = 0; // conversions, buffers, barriers: see the pass's statistic
};

// Each takes a module whose functions are kernels and is described in Passes.td.
StepResult markLastReads(mlir::ModuleOp module, const target::Target &target);
StepResult unrollLoops(mlir::ModuleOp module, const target::Target &target);
StepResult loopLargeTiles(mlir::ModuleOp module, const target::Target &target);
StepResult loadRunsOnce(mlir::ModuleOp module, const target::Target &target);
StepResult expandDots(mlir::ModuleOp module, const target::Target &target);
StepResult exchangeOperands(mlir::ModuleOp module, const target::Target &target);
StepResult assignLayouts(mlir::ModuleOp module, const target::Target &target);
StepResult removeLayoutConversions(mlir::ModuleOp module, const target::Target &target);
StepResult specializeRoles(mlir::ModuleOp module, const target::Target &target);
StepResult pipelineLoops(mlir::ModuleOp module, const target::Target &target);
StepResult lowerTensorCopies(mlir::ModuleOp module, const target::Target &target);
StepResult hoistLoads(mlir::ModuleOp module, const target::Target &target);
StepResult lowerConversionsToShared(mlir::ModuleOp module, const target::Target &target);
StepResult copyLargeLoads(mlir::ModuleOp module, const target::Target &target);
StepResult delayStoreWaits(mlir::ModuleOp module, const target::Target &target);
StepResult allocateSharedMemory(mlir::ModuleOp module, const target::Target &target);
StepResult insertBarriers(mlir::ModuleOp module, const target::Target &target);
StepResult annotateAccesses(mlir::ModuleOp module, const target::Target &target);
StepResult compareRunsOnce(mlir::ModuleOp module, const target::Target &target);
StepResult sinkIntoBranches(mlir::ModuleOp module, const target::Target &target);
StepResult sinkMasks(mlir::ModuleOp module, const target::Target &target);
StepResult checkLayouts(mlir::ModuleOp module, const target::Target &target);

// Option of a module, 1 unless it says otherwise: whether roles are taken where they win and nobody asked for them (specializeRoles).
inline constexpr const char *kAutoWarpSpecialize = "auto_warp_specialize";

// Bytes of shared memory that allocateSharedMemory would give the kernel as it is.
uint64_t sharedBytesNeeded(mlir::func::FuncOp function, const target::Target &target, unsigned numWarps);

// One step of the LAYOUT pipeline, for a stage table.
struct LayoutStep {
  const char *name;
  StepResult (*run)(mlir::ModuleOp, const target::Target &);
  const char *because; // why it stands where it stands
};
// All steps, in order; core/pipeline runs them.
llvm::ArrayRef<LayoutStep> layoutSteps();

#define GEN_PASS_DECL
#include "core/transforms/layout/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "core/transforms/layout/Passes.h.inc"

// For tessera-opt.
inline void registerLayoutPasses() { registerTesseraLayoutPasses(); }

} // namespace tessera::tile
