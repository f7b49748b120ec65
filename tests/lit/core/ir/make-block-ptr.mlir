// make_block_ptr.mlir - tile.make_block_ptr in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s

// CHECK-LABEL: func.func @make_block_ptr_plain
func.func @make_block_ptr_plain(%p: !tile.ptr<f32>, %n: i64, %i: i32) {
  // CHECK: %{{[^ ,]+}} = tile.make_block_ptr %{{[^ ,]+}} shape[%{{[^ ,]+}}, %{{[^ ,]+}}] strides[%{{[^ ,]+}}, %{{[^ ,]+}}] offsets[%{{[^ ,]+}}, %{{[^ ,]+}}] order = [1, 0] : (!tile.ptr<f32>, i64, i64, i64, i64, i32, i64) -> !tile.block_ptr<tensor<4x8xf32>>
  %0 = tile.make_block_ptr %p shape[%n, %n] strides[%n, %n] offsets[%i, %n] order = [1, 0] : (!tile.ptr<f32>, i64, i64, i64, i64, i32, i64) -> !tile.block_ptr<tensor<4x8xf32>>
  return
}
