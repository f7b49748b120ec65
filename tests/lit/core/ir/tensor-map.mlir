// tensor-map.mlir - tile.tensor_map in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @tensor_map_forms
func.func @tensor_map_forms(%p: !tile.ptr<f16>, %n: i64) {
  // CHECK: tile.tensor_map %{{[^ ,]+}}, %{{[^ ,]+}} box = [16] : (
  %a = tile.tensor_map %p, %n box = [16] : (!tile.ptr<f16>, i64) -> !tile.ptr<i8>
  // CHECK: box = [8, 16] swizzle = 32 fill = 1 : (
  %b = tile.tensor_map %p, %n, %n, %n box = [8, 16] swizzle = 32 fill = 1 : (!tile.ptr<f16>, i64, i64, i64) -> !tile.ptr<i8>
  return
}
}
