// Guards: rows that a program reads in two loops are marked in the second, with what that loop stores; nothing else is.
// RUN: %tessera-opt %s --tile-mark-last-reads | FileCheck %s
module attributes {tile.options = {num_warps = 4 : i64}} {

// CHECK-LABEL: func.func @twice
// CHECK: scf.for
// CHECK: tile.load
// CHECK-NOT: evict
// CHECK: scf.for
// CHECK: tile.load {{.*}} evict = first
// CHECK: tile.load %{{[a-z0-9]+}} :
// CHECK: tile.store {{.*}} evict = first
func.func @twice(%x: !tile.ptr<f32>, %y: !tile.ptr<f32>, %w: !tile.ptr<f32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c64 = arith.constant 64 : i32
  %pid = tile.program_id 0
  %row = arith.muli %pid, %n : i32
  %base = tile.addptr %x, %row : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
  %out = tile.addptr %y, %row : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
  %lane = tile.arange 0 to 64 : tensor<64xi32>
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %sum = scf.for %i = %c0 to %n step %c64 iter_args(%total = %zero) -> (tensor<64xf32>) : i32 {
    %p = tile.addptr %base, %i : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
    %pl = tile.addptr %ps, %lane : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %v = tile.load %pl : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    %next = arith.addf %total, %v : tensor<64xf32>
    scf.yield %next : tensor<64xf32>
  }
  scf.for %i = %c0 to %n step %c64 : i32 {
    %p = tile.addptr %base, %i : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
    %pl = tile.addptr %ps, %lane : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %v = tile.load %pl : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    // Read in this loop only, and by every program.
    %g = tile.addptr %w, %i : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %gs = tile.splat %g : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
    %gl = tile.addptr %gs, %lane : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %weight = tile.load %gl : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    %d = arith.mulf %v, %weight : tensor<64xf32>
    %e = arith.divf %d, %sum : tensor<64xf32>
    %q = tile.addptr %out, %i : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %qs = tile.splat %q : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
    %ql = tile.addptr %qs, %lane : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    tile.store %ql, %e : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
  }
  return
}

// Pointers that are carried along; only the third loop is the last one. Its store has a hint of its own.
// CHECK-LABEL: func.func @three_times
// CHECK: scf.for
// CHECK-NOT: evict
// CHECK: scf.for
// CHECK-NOT: evict
// CHECK: scf.for
// CHECK: tile.load {{.*}} evict = first
// CHECK-NOT: evict
// CHECK: return
func.func @three_times(%x: !tile.ptr<f32>, %y: !tile.ptr<f32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c64 = arith.constant 64 : i32
  %pid = tile.program_id 0
  %row = arith.muli %pid, %n : i32
  %lane = tile.arange 0 to 64 : tensor<64xi32>
  %rows = tile.splat %row : (i32) -> tensor<64xi32>
  %at = arith.addi %rows, %lane : tensor<64xi32>
  %xs = tile.splat %x : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
  %ys = tile.splat %y : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
  %xp = tile.addptr %xs, %at : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
  %yp = tile.addptr %ys, %at : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
  %step = arith.constant dense<64> : tensor<64xi32>
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %a:2 = scf.for %i = %c0 to %n step %c64 iter_args(%p = %xp, %total = %zero) -> (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) : i32 {
    %v = tile.load %p : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    %next = tile.addptr %p, %step : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %sum = arith.addf %total, %v : tensor<64xf32>
    scf.yield %next, %sum : tensor<64x!tile.ptr<f32>>, tensor<64xf32>
  }
  %b = scf.for %i = %c0 to %n step %c64 iter_args(%p = %xp) -> (tensor<64x!tile.ptr<f32>>) : i32 {
    %v = tile.load %p : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    tile.store %yp, %v : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
    %next = tile.addptr %p, %step : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    scf.yield %next : tensor<64x!tile.ptr<f32>>
  }
  %c = scf.for %i = %c0 to %n step %c64 iter_args(%p = %xp) -> (tensor<64x!tile.ptr<f32>>) : i32 {
    %v = tile.load %p : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    tile.store %yp, %v cache = wb : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
    %next = tile.addptr %p, %step : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    scf.yield %next : tensor<64x!tile.ptr<f32>>
  }
  return
}

// Rows that all programs read, other bounds, other places: nothing of a program's own is known to be read again.
// CHECK-LABEL: func.func @not_again
// CHECK-NOT: evict
// CHECK: return
func.func @not_again(%x: !tile.ptr<f32>, %y: !tile.ptr<f32>, %n: i32, %m: i32) {
  %c0 = arith.constant 0 : i32
  %c64 = arith.constant 64 : i32
  %pid = tile.program_id 0
  %row = arith.muli %pid, %n : i32
  %lane = tile.arange 0 to 64 : tensor<64xi32>
  %xs = tile.splat %x : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
  %ys = tile.splat %y : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
  %rows = tile.splat %row : (i32) -> tensor<64xi32>
  %own = tile.addptr %xs, %rows : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %a = scf.for %i = %c0 to %n step %c64 iter_args(%total = %zero) -> (tensor<64xf32>) : i32 {
    %is = tile.splat %i : (i32) -> tensor<64xi32>
    %at = arith.addi %is, %lane : tensor<64xi32>
    %p = tile.addptr %own, %at : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %q = tile.addptr %ys, %at : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %v = tile.load %p : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    %w = tile.load %q : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    %s = arith.addf %total, %v : tensor<64xf32>
    %t = arith.addf %s, %w : tensor<64xf32>
    scf.yield %t : tensor<64xf32>
  }
  %b = scf.for %i = %c0 to %m step %c64 iter_args(%total = %a) -> (tensor<64xf32>) : i32 {
    %is = tile.splat %i : (i32) -> tensor<64xi32>
    %at = arith.addi %is, %lane : tensor<64xi32>
    %p = tile.addptr %own, %at : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %v = tile.load %p : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    %t = arith.addf %total, %v : tensor<64xf32>
    scf.yield %t : tensor<64xf32>
  }
  %c = scf.for %i = %c0 to %n step %c64 iter_args(%total = %b) -> (tensor<64xf32>) : i32 {
    %is = tile.splat %i : (i32) -> tensor<64xi32>
    %at = arith.addi %is, %is : tensor<64xi32>
    %there = arith.addi %is, %lane : tensor<64xi32>
    %p = tile.addptr %own, %at : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %q = tile.addptr %ys, %there : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
    %v = tile.load %p : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    %w = tile.load %q : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
    %s = arith.addf %total, %v : tensor<64xf32>
    %t = arith.addf %s, %w : tensor<64xf32>
    scf.yield %t : tensor<64xf32>
  }
  tile.store %ys, %c : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
  return
}
}
