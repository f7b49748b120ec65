// LayoutPipeline.cpp - the LAYOUT steps in order, and their passes
//
// SPDX-License-Identifier: Apache-2.0
#include "core/target/ElementNumber.h"
#include "core/target/GenericTarget.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/LoopAhead.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;

namespace tessera::tile {

// Equal second computations become one, and conversions of what a loop does not change leave it.
static StepResult cleanUp(ModuleOp module, const target::Target &) {
  IRRewriter rewriter(module.getContext());
  DominanceInfo dominance(module);
  eliminateCommonSubExpressions(rewriter, dominance, module);
  module.walk([](LoopLikeOpInterface loop) {
    if (!hasLoopFlag(loop, kDisableLicm))
      moveLoopInvariantCode(loop);
  });
  return {};
}

ArrayRef<LayoutStep> layoutSteps() {
  static const LayoutStep steps[] = {
      {"mark-last-reads", markLastReads,
       "before loops are unrolled or load ahead: those that read the same look the same"},
      {"unroll-loops", unrollLoops, "every iteration gets its own layouts and loads"},
      {"loop-large-tiles", loopLargeTiles, "behind unrolling, which would undo it; before layouts hold whole tiles"},
      {"load-runs-once", loadRunsOnce, "before layouts are chosen for what is loaded; of the slices that are left"},
      {"expand-dots", expandDots, "layouts are chosen for the dots that units have"},
      {"exchange-operands", exchangeOperands, "layouts are chosen for operands where they stand"},
      {"assign-layouts", assignLayouts, "everything below works on layouts"},
      {"clean-up", cleanUp, "equal conversions first become one, so that their cost counts once"},
      {"remove-layout-conversions", removeLayoutConversions, "before any of them costs memory"},
      {"clean-up", cleanUp, "second computations repeat each other"},
      {"specialize-roles", specializeRoles, "before the loops that it takes are pipelined"},
      {"pipeline-loops", pipelineLoops,
       "when it is known what still changes its layout, before buffers are made for that"},
      {"lower-tensor-copies", lowerTensorCopies,
       "after the loads that loops start ahead, before conversions of their values cost memory"},
      {"hoist-loads", hoistLoads, "while it is seen which conversions have barriers"},
      {"lower-conversions-to-shared", lowerConversionsToShared, "after the last chance to remove one"},
      {"copy-large-loads", copyLargeLoads,
       "when it is known which loads only go to shared memory, and how that is read"},
      {"delay-store-waits", delayStoreWaits, "when every buffer is there, so that what one more costs is known"},
      {"allocate-shared-memory", allocateSharedMemory, "when every buffer is known"},
      {"insert-barriers", insertBarriers, "buffers that share bytes need order too"},
      {"annotate-accesses", annotateAccesses, "a plugin may rely on it; facts of the ops that are left"},
      {"compare-runs-once", compareRunsOnce, "after the masks of accesses, which are of the same facts"},
      {"sink-into-branches", sinkIntoBranches, "when everything else is done: no step looks for values there"},
      {"sink-masks", sinkMasks, "when everything has its place, barriers too"},
      {"check-layouts", checkLayouts, "a plugin may rely on it"},
  };
  return steps;
}

// Every step in order; a failed one has emitted an error.
static StepResult runSteps(ModuleOp module, const target::Target &target) {
  for (const LayoutStep &step : layoutSteps())
    if (StepResult result = step.run(module, target); failed(result.status))
      return result;
  return {};
}

// ---- passes for tessera-opt ----------------------------------------------------------------------------------------

#define GEN_PASS_DEF_MARKLASTREADSPASS
#define GEN_PASS_DEF_UNROLLLOOPSPASS
#define GEN_PASS_DEF_LOOPLARGETILESPASS
#define GEN_PASS_DEF_LOADRUNSONCEPASS
#define GEN_PASS_DEF_EXPANDDOTSPASS
#define GEN_PASS_DEF_EXCHANGEOPERANDSPASS
#define GEN_PASS_DEF_ASSIGNLAYOUTSPASS
#define GEN_PASS_DEF_REMOVELAYOUTCONVERSIONSPASS
#define GEN_PASS_DEF_SPECIALIZEROLESPASS
#define GEN_PASS_DEF_PIPELINELOOPSPASS
#define GEN_PASS_DEF_LOWERTENSORCOPIESPASS
#define GEN_PASS_DEF_HOISTLOADSPASS
#define GEN_PASS_DEF_LOWERCONVERSIONSTOSHAREDPASS
#define GEN_PASS_DEF_COPYLARGELOADSPASS
#define GEN_PASS_DEF_DELAYSTOREWAITSPASS
#define GEN_PASS_DEF_ALLOCATESHAREDMEMORYPASS
#define GEN_PASS_DEF_INSERTBARRIERSPASS
#define GEN_PASS_DEF_ANNOTATEACCESSESPASS
#define GEN_PASS_DEF_COMPARERUNSONCEPASS
#define GEN_PASS_DEF_SINKINTOBRANCHESPASS
#define GEN_PASS_DEF_SINKMASKSPASS
#define GEN_PASS_DEF_CHECKLAYOUTSPASS
#define GEN_PASS_DEF_RUNLAYOUTPIPELINEPASS
#include "core/transforms/layout/Passes.h.inc"

namespace {

target::GenericTarget genericTarget(unsigned lanes, unsigned sharedBytes, bool matrix, bool matrixShared,
                                    bool asyncCopies, bool tensorCopies, bool roles) {
  target::TargetInfo info = target::GenericTarget::simtInfo();
  info.set(target::Capability::Lanes, lanes);
  info.set(target::Capability::SmemStatic, sharedBytes);
  if (asyncCopies)
    info.set(target::Capability::AsyncCopy, 1 << 2 | 1 << 3 | 1 << 4); // 4, 8 and 16 bytes
  if (tensorCopies) {
    info.set(target::Capability::TensorCopy, 5);
    info.set(target::Capability::TensorCopySwizzles, 32 | 64 | 128);
  }
  if (roles) {
    info.set(target::Capability::WarpSpecialize, 1);
    info.set(target::Capability::NamedBarriers, 16);
    info.set(target::Capability::RegReallocStep, 8);
    info.set(target::Capability::RegFile, 65536);
    info.set(target::Capability::RegsPerThread, 255);
    info.set(target::Capability::WarpsPerMatrixGroup, 4);
  }
  std::vector<target::MatrixEntry> menu;
  if (matrix) {
    target::MatrixEntry entry;
    entry.id = "generic.16x16x16.f16";
    entry.m = entry.nMin = entry.nMax = entry.k = 16;
    entry.lanes = lanes;
    entry.a = entry.b = target::kElemF16;
    entry.c = entry.d = target::kElemF32;
    menu.push_back(entry);
  }
  if (matrixShared) {
    target::MatrixEntry entry;
    entry.id = "generic.64xNx16.f16";
    entry.m = 64;
    entry.nMin = entry.nStep = entry.k = 16;
    entry.nMax = 64;
    entry.lanes = 4 * lanes;
    entry.a = entry.b = target::kElemF16;
    entry.c = entry.d = target::kElemF32;
    entry.aSpaces = target::kInRegisters | target::kInShared;
    entry.bSpaces = target::kInShared;
    entry.flags = target::kMatrixAsync;
    menu.push_back(entry);
    entry.id = "generic.64xNx8.f32";
    entry.k = 8;
    entry.a = entry.b = target::kElemF32;
    menu.push_back(entry);
  }
  return target::GenericTarget(std::move(info), std::move(menu));
}

// Steps behind AssignLayouts, run as passes of their own, are told of IR that never had any.
static LogicalResult requireLayouts(ModuleOp module) {
  auto check = [](ValueRange values) {
    for (Value value : values)
      if (isTile(value) && !layoutOf(value))
        return WalkResult(emitError(value.getLoc()) << "a tile has no layout: " << value.getType()
                                                    << "; --tile-assign-layouts gives every tile one");
    return WalkResult::advance();
  };
  WalkResult walked = module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    WalkResult found = check(op->getResults());
    for (Region &region : op->getRegions())
      for (Block &block : region)
        if (!found.wasInterrupted())
          found = check(block.getArguments());
    return found;
  });
  return failure(walked.wasInterrupted());
}

