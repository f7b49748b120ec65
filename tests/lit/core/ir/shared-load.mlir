// shared_load.mlir - tile.shared_load in text form and through the bytecode
// RUN: %tessera-opt --mlir-print-local-scope %s | %tessera-opt --mlir-print-local-scope | FileCheck %s
// RUN: %tessera-opt --mlir-print-local-scope --tile-bytecode-round-trip %s | FileCheck %s

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @shared_load_plain
func.func @shared_load_plain(%s: !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>) {
  // CHECK: %{{[^ ,]+}} = tile.shared_load %{{[^ ,]+}} : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [{{\[}}0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>> to tensor<4x8xf32, #tile.linear<[4, 8], register = [{{\[}}0, 1], [0, 2]], lane = [{{\[}}0, 4], [1, 0], [2, 0]], warp = [], block = []>>
  %0 = tile.shared_load %s : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>> to tensor<4x8xf32, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>>
  return
}
}
