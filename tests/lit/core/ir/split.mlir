// split.mlir - tile.split in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @split_plain
func.func @split_plain(%x: tensor<4x2xf32>, %s: tensor<2xi32>) {
  // CHECK: %{{[^ ,]+}} = tile.split %{{[^ ,]+}} : (tensor<4x2xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %0:2 = tile.split %x : (tensor<4x2xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  // CHECK: %{{[^ ,]+}} = tile.split %{{[^ ,]+}} : (tensor<2xi32>) -> (i32, i32)
  %1:2 = tile.split %s : (tensor<2xi32>) -> (i32, i32)
  return
}
