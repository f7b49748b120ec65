// store.mlir - tile.store in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @store_kinds
func.func @store_kinds(%p: !tile.ptr<f32>, %x: f32, %t: tensor<4x!tile.ptr<f32>>, %m: tensor<4xi1>, %o: tensor<4xf32>) {
  // CHECK: tile.store %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<f32>, f32) -> ()
  tile.store %p, %x : (!tile.ptr<f32>, f32) -> ()
  // CHECK: tile.store %{{[^ ,]+}}, %{{[^ ,]+}} mask %{{[^ ,]+}} cache = cs evict = last : (tensor<4x!tile.ptr<f32>>, tensor<4xf32>, tensor<4xi1>) -> ()
  tile.store %t, %o mask %m cache = cs evict = last : (tensor<4x!tile.ptr<f32>>, tensor<4xf32>, tensor<4xi1>) -> ()
  return
}
