// reduce.mlir - tile.reduce in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @reduce_plain
func.func @reduce_plain(%x: tensor<4x8xf32>, %v: tensor<8xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.reduce %{{[^ ,]+}} axis = 1 : (tensor<4x8xf32>) -> tensor<4xf32> {
  %0 = tile.reduce %x axis = 1 : (tensor<4x8xf32>) -> tensor<4xf32> {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tile.yield %s : f32
  }
  // CHECK: %{{[^ ,]+}} = tile.reduce %{{[^ ,]+}} axis = 0 : (tensor<8xf32>) -> f32 {
  %1 = tile.reduce %v axis = 0 : (tensor<8xf32>) -> f32 {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tile.yield %s : f32
  }
  return
}
