// shared-slot.mlir - tile.shared_slot in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @shared_slot_forms
func.func @shared_slot_forms(%ring: !S, %i: i32) {
  // CHECK: %{{[^ ,]+}} = tile.shared_slot %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.shared<8x8xf16, {{.*}}>, i32) -> !tile.shared<8x8xf16
  %0 = tile.shared_slot %ring, %i : (!S, i32) -> !S
  return
}
}
