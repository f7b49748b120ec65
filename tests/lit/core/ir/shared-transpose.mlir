// shared-transpose.mlir - tile.shared_transpose in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
!T = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[1, 0], [2, 0], [4, 0], [1, 1], [2, 2], [4, 4]]>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @shared_transpose_forms
func.func @shared_transpose_forms(%s: !S) {
  // CHECK: %{{[^ ,]+}} = tile.shared_transpose %{{[^ ,]+}} order = [1, 0] : (!tile.shared<8x8xf16, {{.*}}>) -> !tile.shared<8x8xf16
  %0 = tile.shared_transpose %s order = [1, 0] : (!S) -> !T
  return
}
}
