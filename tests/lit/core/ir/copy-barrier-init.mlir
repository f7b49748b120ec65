// copy-barrier-init.mlir - tile.copy_barrier_init in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @copy_barrier_init_forms
func.func @copy_barrier_init_forms(%b: !B) {
  // CHECK: tile.copy_barrier_init %{{[^ ,]+}} arrivals = 2 : !tile.shared<1xi64
  tile.copy_barrier_init %b arrivals = 2 : !B
  return
}
}
