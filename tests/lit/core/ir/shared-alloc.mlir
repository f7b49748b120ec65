// shared_alloc.mlir - tile.shared_alloc in text form and through the bytecode
// RUN: %tessera-opt --mlir-print-local-scope %s | %tessera-opt --mlir-print-local-scope | FileCheck %s
// RUN: %tessera-opt --mlir-print-local-scope --tile-bytecode-round-trip %s | FileCheck %s

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @shared_alloc_plain
func.func @shared_alloc_plain() {
  // CHECK: %{{[^ ,]+}} = tile.shared_alloc : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [{{\[}}0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>
  %0 = tile.shared_alloc : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>
  // CHECK: %{{[^ ,]+}} = tile.shared_alloc offset = 128 bytes = 128 : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [{{\[}}0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>
  %1 = tile.shared_alloc offset = 128 bytes = 128 : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>
  // CHECK: %{{[^ ,]+}} = tile.shared_alloc bytes = 384 slots = 3 : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [{{\[}}0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>
  %2 = tile.shared_alloc bytes = 384 slots = 3 : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>
  return
}
}
