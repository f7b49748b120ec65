// addptr.mlir - tile.addptr in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @addptr_kinds
func.func @addptr_kinds(%p: !tile.ptr<f32>, %i: i64, %t: tensor<4x!tile.ptr<f32>>, %o: tensor<4xi32>) {
  // CHECK: %{{[^ ,]+}} = tile.addptr %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<f32>, i64) -> !tile.ptr<f32>
  %0 = tile.addptr %p, %i : (!tile.ptr<f32>, i64) -> !tile.ptr<f32>
  // CHECK: %{{[^ ,]+}} = tile.addptr %{{[^ ,]+}}, %{{[^ ,]+}} : (tensor<4x!tile.ptr<f32>>, tensor<4xi32>) -> tensor<4x!tile.ptr<f32>>
  %1 = tile.addptr %t, %o : (tensor<4x!tile.ptr<f32>>, tensor<4xi32>) -> tensor<4x!tile.ptr<f32>>
  return
}
