// gather.mlir - tile.gather in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @gather_plain
func.func @gather_plain(%x: tensor<4x8xf32>, %i: tensor<4x2xi32>) {
  // CHECK: %{{[^ ,]+}} = tile.gather %{{[^ ,]+}}, %{{[^ ,]+}} axis = 1 : (tensor<4x8xf32>, tensor<4x2xi32>) -> tensor<4x2xf32>
  %0 = tile.gather %x, %i axis = 1 : (tensor<4x8xf32>, tensor<4x2xi32>) -> tensor<4x2xf32>
  return
}
