// Guards: the fragment of a product of lanes goes through shared memory in front of the first product that needs it, not where its tile is known; the second product
// reads it anew, and the buffer lives until then. What other ops need stays where it was.
// RUN: %tessera-opt %s --tile-lower-conversions-to-shared="matrix=true" | FileCheck %s

#T = #tile.linear<[16, 16], register = [[0, 1], [0, 2]], lane = [[0, 4], [0, 8], [1, 0], [2, 0], [4, 0]], warp = [[8, 0]]>
#A = #tile.linear<[16, 16], register = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0]], lane = [[2, 0], [4, 0], [0, 0], [0, 0], [0, 0]], warp = [[8, 0]]>
#B = #tile.linear<[16, 16], register = [[1, 0], [2, 0], [4, 0], [8, 0], [0, 1]], lane = [[0, 0], [0, 0], [0, 2], [0, 4], [0, 8]], warp = [[0, 0]]>
#C = #tile.linear<[16, 16], register = [[0, 1], [1, 0]], lane = [[2, 0], [4, 0], [0, 2], [0, 4], [0, 8]], warp = [[8, 0]]>
// CHECK-LABEL: func.func @fragments
// CHECK: math.exp
// CHECK-NEXT: %[[S:.*]] = tile.shared_alloc
// CHECK-NEXT: tile.shared_store %[[S]], %arg0
// CHECK-NEXT: %[[FIRST:.*]] = tile.shared_load %[[S]]
// CHECK-NEXT: %[[D:.*]] = tile.dot %[[FIRST]]
// CHECK-NEXT: %[[AGAIN:.*]] = tile.shared_load %[[S]]
// CHECK-NEXT: tile.shared_free %[[S]]
// CHECK-NEXT: tile.dot %[[AGAIN]], %{{.*}}, %[[D]]
// CHECK-LABEL: func.func @others
// CHECK: tile.shared_load
// CHECK-NEXT: tile.shared_free
// CHECK-NEXT: math.exp
// CHECK-NEXT: arith.addf
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64}} {
func.func @fragments(%x: tensor<16x16xf32, #T>, %b: tensor<16x16xf32, #B>, %c: tensor<16x16xf32, #C>) -> tensor<16x16xf32, #C> {
  %a = tile.convert_layout %x : tensor<16x16xf32, #T> to tensor<16x16xf32, #A>
  %e = math.exp %c : tensor<16x16xf32, #C>
  %d = tile.dot %a, %b, %e : (tensor<16x16xf32, #A>, tensor<16x16xf32, #B>, tensor<16x16xf32, #C>) -> tensor<16x16xf32, #C>
  %f = tile.dot %a, %b, %d : (tensor<16x16xf32, #A>, tensor<16x16xf32, #B>, tensor<16x16xf32, #C>) -> tensor<16x16xf32, #C>
  return %f : tensor<16x16xf32, #C>
}
func.func @others(%x: tensor<16x16xf32, #T>, %y: tensor<16x16xf32, #A>) -> tensor<16x16xf32, #A> {
  %a = tile.convert_layout %x : tensor<16x16xf32, #T> to tensor<16x16xf32, #A>
  %e = math.exp %y : tensor<16x16xf32, #A>
  %f = arith.addf %a, %e : tensor<16x16xf32, #A>
  return %f : tensor<16x16xf32, #A>
}
}
