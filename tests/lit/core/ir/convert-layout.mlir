// convert_layout.mlir - tile.convert_layout in text form and through the bytecode
// RUN: %tessera-opt --mlir-print-local-scope %s | %tessera-opt --mlir-print-local-scope | FileCheck %s
// RUN: %tessera-opt --mlir-print-local-scope --tile-bytecode-round-trip %s | FileCheck %s

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @convert_layout_plain
func.func @convert_layout_plain(%x: tensor<4x8xf32, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>>) {
  // CHECK: %{{[^ ,]+}} = tile.convert_layout %{{[^ ,]+}} : tensor<4x8xf32, #tile.linear<[4, 8], register = [{{\[}}0, 1], [0, 2]], lane = [{{\[}}0, 4], [1, 0], [2, 0]], warp = [], block = []>> to tensor<4x8xf32, #tile.linear<[4, 8], register = [{{\[}}1, 0], [2, 0]], lane = [{{\[}}0, 1], [0, 2], [0, 4]], warp = [], block = []>>
  %0 = tile.convert_layout %x : tensor<4x8xf32, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>> to tensor<4x8xf32, #tile.linear<[4, 8], register = [[1, 0], [2, 0]], lane = [[0, 1], [0, 2], [0, 4]], warp = [], block = []>>
  return
}
}
