// histogram.mlir - tile.histogram in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @histogram_plain
func.func @histogram_plain(%x: tensor<64xi32>, %m: tensor<64xi1>) {
  // CHECK: %{{[^ ,]+}} = tile.histogram %{{[^ ,]+}} : (tensor<64xi32>) -> tensor<16xi32>
  %0 = tile.histogram %x : (tensor<64xi32>) -> tensor<16xi32>
  // CHECK: %{{[^ ,]+}} = tile.histogram %{{[^ ,]+}} mask %{{[^ ,]+}} : (tensor<64xi32>, tensor<64xi1>) -> tensor<16xi32>
  %1 = tile.histogram %x mask %m : (tensor<64xi32>, tensor<64xi1>) -> tensor<16xi32>
  return
}
