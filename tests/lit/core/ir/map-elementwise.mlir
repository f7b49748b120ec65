// map_elementwise.mlir - tile.map_elementwise in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @map_elementwise_plain
func.func @map_elementwise_plain(%x: tensor<8xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.map_elementwise %{{[^ ,]+}} pack = 2 : (tensor<8xf32>) -> tensor<8xf32> {
  %0 = tile.map_elementwise %x pack = 2 : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %b, %a : f32, f32
  }
  return
}
