// hoist-invariants.mlir - what does not change leaves loops
// RUN: %tessera-opt --tile-hoist-invariants %s | FileCheck %s

// CHECK-LABEL: func.func @division_moves
func.func @division_moves(%n: i32, %d: i32, %p: !tile.ptr<i32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  // CHECK: arith.divsi
  // CHECK: scf.for
  scf.for %i = %c0 to %n step %c1 : i32 {
    %q = arith.divsi %n, %d : i32
    // CHECK: tile.load
    // CHECK: tile.store
    %l = tile.load %p : (!tile.ptr<i32>) -> i32
    %s = arith.addi %l, %q : i32
    tile.store %p, %s : (!tile.ptr<i32>, i32) -> ()
  }
  return
}

// CHECK-LABEL: func.func @told_not_to
func.func @told_not_to(%n: i32, %d: i32, %p: !tile.ptr<i32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  // CHECK: scf.for
  // CHECK-NEXT: arith.muli
  scf.for %i = %c0 to %n step %c1 : i32 {
    %q = arith.muli %n, %d : i32
    tile.store %p, %q : (!tile.ptr<i32>, i32) -> ()
  } {tile.loop_flags = 8 : i32}
  return
}
