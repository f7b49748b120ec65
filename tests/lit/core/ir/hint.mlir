// hint.mlir - tile.hint in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @hint_plain
func.func @hint_plain(%x: tensor<4x8xi32>, %s: i32) {
  // CHECK: %{{[^ ,]+}} = tile.hint %{{[^ ,]+}} divisibility = [16, 1] contiguity = [1, 8] constancy = [4, 1] : (tensor<4x8xi32>) -> tensor<4x8xi32>
  %0 = tile.hint %x divisibility = [16, 1] contiguity = [1, 8] constancy = [4, 1] : (tensor<4x8xi32>) -> tensor<4x8xi32>
  // CHECK: %{{[^ ,]+}} = tile.hint %{{[^ ,]+}} divisibility = [16] : (i32) -> i32
  %1 = tile.hint %s divisibility = [16] : (i32) -> i32
  return
}
