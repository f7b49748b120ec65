// mark-read-only.mlir - pointer arguments that nothing writes through
// RUN: %tessera-opt --tile-mark-read-only %s | FileCheck %s

// CHECK-LABEL: func.func @plain(%arg0: !tile.ptr<f32> {tile.read_only}, %arg1: !tile.ptr<f32>, %arg2: i32)
func.func @plain(%x: !tile.ptr<f32>, %y: !tile.ptr<f32>, %n: i32) {
  %v = tile.load %x : (!tile.ptr<f32>) -> f32
  %p = tile.addptr %y, %n : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
  tile.store %p, %v : (!tile.ptr<f32>, f32) -> ()
  return
}

// Through a loop, a branch and a select.
// CHECK-LABEL: func.func @carried(%arg0: !tile.ptr<i32>, %arg1: !tile.ptr<i32>, %arg2: !tile.ptr<i32>, %arg3: !tile.ptr<i32> {tile.read_only},
func.func @carried(%x: !tile.ptr<i32>, %y: !tile.ptr<i32>, %z: !tile.ptr<i32>, %w: !tile.ptr<i32>, %n: i32, %c: i1) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x, %q = %y) -> (!tile.ptr<i32>, !tile.ptr<i32>) : i32 {
    %a = tile.atomic_rmw add, %p, %n : (!tile.ptr<i32>, i32) -> i32
    scf.yield %q, %p : !tile.ptr<i32>, !tile.ptr<i32>
  }
  %s = scf.if %c -> !tile.ptr<i32> {
    scf.yield %z : !tile.ptr<i32>
  } else {
    scf.yield %r#0 : !tile.ptr<i32>
  }
  tile.store %s, %n : (!tile.ptr<i32>, i32) -> ()
  %l = tile.load %w : (!tile.ptr<i32>) -> i32
  return
}

// An address out of an integer may be anybody's.
// CHECK-LABEL: func.func @unknown(%arg0: !tile.ptr<f32>, %arg1: i64, %arg2: f32)
func.func @unknown(%x: !tile.ptr<f32>, %a: i64, %v: f32) {
  %p = tile.inttoptr %a : i64 to !tile.ptr<f32>
  tile.store %p, %v : (!tile.ptr<f32>, f32) -> ()
  return
}
