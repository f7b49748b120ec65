// LoopLoads.h - the loads of a loop that others than its own iteration can do: where their data goes, and what a ring for it holds
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/analysis/AxisFacts.h"
#include "core/transforms/layout/ConversionCosts.h"
#include "core/transforms/layout/SharedUse.h"
#include "core/transforms/layout/TensorCopies.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tessera::tile {

// How the loop uses what a load brings.
struct StagedLoad {
  mlir::Operation *op = nullptr; // LoadOp, or DescriptorLoadOp: a tensor copy
  std::optional<layout::TensorCopyPlan> copy;
  SharedType slot;                               // what one slot of its ring holds
  llvm::SmallVector<SharedStoreOp> sharedStores; // straight to shared memory, perhaps transposed
  llvm::SmallVector<ConvertLayoutOp> conversions;
  unsigned axis = 0;   // the dim along which elements are neighbours in memory
  int64_t width = 1;   // that go together
  bool direct = false; // used in the layout of the load too
  int64_t bytes() const { return static_cast<int64_t>(bytesOf(slot)); }
  mlir::Value result() const { return op->getResult(0); }
  // What the address of an iteration's load follows from.
  llvm::SmallVector<mlir::Value> inputs() const {
    if (auto load = llvm::dyn_cast<LoadOp>(op))
      return load.getMask() ? llvm::SmallVector<mlir::Value>{load.getPtr(), load.getMask()}
                            : llvm::SmallVector<mlir::Value>{load.getPtr()};
    return llvm::to_vector(llvm::cast<DescriptorLoadOp>(op).getOffsets());
  }
};

// What PipelineLoops and SpecializeRoles find out about a loop before they change it.
class LoopLoads {
public:
  // The facts are those of the loop's kernel and outlive this.
  LoopLoads(mlir::scf::ForOp loop, const AxisFacts &facts, const target::Target &target)
      : loop_(loop), facts_(facts), target_(target), costs_(target), options_(conversionOptions(target.info())) {}

protected:
  // Each adds the load to loads_, or gives false where it must stay what it is.
  bool stageLoad(LoadOp load);
  bool stageCopy(DescriptorLoadOp load);
  LoadOp spreadRow(LoadOp load, unsigned dim, int64_t vector);
  bool collectUses(StagedLoad &staged, LinearAttr &shared, llvm::function_ref<bool(LinearAttr)> canFill);
  bool staysFilled(mlir::Value shared);
  // Products of the loop that do nothing but add to their sum, and whose operands keep what they hold while they run on into the next iteration, as
  // `outlasts` says of a buffer; 0 unless all are such.
  unsigned accumulateOnly(llvm::function_ref<bool(mlir::Value)> outlasts);
  // Bytes of shared memory that the loop needs beside the rings of its loads.
  int64_t sharedOfOneIteration();
  // Bytes that an op needs while it runs, to move values between lanes or to copy a tile.
  uint64_t transientBytes(mlir::Operation *op);

  mlir::scf::ForOp loop_;
  const AxisFacts &facts_;
  const target::Target &target_;
  ConversionCosts costs_;
  layout::ConversionOptions options_;
  llvm::SmallVector<StagedLoad> loads_;
};

} // namespace tessera::tile
