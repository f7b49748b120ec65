// sort.mlir - tile.sort in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @sort_plain
func.func @sort_plain(%x: tensor<4x8xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.sort %{{[^ ,]+}} axis = 1 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %0 = tile.sort %x axis = 1 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: %{{[^ ,]+}} = tile.sort %{{[^ ,]+}} axis = 0 descending : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = tile.sort %x axis = 0 descending : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}
