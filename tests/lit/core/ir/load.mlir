// load.mlir - tile.load in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @load_kinds
func.func @load_kinds(%p: !tile.ptr<f32>, %t: tensor<4x!tile.ptr<f32>>, %m: tensor<4xi1>, %o: tensor<4xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.load %{{[^ ,]+}} : (!tile.ptr<f32>) -> f32
  %0 = tile.load %p : (!tile.ptr<f32>) -> f32
  // CHECK: %{{[^ ,]+}} = tile.load %{{[^ ,]+}} mask %{{[^ ,]+}} : (tensor<4x!tile.ptr<f32>>, tensor<4xi1>) -> tensor<4xf32>
  %1 = tile.load %t mask %m : (tensor<4x!tile.ptr<f32>>, tensor<4xi1>) -> tensor<4xf32>
  // CHECK: %{{[^ ,]+}} = tile.load %{{[^ ,]+}} mask %{{[^ ,]+}} other %{{[^ ,]+}} cache = ca evict = first volatile : (tensor<4x!tile.ptr<f32>>, tensor<4xi1>, tensor<4xf32>) -> tensor<4xf32>
  %2 = tile.load %t mask %m other %o cache = ca evict = first volatile : (tensor<4x!tile.ptr<f32>>, tensor<4xi1>, tensor<4xf32>) -> tensor<4xf32>
  return
}
