// advance.mlir - tile.advance in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s

// CHECK-LABEL: func.func @advance_plain
func.func @advance_plain(%b: !tile.block_ptr<tensor<4x8xf32>>, %i: i32, %n: i64) {
  // CHECK: %{{[^ ,]+}} = tile.advance %{{[^ ,]+}}, [%{{[^ ,]+}}, %{{[^ ,]+}}] : (!tile.block_ptr<tensor<4x8xf32>>, i32, i64) -> !tile.block_ptr<tensor<4x8xf32>>
  %0 = tile.advance %b, [%i, %n] : (!tile.block_ptr<tensor<4x8xf32>>, i32, i64) -> !tile.block_ptr<tensor<4x8xf32>>
  return
}
