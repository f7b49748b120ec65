// main.cpp - tessera-opt: runs passes over tile IR in text form, for tests and for looking
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Tile.h"
#include "core/pipeline/Pipeline.h"
#include "core/transforms/Passes.h"
#include "core/transforms/layout/Passes.h"
#include "frontends/cli/tessera-opt/TestPasses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mlir;

static void addStage(OpPassManager &passes, const tessera::Stage &stage) {
  if (stage.onFunctions)
    passes.addNestedPass<func::FuncOp>(stage.make());
  else
    passes.addPass(stage.make());
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  registry
      .insert<tessera::tile::TileDialect, arith::ArithDialect, math::MathDialect, scf::SCFDialect, func::FuncDialect>();
  tessera::tile::registerTileTransformsPasses();
  tessera::tile::registerLayoutPasses();
  tessera::registerTestPasses();
  PassPipelineRegistration<> whole("tile-pipeline", "all stages of the TILE level, in order",
                                   [](OpPassManager &passes) {
                                     for (const tessera::Stage &stage : tessera::tileStages())
                                       addStage(passes, stage);
                                   });
  return asMainReturnCode(MlirOptMain(argc, argv, "tessera-opt: passes over tile IR\n", registry));
}
