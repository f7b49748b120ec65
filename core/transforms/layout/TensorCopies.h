// TensorCopies.h - accesses by descriptor as tensor copies: what passes over them share
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/TensorCopy.h"
#include "core/target/Target.h"
#include "core/transforms/layout/LayoutRules.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace tessera::tile {

// How a buffer of this type can be copied; empty where no engine writes what lies so.
std::optional<layout::TensorCopyPlan> tensorCopyPlan(SharedType buffer, const target::TargetInfo &info);
// A buffer for the tile that can be copied; null where there is none.
SharedType tensorCopyBuffer(mlir::RankedTensorType tile, const target::TargetInfo &info);

// The operands of descriptor_load and descriptor_store alike.
struct DescribedArray {
  mlir::Value base;
  mlir::ValueRange shape, strides, offsets;
  bool nanFill = false;
  explicit DescribedArray(DescriptorLoadOp op)
      : base(op.getBase()), shape(op.getShape()), strides(op.getStrides()), offsets(op.getOffsets()),
        nanFill(op.getPadding() == Padding::NaN) {}
  explicit DescribedArray(DescriptorStoreOp op)
      : base(op.getBase()), shape(op.getShape()), strides(op.getStrides()), offsets(op.getOffsets()) {}
};

// The tensor_maps of a kernel. They and what they are made of stand at its start, so that any place can use them.
class TensorMaps {
public:
  explicit TensorMaps(mlir::func::FuncOp function) : function_(function) {}
  mlir::Value mapOf(const DescribedArray &array, const layout::TensorCopyPlan &plan);
  // Coordinates of a load at these offsets (i32): the first is moved out of sight where the array is empty, as an extent of 0 counts as 1.
  llvm::SmallVector<mlir::Value> coordinates(mlir::OpBuilder &builder, mlir::Location loc, const DescribedArray &array,
                                             mlir::ValueRange offsets);
  // Coordinates of the store of `array`: of a dim that is empty, one beyond its end.
  llvm::SmallVector<mlir::Value> storeCoordinates(mlir::OpBuilder &builder, mlir::Location loc,
                                                  const DescribedArray &array);

private:
  mlir::Value atStart(mlir::Value value);
  mlir::Value isEmpty(mlir::Location loc, mlir::ValueRange extents);

  mlir::func::FuncOp function_;
  llvm::DenseMap<mlir::Value, mlir::Value> clones_;
  mlir::Operation *last_ = nullptr; // of those at the start
  mlir::OpBuilder builderAtStart();
  struct Made {
    llvm::SmallVector<mlir::Value> operands;
    llvm::SmallVector<int64_t> facts;
    mlir::Value value;
  };
  llvm::SmallVector<Made> maps_, empty_;
};

// Copy barriers, `slots` of them, which so many arrivals each complete, for copies one copy_expect; ready for use behind a barrier.
mlir::Value makeCopyBarriers(mlir::OpBuilder &builder, mlir::Location loc, int64_t slots, int64_t arrivals = 1);
// Their end, once everybody has waited.
void endCopyBarriers(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value barriers);

// Makes a branch; what the builder makes runs where the condition, which all lanes have alike, is true.
mlir::OpBuilder whereTrue(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value condition);

// The parameter that an address follows from; null where that is not known.
mlir::Value arrayRoot(mlir::Value pointer);

} // namespace tessera::tile
