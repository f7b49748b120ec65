// Guards: buffers that live at once do not meet, others share; the total; the limit.
// RUN: %tessera-opt %s -split-input-file --tile-allocate-shared-memory="lanes=4 shared-bytes=128" -verify-diagnostics | FileCheck %s
#A = #tile.linear<[16], register = [[1]], lane = [[2], [4]], warp = [[8]]>
#M = #tile.linear<[256], register = [[1], [2], [4], [8], [16]], lane = [[32], [64]], warp = [[128]]>
#S = #tile.linear<[16], offset = [[1], [2], [4], [8]]>
// CHECK: shared_bytes = 128 : i64
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64}} {

// One after the other: the same place.
// CHECK-LABEL: func.func @reuses
// CHECK: tile.shared_alloc offset = 0 bytes = 64
// CHECK: tile.shared_alloc offset = 0 bytes = 64
func.func @reuses(%v: tensor<16xf32, #A>) {
  %s = tile.shared_alloc : !tile.shared<16xf32, #S>
  tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  tile.shared_free %s : !tile.shared<16xf32, #S>
  %t = tile.shared_alloc : !tile.shared<16xf32, #S>
  tile.shared_store %t, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  tile.shared_free %t : !tile.shared<16xf32, #S>
  return
}

// Both at once, the limit used up to the last byte.
// CHECK-LABEL: func.func @together
// CHECK: tile.shared_alloc offset = 0 bytes = 64
// CHECK: tile.shared_alloc offset = 64 bytes = 64
func.func @together(%v: tensor<16xf32, #A>) {
  %s = tile.shared_alloc : !tile.shared<16xf32, #S>
  %t = tile.shared_alloc : !tile.shared<16xf32, #S>
  tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  tile.shared_store %t, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  tile.shared_free %s : !tile.shared<16xf32, #S>
  tile.shared_free %t : !tile.shared<16xf32, #S>
  return
}

// A buffer used in a loop that it was allocated outside of lives as long as the loop, also before and after its use.
// CHECK-LABEL: func.func @around_a_loop
// CHECK: tile.shared_alloc offset = 0 bytes = 64
// CHECK: tile.shared_alloc offset = 64 bytes = 16
func.func @around_a_loop(%v: tensor<16xf32, #A>, %m: tensor<16xi1, #A>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %s = tile.shared_alloc : !tile.shared<16xf32, #S>
  scf.for %i = %c0 to %n step %c1 : i32 {
    tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
    %t = tile.shared_alloc : !tile.shared<16xi1, #S>
    tile.shared_store %t, %m : (!tile.shared<16xi1, #S>, tensor<16xi1, #A>) -> ()
  }
  return
}

// A reduction across the two warps needs a partial value of each, one along registers and lanes needs nothing.
// CHECK-LABEL: func.func @scratch
// CHECK: tile.reduce %arg0 axis = 0 {tile.bytes = 16 : i32, tile.offset = 0 : i32}
// CHECK: tile.reduce %arg1 axis = 1 : (
func.func @scratch(%v: tensor<16xf32, #A>, %w: tensor<2x8xf32, #tile.linear<[2, 8], register = [[0, 1]], lane = [[0, 2], [0, 4]], warp = [[1, 0]]>>) {
  %a = tile.reduce %v axis = 0 : (tensor<16xf32, #A>) -> f32 {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    tile.yield %z : f32
  }
  %b = tile.reduce %w axis = 1 : (tensor<2x8xf32, #tile.linear<[2, 8], register = [[0, 1]], lane = [[0, 2], [0, 4]], warp = [[1, 0]]>>) -> tensor<2xf32, #tile.linear<[2], register = [], lane = [[0], [0]], warp = [[1]]>> {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    tile.yield %z : f32
  }
  return
}

// Reductions that follow each other have scratch of their own, so that the second needs no barrier; the third is behind it. Three in a loop
// are followed by the first again.
// CHECK-LABEL: func.func @in_turn
// CHECK: tile.reduce {{.*}}tile.offset = 0 : i32
// CHECK: tile.reduce {{.*}}tile.offset = 16 : i32
// CHECK: tile.reduce {{.*}}tile.offset = 0 : i32
// CHECK: scf.for
// CHECK: tile.reduce {{.*}}tile.offset = 16 : i32
// CHECK: tile.reduce {{.*}}tile.offset = 0 : i32
// CHECK: tile.reduce {{.*}}tile.offset = 32 : i32
func.func @in_turn(%v: tensor<16xf32, #A>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
    %a = tile.reduce %v axis = 0 : (tensor<16xf32, #A>) -> f32 {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
    %b = tile.reduce %v axis = 0 : (tensor<16xf32, #A>) -> f32 {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
    %c = tile.reduce %v axis = 0 : (tensor<16xf32, #A>) -> f32 {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
  scf.for %i = %c0 to %n step %c1 : i32 {
    %d = tile.reduce %v axis = 0 : (tensor<16xf32, #A>) -> f32 {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
    %e = tile.reduce %v axis = 0 : (tensor<16xf32, #A>) -> f32 {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
    %f = tile.reduce %v axis = 0 : (tensor<16xf32, #A>) -> f32 {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
  }
  return
}

// Where a lane holds 32 values, only outside of loops.
// CHECK-LABEL: func.func @many_values
// CHECK: tile.reduce {{.*}}tile.offset = 0 : i32
// CHECK: tile.reduce {{.*}}tile.offset = 16 : i32
// CHECK: scf.for
// CHECK: tile.reduce {{.*}}tile.offset = 0 : i32
// CHECK: tile.reduce {{.*}}tile.offset = 0 : i32
func.func @many_values(%v: tensor<256xf32, #M>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
    %a = tile.reduce %v axis = 0 : (tensor<256xf32, #M>) -> f32 {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
    %b = tile.reduce %v axis = 0 : (tensor<256xf32, #M>) -> f32 {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
  scf.for %i = %c0 to %n step %c1 : i32 {
    %c = tile.reduce %v axis = 0 : (tensor<256xf32, #M>) -> f32 {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
    %d = tile.reduce %v axis = 0 : (tensor<256xf32, #M>) -> f32 {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
  }
  return
}
}

// -----

// One byte more than there is.
#A = #tile.linear<[16], register = [[1]], lane = [[2], [4]], warp = [[8]]>
#S = #tile.linear<[16], offset = [[1], [2], [4], [8]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64}} {
func.func @too_much(%v: tensor<16xf64, #A>, %m: tensor<16xi1, #A>) {
  // expected-error @below {{kernel too_much needs 144 bytes of shared memory, target generic-simt has 128 for a block}}
  // expected-note @below {{128 bytes at offset 0: a tile of 16xf64 that changes its layout between warps}}
  %s = tile.shared_alloc : !tile.shared<16xf64, #S>
  // expected-note @below {{16 bytes at offset 128: a tile of 16xi1 that changes its layout between warps}}
  %t = tile.shared_alloc : !tile.shared<16xi1, #S>
  tile.shared_store %s, %v : (!tile.shared<16xf64, #S>, tensor<16xf64, #A>) -> ()
  tile.shared_store %t, %m : (!tile.shared<16xi1, #S>, tensor<16xi1, #A>) -> ()
  return
}
}
