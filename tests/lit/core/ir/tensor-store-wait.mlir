// tensor-store-wait.mlir - tile.tensor_store_wait in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @tensor_store_wait_forms
func.func @tensor_store_wait_forms() {
  // CHECK: tile.tensor_store_wait 1{{$}}
  tile.tensor_store_wait 1
  // CHECK: tile.tensor_store_wait 0 complete = 1
  tile.tensor_store_wait 0 complete = 1
  return
}
}
