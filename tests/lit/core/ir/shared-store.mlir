// shared_store.mlir - tile.shared_store in text form and through the bytecode
// RUN: %tessera-opt --mlir-print-local-scope %s | %tessera-opt --mlir-print-local-scope | FileCheck %s
// RUN: %tessera-opt --mlir-print-local-scope --tile-bytecode-round-trip %s | FileCheck %s

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @shared_store_plain
func.func @shared_store_plain(%s: !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>, %x: tensor<4x8xf32, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>>) {
  // CHECK: tile.shared_store %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [{{\[}}0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>, tensor<4x8xf32, #tile.linear<[4, 8], register = [{{\[}}0, 1], [0, 2]], lane = [{{\[}}0, 4], [1, 0], [2, 0]], warp = [], block = []>>) -> ()
  tile.shared_store %s, %x : (!tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>, tensor<4x8xf32, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>>) -> ()
  return
}
}
