// transpose.mlir - tile.transpose in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @transpose_plain
func.func @transpose_plain(%x: tensor<4x8x2xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.transpose %{{[^ ,]+}} order = [2, 0, 1] : (tensor<4x8x2xf32>) -> tensor<2x4x8xf32>
  %0 = tile.transpose %x order = [2, 0, 1] : (tensor<4x8x2xf32>) -> tensor<2x4x8xf32>
  return
}
