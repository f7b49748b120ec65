// reshape.mlir - tile.reshape in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @reshape_plain
func.func @reshape_plain(%x: tensor<4x8xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.reshape %{{[^ ,]+}} : (tensor<4x8xf32>) -> tensor<32xf32>
  %0 = tile.reshape %x : (tensor<4x8xf32>) -> tensor<32xf32>
  // CHECK: %{{[^ ,]+}} = tile.reshape %{{[^ ,]+}} allow_reorder : (tensor<4x8xf32>) -> tensor<2x16xf32>
  %1 = tile.reshape %x allow_reorder : (tensor<4x8xf32>) -> tensor<2x16xf32>
  return
}
