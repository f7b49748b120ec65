// Guards: a matrix of a loop with products whose addresses lie in no known order, and which grows into a cube, is loaded as memory is read, once, not in the cube's layout, in which each
// of 32 lanes holds 32 of its 256 elements; outside of such loops its layout follows the cube.
// RUN: %tessera-opt %s --tile-assign-layouts=matrix=true | FileCheck %s

// CHECK-LABEL: func.func @grows
// CHECK: scf.for
// CHECK: tile.load %{{.*}} : (tensor<16x16x!tile.ptr<f16>, #tile.linear<[16, 16], register = {{\[\[[0-9], [0-9]\]\]}}, lane
// CHECK: return
module attributes {tile.level = "tile", tile.options = {num_warps = 4 : i64}} {
func.func @grows(%p: !tile.ptr<f16>, %s: i32, %t: i32, %n: i32, %q: !tile.ptr<f32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %two = arith.constant dense<2.0> : tensor<16x16x16xf16>
  %r = tile.arange 0 to 16 : tensor<16xi32>
  %r1 = tile.expand_dims %r axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>
  %r0 = tile.expand_dims %r axis = 0 : (tensor<16xi32>) -> tensor<1x16xi32>
  %ss = tile.splat %s : (i32) -> tensor<16x1xi32>
  %ts = tile.splat %t : (i32) -> tensor<1x16xi32>
  %rows = arith.muli %r1, %ss : tensor<16x1xi32>
  %columns = arith.muli %r0, %ts : tensor<1x16xi32>
  %rb = tile.broadcast %rows : (tensor<16x1xi32>) -> tensor<16x16xi32>
  %cb = tile.broadcast %columns : (tensor<1x16xi32>) -> tensor<16x16xi32>
  %at = arith.addi %rb, %cb : tensor<16x16xi32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<16x16xf32>) : i32 {
    %b = tile.addptr %p, %i : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>
    %bs = tile.splat %b : (!tile.ptr<f16>) -> tensor<16x16x!tile.ptr<f16>>
    %ps = tile.addptr %bs, %at : (tensor<16x16x!tile.ptr<f16>>, tensor<16x16xi32>) -> tensor<16x16x!tile.ptr<f16>>
    %x = tile.load %ps : (tensor<16x16x!tile.ptr<f16>>) -> tensor<16x16xf16>
    %x3 = tile.expand_dims %x axis = 1 : (tensor<16x16xf16>) -> tensor<16x1x16xf16>
    %cube = tile.broadcast %x3 : (tensor<16x1x16xf16>) -> tensor<16x16x16xf16>
    %doubled = arith.mulf %cube, %two : tensor<16x16x16xf16>
    %y = tile.reduce %doubled axis = 2 : (tensor<16x16x16xf16>) -> tensor<16x16xf16> {
    ^bb0(%u: f16, %v: f16):
      %w = arith.addf %u, %v : f16
      tile.yield %w : f16
    }
    %d = tile.dot %y, %y, %acc : (tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
    scf.yield %d : tensor<16x16xf32>
  }
  %whole = arith.constant dense<0> : tensor<16x16xi32>
  %qs = tile.splat %q : (!tile.ptr<f32>) -> tensor<16x16x!tile.ptr<f32>>
  %qp = tile.addptr %qs, %whole : (tensor<16x16x!tile.ptr<f32>>, tensor<16x16xi32>) -> tensor<16x16x!tile.ptr<f32>>
  tile.store %qp, %sum : (tensor<16x16x!tile.ptr<f32>>, tensor<16x16xf32>) -> ()
  return
}
}
