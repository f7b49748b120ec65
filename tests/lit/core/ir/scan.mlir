// scan.mlir - tile.scan in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @scan_plain
func.func @scan_plain(%x: tensor<4x8xf32>, %v: tensor<8xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.scan %{{[^ ,]+}} axis = 1 reverse : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = tile.scan %x axis = 1 reverse : (tensor<4x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tile.yield %s : f32
  }
  return
}
