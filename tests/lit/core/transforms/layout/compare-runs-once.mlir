// Guards: a comparison with one truth on runs of which a lane holds several elements looks at the first one, where it selects values or masks several vectors;
// any other stays.
// RUN: %tessera-opt %s --tile-compare-runs-once=lanes=4 | FileCheck %s
#A = #tile.linear<[64], register = [[1], [2], [4]], lane = [[8], [16]], warp = [[32]]>
#S = #tile.linear<[64], register = [[32], [1]], lane = [[2], [4], [8]], warp = [[16]]>
#T = #tile.linear<[64, 4], register = [[8, 0], [16, 0], [0, 1]], lane = [[0, 2], [1, 0]], warp = [[2, 0], [4, 0], [32, 0]]>
#R = #tile.linear<[64], register = [[8], [16], [0]], lane = [[0], [1]], warp = [[2], [4], [32]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64}} {

// CHECK-LABEL: func.func @selects
// CHECK: %[[R:.*]] = tile.arange
// CHECK: %[[N:.*]] = tile.splat
// CHECK: %[[LOWEST:.*]] = arith.constant dense<-8>
// CHECK: %[[FIRST:.*]] = arith.andi %[[R]], %[[LOWEST]]
// CHECK: arith.cmpi slt, %[[FIRST]], %[[N]]
func.func @selects(%n: i32 {tile.divisibility = 16 : i64}, %x: f32) -> tensor<64xf32, #A> {
  %r = tile.arange 0 to 64 : tensor<64xi32, #A>
  %ns = tile.splat %n : (i32) -> tensor<64xi32, #A>
  %m = arith.cmpi slt, %r, %ns : tensor<64xi32, #A>
  %xs = tile.splat %x : (f32) -> tensor<64xf32, #A>
  %zero = arith.constant dense<0.0> : tensor<64xf32, #A>
  %v = arith.select %m, %xs, %zero : tensor<64xi1, #A>, tensor<64xf32, #A>
  return %v : tensor<64xf32, #A>
}

// The bound on the left, and fewer neighbours in a lane than in a run: 2 of 8.
// CHECK-LABEL: func.func @bound_on_the_left
// CHECK: arith.constant dense<-2>
// CHECK: %[[FIRST:.*]] = arith.andi
// CHECK: arith.cmpi sgt, %{{.*}}, %[[FIRST]]
func.func @bound_on_the_left(%n: i32 {tile.divisibility = 8 : i64}, %x: f32) -> tensor<64xf32, #S> {
  %r = tile.arange 0 to 64 : tensor<64xi32, #S>
  %ns = tile.splat %n : (i32) -> tensor<64xi32, #S>
  %m = arith.cmpi sgt, %ns, %r : tensor<64xi32, #S>
  %xs = tile.splat %x : (f32) -> tensor<64xf32, #S>
  %zero = arith.constant dense<0.0> : tensor<64xf32, #S>
  %v = arith.select %m, %xs, %zero : tensor<64xi1, #S>, tensor<64xf32, #S>
  return %v : tensor<64xf32, #S>
}

// Not: any bound, which cuts a run anywhere; less or equal, which takes one element of the next run; equality.
// CHECK-LABEL: func.func @stay
// CHECK-NOT: arith.andi
// CHECK: return
func.func @stay(%n: i32 {tile.divisibility = 16 : i64}, %any: i32, %x: f32)
    -> (tensor<64xf32, #A>, tensor<64xf32, #A>, tensor<64xf32, #A>) {
  %r = tile.arange 0 to 64 : tensor<64xi32, #A>
  %ns = tile.splat %n : (i32) -> tensor<64xi32, #A>
  %as = tile.splat %any : (i32) -> tensor<64xi32, #A>
  %xs = tile.splat %x : (f32) -> tensor<64xf32, #A>
  %zero = arith.constant dense<0.0> : tensor<64xf32, #A>
  %ma = arith.cmpi slt, %r, %as : tensor<64xi32, #A>
  %va = arith.select %ma, %xs, %zero : tensor<64xi1, #A>, tensor<64xf32, #A>
  %ml = arith.cmpi sle, %r, %ns : tensor<64xi32, #A>
  %vl = arith.select %ml, %xs, %zero : tensor<64xi1, #A>, tensor<64xf32, #A>
  %me = arith.cmpi eq, %r, %ns : tensor<64xi32, #A>
  %ve = arith.select %me, %xs, %zero : tensor<64xi1, #A>, tensor<64xf32, #A>
  return %va, %vl, %ve : tensor<64xf32, #A>, tensor<64xf32, #A>, tensor<64xf32, #A>
}

