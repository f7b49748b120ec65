// Guards: a load does not wait behind a conversion through shared memory that it has nothing to do with, unless it is large, needs it, or memory was written in between.
// RUN: %tessera-opt %s --tile-hoist-loads=lanes=4 | FileCheck %s
#A = #tile.linear<[16], register = [[1]], lane = [[2], [4]], warp = [[8]]>
#B = #tile.linear<[16], register = [[8]], lane = [[1], [2]], warp = [[4]]>
#C = #tile.linear<[16], register = [[2]], lane = [[1], [4]], warp = [[8]]>
#L = #tile.linear<[256], register = [[1], [2], [4], [8], [128]], lane = [[16], [32]], warp = [[64]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64}} {

// CHECK-LABEL: func.func @apart
// CHECK: tile.load
// CHECK: arith.divsi
// CHECK: tile.load
// CHECK: tile.convert_layout
// CHECK: arith.addf
func.func @apart(%p: tensor<16x!tile.ptr<f32>, #A>, %q: tensor<16x!tile.ptr<f32>, #B>, %n: i32, %m: i32) {
  %v = tile.load %p : (tensor<16x!tile.ptr<f32>, #A>) -> tensor<16xf32, #A>
  %c = tile.convert_layout %v : tensor<16xf32, #A> to tensor<16xf32, #B>
  %g = arith.divsi %n, %m : i32
  %o = tile.splat %g : (i32) -> tensor<16xi32, #B>
  %r = tile.addptr %q, %o : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xi32, #B>) -> tensor<16x!tile.ptr<f32>, #B>
  %w = tile.load %r : (tensor<16x!tile.ptr<f32>, #B>) -> tensor<16xf32, #B>
  %s = arith.addf %c, %w : tensor<16xf32, #B>
  tile.store %q, %s : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  return
}

// What is loaded behind a store may read what that wrote.
// CHECK-LABEL: func.func @behind_a_store
// CHECK: tile.convert_layout
// CHECK: tile.store
// CHECK: tile.load
func.func @behind_a_store(%p: tensor<16x!tile.ptr<f32>, #B>, %v: tensor<16xf32, #A>) {
  %c = tile.convert_layout %v : tensor<16xf32, #A> to tensor<16xf32, #B>
  tile.store %p, %c : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  %w = tile.load %p : (tensor<16x!tile.ptr<f32>, #B>) -> tensor<16xf32, #B>
  tile.store %p, %w : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  return
}

// An address that is converted; a conversion between lanes of a warp, which has no barrier; 32 elements a lane.
// CHECK-LABEL: func.func @stay
// CHECK: tile.convert_layout
// CHECK: tile.load
// CHECK-LABEL: func.func @shuffled
// CHECK: tile.convert_layout
// CHECK: tile.load
// CHECK-LABEL: func.func @large
// CHECK: tile.convert_layout
// CHECK: tile.load
func.func @stay(%p: tensor<16x!tile.ptr<f32>, #A>, %q: tensor<16x!tile.ptr<f32>, #B>) {
  %c = tile.convert_layout %p : tensor<16x!tile.ptr<f32>, #A> to tensor<16x!tile.ptr<f32>, #B>
  %w = tile.load %c : (tensor<16x!tile.ptr<f32>, #B>) -> tensor<16xf32, #B>
  tile.store %q, %w : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  return
}
func.func @shuffled(%p: tensor<16x!tile.ptr<f32>, #C>, %v: tensor<16xf32, #A>) {
  %c = tile.convert_layout %v : tensor<16xf32, #A> to tensor<16xf32, #C>
  %w = tile.load %p : (tensor<16x!tile.ptr<f32>, #C>) -> tensor<16xf32, #C>
  %s = arith.addf %c, %w : tensor<16xf32, #C>
  tile.store %p, %s : (tensor<16x!tile.ptr<f32>, #C>, tensor<16xf32, #C>) -> ()
  return
}
func.func @large(%p: tensor<16x!tile.ptr<f32>, #B>, %q: tensor<256x!tile.ptr<f32>, #L>, %v: tensor<16xf32, #A>) {
  %c = tile.convert_layout %v : tensor<16xf32, #A> to tensor<16xf32, #B>
  %w = tile.load %q : (tensor<256x!tile.ptr<f32>, #L>) -> tensor<256xf32, #L>
  tile.store %q, %w : (tensor<256x!tile.ptr<f32>, #L>, tensor<256xf32, #L>) -> ()
  tile.store %p, %c : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  return
}
}
