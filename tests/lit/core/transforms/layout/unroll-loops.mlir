// Guards: a loop that says unroll does so many iterations in one, and those that are left in a loop that loads nothing ahead; the other wishes stay.
// RUN: %tessera-opt %s --tile-unroll-loops | FileCheck %s

// CHECK-LABEL: func.func @by_three
// CHECK: %[[TRIPS:.*]] = arith.select
// CHECK: %[[ROUNDS:.*]] = arith.divui %[[TRIPS]]
// CHECK: %[[S:.*]] = scf.for unsigned %{{.*}} = %{{.*}} to %[[ROUNDS]] {{.*}} iter_args(%[[IN:.*]] = %
// CHECK-COUNT-3: arith.xori
// CHECK-NOT: arith.xori
// CHECK: } {tile.loop_flags = 8 : i32, tile.num_stages = 4 : i32}
// CHECK: %[[R:.*]] = scf.for unsigned %{{.*}} = %{{.*}} to %[[TRIPS]] {{.*}} iter_args(%{{.*}} = %[[S]])
// CHECK: arith.xori
// CHECK-NOT: arith.xori
// CHECK: } {tile.loop_flags = 8 : i32, tile.num_stages = 1 : i32}
// CHECK: tile.store %{{.*}}, %[[R]]
func.func @by_three(%n: i32, %p: !tile.ptr<i32>) {
  %c0 = arith.constant 0 : i32
  %c2 = arith.constant 2 : i32
  %r = scf.for %i = %c0 to %n step %c2 iter_args(%s = %c0) -> (i32) : i32 {
    %x = arith.xori %s, %i : i32
    scf.yield %x : i32
  } {tile.unroll = 3 : i32, tile.num_stages = 4 : i32, tile.loop_flags = 8 : i32}
  tile.store %p, %r : (!tile.ptr<i32>, i32) -> ()
  return
}

// CHECK-LABEL: func.func @by_one
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: return
func.func @by_one(%n: i32, %p: !tile.ptr<i32>) {
  %c0 = arith.constant 0 : i32
  %c2 = arith.constant 2 : i32
  scf.for %i = %c0 to %n step %c2 : i32 {
    tile.store %p, %i : (!tile.ptr<i32>, i32) -> ()
  } {tile.unroll = 1 : i32}
  return
}

// A short loop of loads goes as a whole, with the branches on its count; what says how many stages it wants stays, and so do five iterations.
// CHECK-LABEL: func.func @short
// CHECK-NOT: scf.for
// CHECK-NOT: scf.if
// CHECK: %[[A:.*]] = tile.load
// CHECK: %[[B:.*]] = tile.load
// CHECK: %[[S:.*]] = arith.addf %[[A]], %[[B]]
// CHECK: tile.store %{{.*}}, %[[S]]
// CHECK: scf.for
// CHECK: scf.for
func.func @short(%p: !tile.ptr<f32>) {
  %c0 = arith.constant 0 : i32
  %c64 = arith.constant 64 : i32
  %c128 = arith.constant 128 : i32
  %c320 = arith.constant 320 : i32
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %base = tile.splat %p : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
  %lane = tile.arange 0 to 64 : tensor<64xi32>
  %r = scf.for %i = %c0 to %c128 step %c64 iter_args(%s = %zero) -> (tensor<64xf32>) : i32 {
    %o = tile.splat %i : (i32) -> tensor<64xi32>
    %at = arith.addi %o, %lane : tensor<64xi32>
    %q = tile.addptr %base, %at : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %x = tile.load %q : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    %first = arith.cmpi eq, %i, %c0 : i32
    %n = scf.if %first -> (tensor<64xf32>) {
      scf.yield %x : tensor<64xf32>
    } else {
      %sum = arith.addf %s, %x : tensor<64xf32>
      scf.yield %sum : tensor<64xf32>
    }
    scf.yield %n : tensor<64xf32>
  }
  %q = tile.addptr %base, %lane : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
  tile.store %q, %r : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
  scf.for %i = %c0 to %c128 step %c64 : i32 {
    %x = tile.load %q : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    tile.store %q, %x : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
  } {tile.num_stages = 2 : i32}
  scf.for %i = %c0 to %c320 step %c64 : i32 {
    %x = tile.load %q : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    tile.store %q, %x : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
  }
  return
}

// Groups of four of 32: the count is known where the loop runs, and the iterations stand in a branch. Groups of six may be cut.
// CHECK-LABEL: func.func @groups
// CHECK: %[[RUNS:.*]] = arith.cmpi slt, %[[FIRST:.*]], %{{.*}} : i32
// CHECK: scf.if %[[RUNS]]
// CHECK-COUNT-4: tile.load
// CHECK: scf.for
// CHECK: tile.load
// CHECK-NOT: tile.load
// CHECK: return
func.func @groups(%p: !tile.ptr<f32>, %n: i32) {
  %c1 = arith.constant 1 : i32
  %c4 = arith.constant 4 : i32
  %c6 = arith.constant 6 : i32
  %c32 = arith.constant 32 : i32
  %pid = tile.program_id 0
  %base = tile.splat %p : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
  %first = arith.muli %pid, %c4 : i32
  %beyond = arith.addi %first, %c4 : i32
  %last = arith.minsi %beyond, %c32 : i32
  scf.for %i = %first to %last step %c1 : i32 {
    %o = tile.splat %i : (i32) -> tensor<64xi32>
    %q = tile.addptr %base, %o : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %x = tile.load %q : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    tile.store %q, %x : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
  }
  %cut = arith.minsi %beyond, %c6 : i32
  scf.for %i = %first to %cut step %c1 : i32 {
    %o = tile.splat %i : (i32) -> tensor<64xi32>
    %q = tile.addptr %base, %o : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %x = tile.load %q : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    tile.store %q, %x : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
  }
  return
}
