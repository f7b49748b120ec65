// store_block.mlir - tile.store_block in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s

// CHECK-LABEL: func.func @store_block_plain
func.func @store_block_plain(%b: !tile.block_ptr<tensor<4x8xf32>>, %x: tensor<4x8xf32>) {
  // CHECK: tile.store_block %{{[^ ,]+}}, %{{[^ ,]+}} boundary_check = [1] cache = wt evict = first : (!tile.block_ptr<tensor<4x8xf32>>, tensor<4x8xf32>) -> ()
  tile.store_block %b, %x boundary_check = [1] cache = wt evict = first : (!tile.block_ptr<tensor<4x8xf32>>, tensor<4x8xf32>) -> ()
  return
}
