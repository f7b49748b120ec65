// join.mlir - tile.join in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @join_plain
func.func @join_plain(%x: tensor<4xf32>, %s: i32) {
  // CHECK: %{{[^ ,]+}} = tile.join %{{[^ ,]+}}, %{{[^ ,]+}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4x2xf32>
  %0 = tile.join %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4x2xf32>
  // CHECK: %{{[^ ,]+}} = tile.join %{{[^ ,]+}}, %{{[^ ,]+}} : (i32, i32) -> tensor<2xi32>
  %1 = tile.join %s, %s : (i32, i32) -> tensor<2xi32>
  return
}
