// tensor-store.mlir - tile.tensor_store in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @tensor_store_forms
func.func @tensor_store_forms(%s: !S, %m: !tile.ptr<i8>, %i: i32) {
  // CHECK: tile.tensor_store %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} : (
  tile.tensor_store %s, %m, %i, %i : (!S, !tile.ptr<i8>, i32, i32) -> ()
  return
}
}
