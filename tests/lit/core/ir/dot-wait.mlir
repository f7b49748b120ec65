// dot-wait.mlir - tile.dot_wait in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @dot_wait_forms
func.func @dot_wait_forms(%d: tensor<8x8xf32, #L>, %e: tensor<8x8xf32, #L>) {
  // CHECK: %{{[^ ,]+}} = tile.dot_wait %{{[^ ,]+}} pending = 0 : (
  %0 = tile.dot_wait %d pending = 0 : (tensor<8x8xf32, #L>) -> tensor<8x8xf32, #L>
  // CHECK: %{{[^ ,]+}}:2 = tile.dot_wait %{{[^ ,]+}}, %{{[^ ,]+}} pending = 2 : (
  %1:2 = tile.dot_wait %d, %e pending = 2 : (tensor<8x8xf32, #L>, tensor<8x8xf32, #L>) -> (tensor<8x8xf32, #L>, tensor<8x8xf32, #L>)
  // CHECK: tile.dot_wait pending = 1 : () -> ()
  tile.dot_wait pending = 1 : () -> ()
  return
}
}