#define TESSERA_LAYOUT_PASS(Pass, step, statistic) TESSERA_CHECKED_LAYOUT_PASS(Pass, (void)0, step, statistic)
#define TESSERA_PASS_OF_LAYOUTS(Pass, step, statistic)                                                                 \
  TESSERA_CHECKED_LAYOUT_PASS(Pass, if (failed(requireLayouts(getOperation()))) return signalPassFailure(), step,      \
                              statistic)
#define TESSERA_CHECKED_LAYOUT_PASS(Pass, check, step, statistic)                                                      \
  struct Pass final : impl::Pass##PassBase<Pass> {                                                                     \
    using Base::Base;                                                                                                  \
    void runOnOperation() override {                                                                                   \
      check;                                                                                                           \
      target::GenericTarget target =                                                                                   \
          genericTarget(lanes, sharedBytes, matrix, matrixShared, asyncCopies, tensorCopies, roles);                   \
      StepResult result = step(getOperation(), target);                                                                \
      statistic;                                                                                                       \
      if (failed(result.status))                                                                                       \
        signalPassFailure();                                                                                           \
    }                                                                                                                  \
  };
TESSERA_LAYOUT_PASS(MarkLastReads, markLastReads, numMarked += result.count)
TESSERA_LAYOUT_PASS(UnrollLoops, unrollLoops, numUnrolled += result.count)
TESSERA_LAYOUT_PASS(LoopLargeTiles, loopLargeTiles, numLooped += result.count)
TESSERA_LAYOUT_PASS(LoadRunsOnce, loadRunsOnce, numShrunk += result.count)
TESSERA_LAYOUT_PASS(ExpandDots, expandDots, numExpanded += result.count)
TESSERA_LAYOUT_PASS(ExchangeOperands, exchangeOperands, numExchanged += result.count)
TESSERA_LAYOUT_PASS(AssignLayouts, assignLayouts, numConversions += result.count)
TESSERA_PASS_OF_LAYOUTS(RemoveLayoutConversions, removeLayoutConversions, numRemoved += result.count)
TESSERA_PASS_OF_LAYOUTS(SpecializeRoles, specializeRoles, numSpecialized += result.count)
TESSERA_PASS_OF_LAYOUTS(PipelineLoops, pipelineLoops, numPipelined += result.count)
TESSERA_PASS_OF_LAYOUTS(LowerTensorCopies, lowerTensorCopies, numLowered += result.count)
TESSERA_PASS_OF_LAYOUTS(HoistLoads, hoistLoads, numHoisted += result.count)
TESSERA_PASS_OF_LAYOUTS(LowerConversionsToShared, lowerConversionsToShared, numLowered += result.count)
TESSERA_PASS_OF_LAYOUTS(CopyLargeLoads, copyLargeLoads, numCopied += result.count)
TESSERA_PASS_OF_LAYOUTS(DelayStoreWaits, delayStoreWaits, numDelayed += result.count)
TESSERA_PASS_OF_LAYOUTS(AllocateSharedMemory, allocateSharedMemory, numBuffers += result.count)
TESSERA_PASS_OF_LAYOUTS(InsertBarriers, insertBarriers, numBarriers += result.count)
TESSERA_PASS_OF_LAYOUTS(AnnotateAccesses, annotateAccesses, numAnnotated += result.count)
TESSERA_PASS_OF_LAYOUTS(CompareRunsOnce, compareRunsOnce, numCompared += result.count)
TESSERA_PASS_OF_LAYOUTS(SinkIntoBranches, sinkIntoBranches, numSunk += result.count)
TESSERA_PASS_OF_LAYOUTS(SinkMasks, sinkMasks, numSunk += result.count)
TESSERA_LAYOUT_PASS(CheckLayouts, checkLayouts, (void)result.count)
TESSERA_LAYOUT_PASS(RunLayoutPipeline, runSteps, (void)result.count)
#undef TESSERA_LAYOUT_PASS
#undef TESSERA_PASS_OF_LAYOUTS
#undef TESSERA_CHECKED_LAYOUT_PASS

} // namespace
} // namespace tessera::tile
