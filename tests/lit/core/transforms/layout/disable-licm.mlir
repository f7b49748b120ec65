// Guards: the LAYOUT steps leave in a loop what it computes anew each time, where it says disable_licm.
// RUN: %tessera-opt %s --tile-layout-pipeline | FileCheck %s

// CHECK-LABEL: func.func @stays
// CHECK: scf.for
// CHECK: arith.muli
// CHECK: scf.yield
// CHECK: scf.for
// CHECK-NOT: arith.muli
// CHECK: return
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @stays(%n: i32, %p: !tile.ptr<i32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %c0) -> (i32) : i32 {
    %q = arith.muli %n, %n : i32
    %t = arith.addi %s, %q : i32
    scf.yield %t : i32
  } {tile.loop_flags = 8 : i32}
  %m = arith.constant 3 : i32
  %u = scf.for %i = %c0 to %n step %c1 iter_args(%s = %r) -> (i32) : i32 {
    %q = arith.muli %n, %m : i32
    %t = arith.addi %s, %q : i32
    scf.yield %t : i32
  }
  tile.store %p, %u : (!tile.ptr<i32>, i32) -> ()
  return
}
}
