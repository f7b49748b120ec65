// drop-carried-values.mlir - carried values that only make themselves go
// RUN: %tessera-opt --tile-drop-carried-values %s | FileCheck %s

// CHECK-LABEL: func.func @only_itself
func.func @only_itself(%n: i32, %p: !tile.ptr<i32>) -> i32 {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  // CHECK: scf.for {{.*}} iter_args(%{{.+}} = %{{.+}}) -> (i32)
  %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %c0, %b = %c0, %c = %c1) -> (i32, i32, i32) : i32 {
    %a2 = arith.addi %a, %i : i32
    %b2 = arith.addi %b, %c : i32
    %d2 = arith.muli %c, %b : i32
    scf.yield %a2, %b2, %d2 : i32, i32, i32
  } {tile.num_stages = 4 : i32}
  // CHECK: tile.num_stages = 4
  return %r#0 : i32
}

// Used by a store, by a nested branch, or after the loop: stays.
// CHECK-LABEL: func.func @needed
func.func @needed(%n: i32, %p: !tile.ptr<i32>, %k: i1) -> i32 {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  // CHECK: -> (i32, i32, i32)
  %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %c0, %b = %c0, %c = %c0) -> (i32, i32, i32) : i32 {
    %a2 = arith.addi %a, %i : i32
    %b2 = arith.addi %b, %i : i32
    %d2 = arith.addi %c, %i : i32
    tile.store %p, %a : (!tile.ptr<i32>, i32) -> ()
    scf.if %k {
      tile.store %p, %b : (!tile.ptr<i32>, i32) -> ()
    }
    scf.yield %a2, %b2, %d2 : i32, i32, i32
  }
  return %r#2 : i32
}
