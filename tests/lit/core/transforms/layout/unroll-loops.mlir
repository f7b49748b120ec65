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
