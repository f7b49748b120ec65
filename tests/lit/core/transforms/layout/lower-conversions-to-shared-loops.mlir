// Guards: a large tile that only loops read is read in every iteration where a loop's own values leave it no registers, and only there.
// RUN: %tessera-opt %s --tile-lower-conversions-to-shared=roles=true | FileCheck %s
// RUN: %tessera-opt %s --tile-lower-conversions-to-shared="roles=true shared-bytes=49152" | FileCheck %s --check-prefix=SMALL
#A = #tile.linear<[64, 128], register = [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16], [0, 32], [0, 64]], lane = [[1, 0], [2, 0], [4, 0], [8, 0], [16, 0]], warp = [[32, 0]]>
#B = #tile.linear<[64, 128], register = [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16], [0, 32], [0, 64]], lane = [[2, 0], [4, 0], [8, 0], [16, 0], [32, 0]], warp = [[1, 0]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64}} {

// 128 registers of a lane, beside a sum of 128 more. The buffer lives as long as the loop.
// CHECK-LABEL: func.func @beside_a_sum
// CHECK: tile.shared_store %[[S:[^,]*]], %arg0
// CHECK-NOT: tile.shared_load
// CHECK: scf.for
// CHECK: tile.shared_load %[[S]]
// CHECK: arith.addf
// CHECK: scf.yield
// CHECK: }
// CHECK: tile.shared_free %[[S]]
// No room for the buffer beside the loop's: it stays in registers.
// SMALL-LABEL: func.func @beside_a_sum
// SMALL: tile.shared_load
// SMALL: scf.for
func.func @beside_a_sum(%v: tensor<64x128xf32, #A>, %n: i32, %p: tensor<64x128x!tile.ptr<f32>, #B>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x128xf32, #B>
  %c = tile.convert_layout %v : tensor<64x128xf32, #A> to tensor<64x128xf32, #B>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x128xf32, #B>) : i32 {
    %back = tile.convert_layout %acc : tensor<64x128xf32, #B> to tensor<64x128xf32, #A>
    %forth = tile.convert_layout %back : tensor<64x128xf32, #A> to tensor<64x128xf32, #B>
    %next = arith.addf %forth, %c : tensor<64x128xf32, #B>
    scf.yield %next : tensor<64x128xf32, #B>
  }
  tile.store %p, %sum : (tensor<64x128x!tile.ptr<f32>, #B>, tensor<64x128xf32, #B>) -> ()
  return
}

// Nothing else is carried: it fits.
// CHECK-LABEL: func.func @alone
// CHECK: tile.shared_load
// CHECK: tile.shared_free
// CHECK: scf.for
// CHECK-NOT: tile.shared_load
// CHECK: return
func.func @alone(%v: tensor<64x128xf32, #A>, %n: i32, %p: tensor<64x128x!tile.ptr<f32>, #B>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c = tile.convert_layout %v : tensor<64x128xf32, #A> to tensor<64x128xf32, #B>
  scf.for %i = %c0 to %n step %c1 : i32 {
    tile.store %p, %c : (tensor<64x128x!tile.ptr<f32>, #B>, tensor<64x128xf32, #B>) -> ()
  }
  return
}

// Two loops, one behind the other, the second under a branch: both read it, and the buffer lives until behind the branch.
// CHECK-LABEL: func.func @in_two_loops
// CHECK: tile.shared_store %[[S:[^,]*]], %arg0
// CHECK-NOT: tile.shared_load
// CHECK: scf.for
// CHECK: tile.shared_load %[[S]]
// CHECK: arith.addf
// CHECK: scf.if
// CHECK: scf.for
// CHECK: tile.shared_load %[[S]]
// CHECK: arith.mulf
// CHECK: else
// CHECK: }
// CHECK: tile.shared_free %[[S]]
func.func @in_two_loops(%v: tensor<64x128xf32, #A>, %n: i32, %which: i1, %p: tensor<64x128x!tile.ptr<f32>, #B>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x128xf32, #B>
  %c = tile.convert_layout %v : tensor<64x128xf32, #A> to tensor<64x128xf32, #B>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x128xf32, #B>) : i32 {
    %next = arith.addf %acc, %c : tensor<64x128xf32, #B>
    scf.yield %next : tensor<64x128xf32, #B>
  }
  %more = scf.if %which -> (tensor<64x128xf32, #B>) {
    %product = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %sum) -> (tensor<64x128xf32, #B>) : i32 {
      %next = arith.mulf %acc, %c : tensor<64x128xf32, #B>
      scf.yield %next : tensor<64x128xf32, #B>
    }
    scf.yield %product : tensor<64x128xf32, #B>
  } else {
    scf.yield %sum : tensor<64x128xf32, #B>
  }
  tile.store %p, %more : (tensor<64x128x!tile.ptr<f32>, #B>, tensor<64x128xf32, #B>) -> ()
  return
}

// Read behind the loop too: it stays.
// CHECK-LABEL: func.func @behind_too
// CHECK: tile.shared_load
// CHECK: scf.for
// CHECK-NOT: tile.shared_load
// CHECK: return
func.func @behind_too(%v: tensor<64x128xf32, #A>, %n: i32, %p: tensor<64x128x!tile.ptr<f32>, #B>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x128xf32, #B>
  %c = tile.convert_layout %v : tensor<64x128xf32, #A> to tensor<64x128xf32, #B>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x128xf32, #B>) : i32 {
    %next = arith.addf %acc, %c : tensor<64x128xf32, #B>
    scf.yield %next : tensor<64x128xf32, #B>
  }
  %all = arith.mulf %sum, %c : tensor<64x128xf32, #B>
  tile.store %p, %all : (tensor<64x128x!tile.ptr<f32>, #B>, tensor<64x128xf32, #B>) -> ()
  return
}
}
