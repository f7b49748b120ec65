// async-dot.mlir - tile.async_dot in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
!T = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[1, 0], [2, 0], [4, 0], [1, 1], [2, 2], [4, 4]]>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @async_dot_forms
func.func @async_dot_forms(%a: tensor<8x8xf16, #L>, %s: !S, %t: !T, %c: tensor<8x8xf32, #L>) {
  // CHECK: %[[D:.*]] = tile.async_dot %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} instruction = 1 : (tensor<8x8xf16, {{.*}}>, !tile.shared<
  %0 = tile.async_dot %a, %s, %c instruction = 1 : (tensor<8x8xf16, #L>, !S, tensor<8x8xf32, #L>) -> tensor<8x8xf32, #L>
  // CHECK: %{{[^ ,]+}} = tile.async_dot %{{[^ ,]+}}, %{{[^ ,]+}}, %[[D]] precision = ieee max_imprecise = 32 instruction = 2 : (!tile.shared<
  %1 = tile.async_dot %s, %t, %0 precision = ieee max_imprecise = 32 instruction = 2 : (!S, !T, tensor<8x8xf32, #L>) -> tensor<8x8xf32, #L>
  return
}
}
