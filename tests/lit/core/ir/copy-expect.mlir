// copy-expect.mlir - tile.copy_expect in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @copy_expect_forms
func.func @copy_expect_forms(%b: !B, %on: i1) {
  // CHECK: tile.copy_expect %{{[^ ,]+}}, %{{[^ ,]+}} bytes = 256 : (
  tile.copy_expect %b, %on bytes = 256 : (!B, i1) -> ()
  return
}
}
