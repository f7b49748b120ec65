// Guards: loads and stores say how many neighbours along which dim are contiguous, aligned and equally masked; never more.
// RUN: %tessera-opt %s --tile-annotate-accesses=lanes=4 | FileCheck %s
#A = #tile.linear<[64], register = [[1], [2], [4]], lane = [[8], [16]], warp = [[32]]>
#S = #tile.linear<[64], offset = [[1], [2], [4], [8], [16], [32]], block = []>
#R = #tile.linear<[8, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0]], warp = [[2, 0], [4, 0]]>
#C = #tile.linear<[8, 8], register = [[1, 0], [2, 0]], lane = [[4, 0], [0, 1]], warp = [[0, 2], [0, 4]]>
#R0 = #tile.linear<[8], register = [[1], [2]], lane = [[4], [0]], warp = [[0], [0]]>
#R1 = #tile.linear<[8, 1], register = [], lane = [[0, 0], [1, 0]], warp = [[2, 0], [4, 0]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64}} {

// What went through a buffer of its own is what it was; what a second store may have changed is not.
// CHECK-LABEL: func.func @through_shared
// CHECK: tile.load {{.*}} {tile.axis = 0 : i32, tile.width = 8 : i32}
// CHECK: tile.load
// CHECK-NOT: tile.width
// CHECK: return
func.func @through_shared(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %other: tensor<64xi32, #A>) {
  %r = tile.arange 0 to 64 : tensor<64xi32, #A>
  %s = tile.splat %x : (!tile.ptr<f16>) -> tensor<64x!tile.ptr<f16>, #A>
  %own = tile.shared_alloc : !tile.shared<64xi32, #S>
  tile.shared_store %own, %r : (!tile.shared<64xi32, #S>, tensor<64xi32, #A>) -> ()
  %same = tile.shared_load %own : !tile.shared<64xi32, #S> to tensor<64xi32, #A>
  tile.shared_free %own : !tile.shared<64xi32, #S>
  %p = tile.addptr %s, %same : (tensor<64x!tile.ptr<f16>, #A>, tensor<64xi32, #A>) -> tensor<64x!tile.ptr<f16>, #A>
  %v = tile.load %p : (tensor<64x!tile.ptr<f16>, #A>) -> tensor<64xf16, #A>
  %both = tile.shared_alloc : !tile.shared<64xi32, #S>
  tile.shared_store %both, %r : (!tile.shared<64xi32, #S>, tensor<64xi32, #A>) -> ()
  tile.shared_store %both, %other : (!tile.shared<64xi32, #S>, tensor<64xi32, #A>) -> ()
  %last = tile.shared_load %both : !tile.shared<64xi32, #S> to tensor<64xi32, #A>
  tile.shared_free %both : !tile.shared<64xi32, #S>
  %q = tile.addptr %s, %last : (tensor<64x!tile.ptr<f16>, #A>, tensor<64xi32, #A>) -> tensor<64x!tile.ptr<f16>, #A>
  %w = tile.load %q : (tensor<64x!tile.ptr<f16>, #A>) -> tensor<64xf16, #A>
  return
}

// CHECK-LABEL: func.func @added
// CHECK: tile.atomic_rmw fadd, {{.*}} {tile.axis = 0 : i32, tile.width = 4 : i32}
func.func @added(%x: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %v: tensor<64xf32, #A>) {
  %r = tile.arange 0 to 64 : tensor<64xi32, #A>
  %s = tile.splat %x : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>, #A>
  %p = tile.addptr %s, %r : (tensor<64x!tile.ptr<f32>, #A>, tensor<64xi32, #A>) -> tensor<64x!tile.ptr<f32>, #A>
  %o = tile.atomic_rmw fadd, %p, %v : (tensor<64x!tile.ptr<f32>, #A>, tensor<64xf32, #A>) -> tensor<64xf32, #A>
  return
}

// As far as the address is known to be aligned, 16 bytes here.
// CHECK-LABEL: func.func @aligned
// CHECK: tile.load {{.*}} {tile.axis = 0 : i32, tile.width = 4 : i32}
// CHECK: tile.store {{.*}} {tile.axis = 0 : i32, tile.width = 4 : i32}
func.func @aligned(%x: !tile.ptr<f32> {tile.divisibility = 16 : i64}) {
  %r = tile.arange 0 to 64 : tensor<64xi32, #A>
  %s = tile.splat %x : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>, #A>
  %p = tile.addptr %s, %r : (tensor<64x!tile.ptr<f32>, #A>, tensor<64xi32, #A>) -> tensor<64x!tile.ptr<f32>, #A>
  %v = tile.load %p : (tensor<64x!tile.ptr<f32>, #A>) -> tensor<64xf32, #A>
  tile.store %p, %v : (tensor<64x!tile.ptr<f32>, #A>, tensor<64xf32, #A>) -> ()
  return
}

// A mask that a multiple of 8 bounds cuts no run of 8; one that any number bounds cuts anywhere. Nothing is known of an unaligned pointer.
// CHECK-LABEL: func.func @masked
// CHECK: tile.load {{.*}} {tile.axis = 0 : i32, tile.width = 8 : i32}
// CHECK: tile.load
// CHECK-NOT: tile.width
// CHECK: tile.load
// CHECK-NOT: tile.width
// CHECK: return
func.func @masked(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>,
                  %n: i32 {tile.divisibility = 8 : i64}, %any: i32) {
  %r = tile.arange 0 to 64 : tensor<64xi32, #A>
  %s = tile.splat %x : (!tile.ptr<f16>) -> tensor<64x!tile.ptr<f16>, #A>
  %p = tile.addptr %s, %r : (tensor<64x!tile.ptr<f16>, #A>, tensor<64xi32, #A>) -> tensor<64x!tile.ptr<f16>, #A>
  %ns = tile.splat %n : (i32) -> tensor<64xi32, #A>
  %m = arith.cmpi slt, %r, %ns : tensor<64xi32, #A>
  %v = tile.load %p mask %m : (tensor<64x!tile.ptr<f16>, #A>, tensor<64xi1, #A>) -> tensor<64xf16, #A>
  %as = tile.splat %any : (i32) -> tensor<64xi32, #A>
  %ma = arith.cmpi slt, %r, %as : tensor<64xi32, #A>
  %w = tile.load %p mask %ma : (tensor<64x!tile.ptr<f16>, #A>, tensor<64xi1, #A>) -> tensor<64xf16, #A>
  %t = tile.splat %y : (!tile.ptr<f16>) -> tensor<64x!tile.ptr<f16>, #A>
  %q = tile.addptr %t, %r : (tensor<64x!tile.ptr<f16>, #A>, tensor<64xi32, #A>) -> tensor<64x!tile.ptr<f16>, #A>
  %u = tile.load %q : (tensor<64x!tile.ptr<f16>, #A>) -> tensor<64xf16, #A>
  return
}

// The contiguous dim, not the one in the low registers; a stale mark goes, a scalar gets none.
// CHECK-LABEL: func.func @dims
// CHECK: tile.load {{.*}} {tile.axis = 1 : i32, tile.width = 8 : i32}
// CHECK: tile.load %{{[^ ]*}} : (!tile.ptr<f16>) -> f16
// CHECK: tile.load %{{[^ ]*}} : (tensor<8x8x!tile.ptr<f16>
func.func @dims(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}) {
  %r = tile.arange 0 to 8 : tensor<8xi32, #R0>
  %e = tile.expand_dims %r axis = 0 : (tensor<8xi32, #R0>) -> tensor<1x8xi32, #tile.linear<[1, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [0, 0]], warp = [[0, 0], [0, 0]]>>
  %b = tile.broadcast %e : (tensor<1x8xi32, #tile.linear<[1, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [0, 0]], warp = [[0, 0], [0, 0]]>>) -> tensor<8x8xi32, #C>
  %s = tile.splat %x : (!tile.ptr<f16>) -> tensor<8x8x!tile.ptr<f16>, #C>
  %p = tile.addptr %s, %b : (tensor<8x8x!tile.ptr<f16>, #C>, tensor<8x8xi32, #C>) -> tensor<8x8x!tile.ptr<f16>, #C>
  %v = tile.load %p : (tensor<8x8x!tile.ptr<f16>, #C>) -> tensor<8x8xf16, #C>
  %one = tile.load %x {tile.axis = 0 : i32, tile.width = 4 : i32} : (!tile.ptr<f16>) -> f16
  %w = tile.load %s {tile.axis = 0 : i32, tile.width = 4 : i32} : (tensor<8x8x!tile.ptr<f16>, #C>) -> tensor<8x8xf16, #C>
  return
}
}
