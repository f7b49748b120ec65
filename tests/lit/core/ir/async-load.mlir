// async-load.mlir - tile.async_load in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @async_load_forms
func.func @async_load_forms(%s: !S, %p: tensor<8x8x!tile.ptr<f16>, #L>, %m: tensor<8x8xi1, #L>) {
  // CHECK: tile.async_load %{{[^ ,]+}}, %{{[^ ,]+}} : (
  tile.async_load %s, %p : (!S, tensor<8x8x!tile.ptr<f16>, #L>) -> ()
  // CHECK: tile.async_load %{{[^ ,]+}}, %{{[^ ,]+}} mask %{{[^ ,]+}} cache = ca evict = last : (
  tile.async_load %s, %p mask %m cache = ca evict = last : (!S, tensor<8x8x!tile.ptr<f16>, #L>, tensor<8x8xi1, #L>) -> ()
  return
}
}
