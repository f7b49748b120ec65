// Guards: a conversion goes where a second computation is cheaper, and stays where it is not.
// RUN: %tessera-opt %s --tile-remove-layout-conversions=lanes=4 | FileCheck %s
#A = #tile.linear<[16], register = [[1], [2]], lane = [[4], [8]], warp = []>
#B = #tile.linear<[16], register = [[4], [8]], lane = [[1], [2]], warp = []>
#M = #tile.linear<[4, 4], register = [[0, 1], [0, 2]], lane = [[1, 0], [2, 0]], warp = []>
#T = #tile.linear<[4, 4], register = [[1, 0], [2, 0]], lane = [[0, 1], [0, 2]], warp = []>
module attributes {tile.level = "layout", tile.options = {num_warps = 1 : i64}} {

// CHECK-LABEL: func.func @ranges_are_free
// CHECK-NOT: convert_layout
// CHECK: %[[R:.*]] = tile.arange 0 to 16 : tensor<16xi32, #[[$B:.*]]>
// CHECK: %[[M:.*]] = arith.cmpi slt, %[[R]]
// CHECK: tile.store %arg1, %arg2 mask %[[M]]
func.func @ranges_are_free(%n: i32, %p: tensor<16x!tile.ptr<f32>, #B>, %v: tensor<16xf32, #B>) {
  %r = tile.arange 0 to 16 : tensor<16xi32, #A>
  %s = tile.splat %n : (i32) -> tensor<16xi32, #A>
  %m = arith.cmpi slt, %r, %s : tensor<16xi32, #A>
  %c = tile.convert_layout %m : tensor<16xi1, #A> to tensor<16xi1, #B>
  tile.store %p, %v mask %c : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>, tensor<16xi1, #B>) -> ()
  return
}

// CHECK-LABEL: func.func @loads_are_not_repeated
// CHECK: %[[V:.*]] = tile.load
// CHECK: %[[C:.*]] = tile.convert_layout %[[V]]
// CHECK: tile.store %arg1, %[[C]]
func.func @loads_are_not_repeated(%p: tensor<16x!tile.ptr<f32>, #A>, %q: tensor<16x!tile.ptr<f32>, #B>) {
  %v = tile.load %p : (tensor<16x!tile.ptr<f32>, #A>) -> tensor<16xf32, #A>
  %c = tile.convert_layout %v : tensor<16xf32, #A> to tensor<16xf32, #B>
  tile.store %q, %c : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  return
}

// What only the conversion needs, of fewer elements than two a lane, is loaded in the other layout: its addresses cost nothing there.
// CHECK-LABEL: func.func @small_loads_move
// CHECK-NOT: convert_layout
// CHECK: %[[V:.*]] = tile.load {{.*}} -> tensor<8xf16, #[[$S:.*]]>
// CHECK-NOT: tile.load
// CHECK: %[[E:.*]] = arith.extf %[[V]] {{.*}}#[[$S]]>
// CHECK-NOT: convert_layout
// CHECK: return
func.func @small_loads_move(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %q: tensor<8x!tile.ptr<f32>, #tile.linear<[8], register = [[1], [2]], lane = [[4], [0]], warp = []>>) {
  %r = tile.arange 0 to 8 : tensor<8xi32, #tile.linear<[8], register = [[4]], lane = [[1], [2]], warp = []>>
  %s = tile.splat %x : (!tile.ptr<f16>) -> tensor<8x!tile.ptr<f16>, #tile.linear<[8], register = [[4]], lane = [[1], [2]], warp = []>>
  %p = tile.addptr %s, %r : (tensor<8x!tile.ptr<f16>, #tile.linear<[8], register = [[4]], lane = [[1], [2]], warp = []>>, tensor<8xi32, #tile.linear<[8], register = [[4]], lane = [[1], [2]], warp = []>>) -> tensor<8x!tile.ptr<f16>, #tile.linear<[8], register = [[4]], lane = [[1], [2]], warp = []>>
  %v = tile.load %p : (tensor<8x!tile.ptr<f16>, #tile.linear<[8], register = [[4]], lane = [[1], [2]], warp = []>>) -> tensor<8xf16, #tile.linear<[8], register = [[4]], lane = [[1], [2]], warp = []>>
  %w = arith.extf %v : tensor<8xf16, #tile.linear<[8], register = [[4]], lane = [[1], [2]], warp = []>> to tensor<8xf32, #tile.linear<[8], register = [[4]], lane = [[1], [2]], warp = []>>
  %c = tile.convert_layout %w : tensor<8xf32, #tile.linear<[8], register = [[4]], lane = [[1], [2]], warp = []>> to tensor<8xf32, #tile.linear<[8], register = [[1], [2]], lane = [[4], [0]], warp = []>>
  tile.store %q, %c : (tensor<8x!tile.ptr<f32>, #tile.linear<[8], register = [[1], [2]], lane = [[4], [0]], warp = []>>, tensor<8xf32, #tile.linear<[8], register = [[1], [2]], lane = [[4], [0]], warp = []>>) -> ()
  return
}

// CHECK-LABEL: func.func @there_and_back
// CHECK-NOT: convert_layout
// CHECK: tile.store %arg0, %arg1
func.func @there_and_back(%p: tensor<16x!tile.ptr<f32>, #A>, %v: tensor<16xf32, #A>) {
  %b = tile.convert_layout %v : tensor<16xf32, #A> to tensor<16xf32, #B>
  %a = tile.convert_layout %b : tensor<16xf32, #B> to tensor<16xf32, #A>
  tile.store %p, %a : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  return
}

// Of a widened value the narrow one moves.
// CHECK-LABEL: func.func @moves_the_narrow_value
// CHECK: %[[C:.*]] = tile.convert_layout %arg1 : tensor<16xf32
// CHECK: arith.extf %[[C]]
func.func @moves_the_narrow_value(%p: tensor<16x!tile.ptr<f64>, #B>, %v: tensor<16xf32, #A>) {
  %w = arith.extf %v : tensor<16xf32, #A> to tensor<16xf64, #A>
  %c = tile.convert_layout %w : tensor<16xf64, #A> to tensor<16xf64, #B>
  tile.store %p, %c : (tensor<16x!tile.ptr<f64>, #B>, tensor<16xf64, #B>) -> ()
  return
}

// An expensive function of a loaded value is not computed twice for a cheap shuffle.
// CHECK-LABEL: func.func @keeps_expensive_work
// CHECK: %[[E:.*]] = math.exp %arg1 {{.*}}: tensor<16xf32, #[[$A:.*]]>
// CHECK: tile.convert_layout %[[E]]
func.func @keeps_expensive_work(%p: tensor<16x!tile.ptr<f32>, #B>, %v: tensor<16xf32, #A>, %q: tensor<16x!tile.ptr<f32>, #A>) {
  %e = math.exp %v : tensor<16xf32, #A>
  tile.store %q, %e : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  %c = tile.convert_layout %e : tensor<16xf32, #A> to tensor<16xf32, #B>
  tile.store %p, %c : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  return
}
// What is only turned round behind its load is converted in front of that, where a ring's slot may give it: the same clocks.
// CHECK-LABEL: func.func @turned_behind_its_load
// CHECK: %[[V:.*]] = tile.load %arg1
// CHECK: %[[C:.*]] = tile.convert_layout %[[V]]
// CHECK: %[[T:.*]] = tile.transpose %[[C]]
// CHECK: tile.store %arg0, %[[T]]
func.func @turned_behind_its_load(%p: tensor<4x4x!tile.ptr<f32>, #M>, %q: tensor<4x4x!tile.ptr<f32>, #M>) {
  %v = tile.load %q : (tensor<4x4x!tile.ptr<f32>, #M>) -> tensor<4x4xf32, #M>
  %t = tile.transpose %v order = [1, 0] : (tensor<4x4xf32, #M>) -> tensor<4x4xf32, #T>
  %c = tile.convert_layout %t : tensor<4x4xf32, #T> to tensor<4x4xf32, #M>
  tile.store %p, %c : (tensor<4x4x!tile.ptr<f32>, #M>, tensor<4x4xf32, #M>) -> ()
  return
}
}
