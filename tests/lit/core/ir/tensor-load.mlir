// tensor-load.mlir - tile.tensor_load in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @tensor_load_forms
func.func @tensor_load_forms(%s: !S, %b: !B, %m: !tile.ptr<i8>, %on: i1, %i: i32) {
  // CHECK: tile.tensor_load %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} : (
  tile.tensor_load %s, %m, %b, %on, %i, %i : (!S, !tile.ptr<i8>, !B, i1, i32, i32) -> ()
  return
}
}
