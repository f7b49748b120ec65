// load_block.mlir - tile.load_block in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s

// CHECK-LABEL: func.func @load_block_plain
func.func @load_block_plain(%b: !tile.block_ptr<tensor<4x8xf32>>) {
  // CHECK: %{{[^ ,]+}} = tile.load_block %{{[^ ,]+}} : (!tile.block_ptr<tensor<4x8xf32>>) -> tensor<4x8xf32>
  %0 = tile.load_block %b : (!tile.block_ptr<tensor<4x8xf32>>) -> tensor<4x8xf32>
  // CHECK: %{{[^ ,]+}} = tile.load_block %{{[^ ,]+}} boundary_check = [0, 1] padding = nan cache = cg evict = last volatile : (!tile.block_ptr<tensor<4x8xf32>>) -> tensor<4x8xf32>
  %1 = tile.load_block %b boundary_check = [0, 1] padding = nan cache = cg evict = last volatile : (!tile.block_ptr<tensor<4x8xf32>>) -> tensor<4x8xf32>
  return
}
