// Guards: the LAYOUT steps leave in a loop what it computes anew each time, where it says disable_licm.
// RUN: %tessera-opt %s --tile-layout-pipeline | FileCheck %s
// RUN: %tessera-opt %s --tile-hoist-invariants | FileCheck %s

// CHECK-LABEL: func.func @stays
// CHECK: scf.for
// CHECK: arith.muli
// CHECK: scf.yield
// CHECK: scf.for
// CHECK-NOT: arith.muli
// CHECK: return

// A `while`, as loops with `break` are.
// CHECK-LABEL: func.func @waits
// CHECK: scf.while
// CHECK: do {
// CHECK: arith.muli
// CHECK: scf.yield
// CHECK: tile.loop_flags = 8 : i32
// CHECK: arith.muli
// CHECK: scf.while
// CHECK: do {
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
func.func @waits(%n: i32, %p: !tile.ptr<i32>) {
  %c0 = arith.constant 0 : i32
  %m = arith.constant 3 : i32
  %r = scf.while (%s = %c0) : (i32) -> i32 {
    %more = arith.cmpi slt, %s, %n : i32
    scf.condition(%more) %s : i32
  } do {
  ^bb0(%s: i32):
    %q = arith.muli %n, %n : i32
    %t = arith.addi %s, %q : i32
    scf.yield %t : i32
  } attributes {tile.loop_flags = 8 : i32}
  %u = scf.while (%s = %r) : (i32) -> i32 {
    %more = arith.cmpi slt, %s, %n : i32
    scf.condition(%more) %s : i32
  } do {
  ^bb0(%s: i32):
    %q = arith.muli %n, %m : i32
    %t = arith.addi %s, %q : i32
    scf.yield %t : i32
  }
  tile.store %p, %u : (!tile.ptr<i32>, i32) -> ()
  return
}
}
