// expand_dims.mlir - tile.expand_dims in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @expand_dims_both
func.func @expand_dims_both(%x: tensor<4x8xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.expand_dims %{{[^ ,]+}} axis = 0 : (tensor<4x8xf32>) -> tensor<1x4x8xf32>
  %0 = tile.expand_dims %x axis = 0 : (tensor<4x8xf32>) -> tensor<1x4x8xf32>
  // CHECK: %{{[^ ,]+}} = tile.expand_dims %{{[^ ,]+}} axis = 2 : (tensor<4x8xf32>) -> tensor<4x8x1xf32>
  %1 = tile.expand_dims %x axis = 2 : (tensor<4x8xf32>) -> tensor<4x8x1xf32>
  return
}