// Masks of accesses only: these take one truth a vector by themselves, here all that a lane holds.
// CHECK-LABEL: func.func @masks
// CHECK-NOT: arith.andi %{{.*}}tensor<64xi32
// CHECK: return
func.func @masks(%x: !tile.ptr<bf16> {tile.divisibility = 16 : i64}, %n: i32 {tile.divisibility = 16 : i64}, %any: i32) {
  %r = tile.arange 0 to 64 : tensor<64xi32, #A>
  %ns = tile.splat %n : (i32) -> tensor<64xi32, #A>
  %as = tile.splat %any : (i32) -> tensor<64xi32, #A>
  %s = tile.splat %x : (!tile.ptr<bf16>) -> tensor<64x!tile.ptr<bf16>, #A>
  %p = tile.addptr %s, %r : (tensor<64x!tile.ptr<bf16>, #A>, tensor<64xi32, #A>) -> tensor<64x!tile.ptr<bf16>, #A>
  %m = arith.cmpi slt, %r, %ns : tensor<64xi32, #A>
  %ma = arith.cmpi slt, %r, %as : tensor<64xi32, #A>
  %both = arith.andi %m, %ma : tensor<64xi1, #A>
  %v = tile.load %p mask %m {tile.axis = 0 : i32, tile.width = 16 : i32} : (tensor<64x!tile.ptr<bf16>, #A>, tensor<64xi1, #A>) -> tensor<64xbf16, #A>
  tile.store %p, %v mask %both {tile.axis = 0 : i32, tile.width = 16 : i32} : (tensor<64x!tile.ptr<bf16>, #A>, tensor<64xbf16, #A>, tensor<64xi1, #A>) -> ()
  return
}

// Two vectors of four share the truth of eight neighbours.
// CHECK-LABEL: func.func @vectors
// CHECK: arith.constant dense<-8>
// CHECK: %[[FIRST:.*]] = arith.andi %{{.*}}tensor<64xi32
// CHECK: arith.cmpi slt, %[[FIRST]]
func.func @vectors(%x: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %n: i32 {tile.divisibility = 16 : i64}) -> tensor<64xf32, #A> {
  %r = tile.arange 0 to 64 : tensor<64xi32, #A>
  %ns = tile.splat %n : (i32) -> tensor<64xi32, #A>
  %s = tile.splat %x : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>, #A>
  %p = tile.addptr %s, %r : (tensor<64x!tile.ptr<f32>, #A>, tensor<64xi32, #A>) -> tensor<64x!tile.ptr<f32>, #A>
  %m = arith.cmpi slt, %r, %ns : tensor<64xi32, #A>
  %v = tile.load %p mask %m {tile.axis = 0 : i32, tile.width = 16 : i32} : (tensor<64x!tile.ptr<f32>, #A>, tensor<64xi1, #A>) -> tensor<64xf32, #A>
  return %v : tensor<64xf32, #A>
}

// Rows of a tile, 8 and 16 apart in a lane: those 8 apart share a truth below a multiple of 16, the others none.
// CHECK-LABEL: func.func @rows
// CHECK: arith.constant dense<-9>
// CHECK: %[[FIRST:.*]] = arith.andi %{{.*}}tensor<64xi32
// CHECK: arith.cmpi slt, %[[FIRST]]
func.func @rows(%p: tensor<64x4x!tile.ptr<f32>, #T>, %n: i32 {tile.divisibility = 16 : i64}) -> tensor<64x4xf32, #T> {
  %r = tile.arange 0 to 64 : tensor<64xi32, #R>
  %ns = tile.splat %n : (i32) -> tensor<64xi32, #R>
  %m = arith.cmpi slt, %r, %ns : tensor<64xi32, #R>
  %e = tile.expand_dims %m axis = 1 : (tensor<64xi1, #R>) -> tensor<64x1xi1, #tile.linear<[64, 1], register = [[8, 0], [16, 0], [0, 0]], lane = [[0, 0], [1, 0]], warp = [[2, 0], [4, 0], [32, 0]]>>
  %b = tile.broadcast %e : (tensor<64x1xi1, #tile.linear<[64, 1], register = [[8, 0], [16, 0], [0, 0]], lane = [[0, 0], [1, 0]], warp = [[2, 0], [4, 0], [32, 0]]>>) -> tensor<64x4xi1, #T>
  %v = tile.load %p mask %b : (tensor<64x4x!tile.ptr<f32>, #T>, tensor<64x4xi1, #T>) -> tensor<64x4xf32, #T>
  return %v : tensor<64x4xf32, #T>
}

}
