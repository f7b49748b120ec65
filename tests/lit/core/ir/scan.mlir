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

// With totals, of two sources; of a row they are scalars.
// CHECK-LABEL: func.func @scan_totals
func.func @scan_totals(%x: tensor<4x8xf32>, %i: tensor<4x8xi32>, %v: tensor<8xf32>) {
  // CHECK: %{{[^ ,]+}}:4 = tile.scan %{{[^ ,]+}}, %{{[^ ,]+}} axis = 1 : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>, tensor<4xf32>, tensor<4xi32>) {
  %0:4 = tile.scan %x, %i axis = 1 : (tensor<4x8xf32>, tensor<4x8xi32>) -> (tensor<4x8xf32>, tensor<4x8xi32>, tensor<4xf32>, tensor<4xi32>) {
  ^bb0(%a: f32, %b: i32, %c: f32, %d: i32):
    %s = arith.addf %a, %c : f32
    tile.yield %s, %b : f32, i32
  }
  // CHECK: %{{[^ ,]+}}:2 = tile.scan %{{[^ ,]+}} axis = 0 : (tensor<8xf32>) -> (tensor<8xf32>, f32) {
  %1:2 = tile.scan %v axis = 0 : (tensor<8xf32>) -> (tensor<8xf32>, f32) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tile.yield %s : f32
  }
  return
}
