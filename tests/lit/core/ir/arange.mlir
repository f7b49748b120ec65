// arange.mlir - tile.arange in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @arange_plain
func.func @arange_plain() {
  // CHECK: %{{[^ ,]+}} = tile.arange 0 to 64 : tensor<64xi32>
  %0 = tile.arange 0 to 64 : tensor<64xi32>
  // CHECK: %{{[^ ,]+}} = tile.arange 3 to 7 : tensor<4xi32>
  %1 = tile.arange 3 to 7 : tensor<4xi32>
  return
}
