// Guards: a barrier where a lane touches global memory that another lane may have touched before, and nowhere else.
// RUN: %tessera-opt %s --tile-insert-barriers=lanes=4 | FileCheck %s
#A = #tile.linear<[16], register = [[1]], lane = [[2], [4]], warp = [[8]]>
#B = #tile.linear<[16], register = [[8]], lane = [[2], [4]], warp = [[1]]>
#C = #tile.linear<[4], register = [], lane = [[1], [2]], warp = [[0]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64, shared_bytes = 0 : i64}} {

// Each lane writes what it read itself.
// CHECK-LABEL: func.func @in_place
// CHECK-NOT: tile.barrier
// CHECK: return
func.func @in_place(%p: !tile.ptr<f32>) {
  %i = tile.arange 0 to 16 : tensor<16xi32, #A>
  %s = tile.splat %p : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #A>
  %at = tile.addptr %s, %i : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xi32, #A>) -> tensor<16x!tile.ptr<f32>, #A>
  %v = tile.load %at : (tensor<16x!tile.ptr<f32>, #A>) -> tensor<16xf32, #A>
  tile.store %at, %v : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  return
}

// The same places in another layout; then the other way round: what was stored is loaded in the first one.
// CHECK-LABEL: func.func @other_layout
// CHECK: tile.load
// CHECK: tile.barrier
// CHECK-NEXT: tile.store
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.load
// CHECK: return
func.func @other_layout(%p: !tile.ptr<f32>, %w: tensor<16xf32, #B>) {
  %i = tile.arange 0 to 16 : tensor<16xi32, #A>
  %s = tile.splat %p : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #A>
  %at = tile.addptr %s, %i : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xi32, #A>) -> tensor<16x!tile.ptr<f32>, #A>
  %j = tile.arange 0 to 16 : tensor<16xi32, #B>
  %t = tile.splat %p : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #B>
  %to = tile.addptr %t, %j : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xi32, #B>) -> tensor<16x!tile.ptr<f32>, #B>
  %v = tile.load %at : (tensor<16x!tile.ptr<f32>, #A>) -> tensor<16xf32, #A>
  tile.store %to, %w : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  %x = tile.load %at : (tensor<16x!tile.ptr<f32>, #A>) -> tensor<16xf32, #A>
  return
}

// Moved by 8 elements of 16, and by 16, where nothing meets.
// CHECK-LABEL: func.func @moved
// CHECK: tile.load
// CHECK: tile.barrier
// CHECK-NEXT: tile.store
// CHECK-NEXT: tile.store
// CHECK-NOT: tile.barrier
// CHECK: return
func.func @moved(%p: !tile.ptr<f32>) {
  %c8 = arith.constant 8 : i32
  %c24 = arith.constant 24 : i32
  %i = tile.arange 0 to 16 : tensor<16xi32, #A>
  %s = tile.splat %p : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #A>
  %at = tile.addptr %s, %i : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xi32, #A>) -> tensor<16x!tile.ptr<f32>, #A>
  %p8 = tile.addptr %p, %c8 : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
  %s8 = tile.splat %p8 : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #A>
  %at8 = tile.addptr %s8, %i : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xi32, #A>) -> tensor<16x!tile.ptr<f32>, #A>
  %p24 = tile.addptr %p, %c24 : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
  %s24 = tile.splat %p24 : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #A>
  %at24 = tile.addptr %s24, %i : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xi32, #A>) -> tensor<16x!tile.ptr<f32>, #A>
  %v = tile.load %at : (tensor<16x!tile.ptr<f32>, #A>) -> tensor<16xf32, #A>
  tile.store %at8, %v : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  tile.store %at24, %v : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  return
}

// Whole tiles in place in a loop, one after the other; by a step that is known when the kernel runs, they may meet.
// CHECK-LABEL: func.func @in_loops
// CHECK: scf.for
// CHECK-NOT: tile.barrier
// CHECK: tile.store
// CHECK-NEXT: }
// CHECK-NEXT: tile.barrier
// CHECK: scf.for
// CHECK: tile.barrier
// CHECK-NEXT: tile.load
// CHECK: return
func.func @in_loops(%p: !tile.ptr<f32>, %n: i32, %step: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c16 = arith.constant 16 : i32
  %i = tile.arange 0 to 16 : tensor<16xi32, #A>
  scf.for %k = %c0 to %n step %c16 : i32 {
    %q = tile.addptr %p, %k : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %s = tile.splat %q : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #A>
    %at = tile.addptr %s, %i : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xi32, #A>) -> tensor<16x!tile.ptr<f32>, #A>
    %v = tile.load %at : (tensor<16x!tile.ptr<f32>, #A>) -> tensor<16xf32, #A>
    tile.store %at, %v : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  }
  tile.barrier
  scf.for %k = %c0 to %n step %c1 : i32 {
    %o = arith.muli %k, %step : i32
    %q = tile.addptr %p, %o : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %s = tile.splat %q : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #A>
    %at = tile.addptr %s, %i : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xi32, #A>) -> tensor<16x!tile.ptr<f32>, #A>
    %v = tile.load %at : (tensor<16x!tile.ptr<f32>, #A>) -> tensor<16xf32, #A>
    tile.store %at, %v : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xf32, #A>) -> ()
  }
  return
}

// Both warps load what one of them stores; one lane stores what all load.
// CHECK-LABEL: func.func @copies
// CHECK: tile.load
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.store
// CHECK-NEXT: tile.load
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.store
// CHECK: return
func.func @copies(%p: !tile.ptr<f32>, %q: !tile.ptr<f64>) {
  %i = tile.arange 0 to 4 : tensor<4xi32, #C>
  %s = tile.splat %p : (!tile.ptr<f32>) -> tensor<4x!tile.ptr<f32>, #C>
  %at = tile.addptr %s, %i : (tensor<4x!tile.ptr<f32>, #C>, tensor<4xi32, #C>) -> tensor<4x!tile.ptr<f32>, #C>
  %v = tile.load %at : (tensor<4x!tile.ptr<f32>, #C>) -> tensor<4xf32, #C>
  tile.store %at, %v : (tensor<4x!tile.ptr<f32>, #C>, tensor<4xf32, #C>) -> ()
  %x = tile.load %q : (!tile.ptr<f64>) -> f64
  tile.store %q, %x : (!tile.ptr<f64>, f64) -> ()
  return
}

// Two arguments, perhaps one array: the same elements in another layout; not where one of them begins elsewhere.
// CHECK-LABEL: func.func @two_arguments
// CHECK: tile.load
// CHECK-NOT: tile.barrier
// CHECK: tile.store
// CHECK: tile.barrier
// CHECK-NEXT: tile.store
// CHECK: return
func.func @two_arguments(%p: !tile.ptr<f32>, %q: !tile.ptr<f32>, %o: !tile.ptr<f32>, %row: i32, %w: tensor<16xf32, #B>) {
  %i = tile.arange 0 to 16 : tensor<16xi32, #A>
  %s = tile.splat %p : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #A>
  %at = tile.addptr %s, %i : (tensor<16x!tile.ptr<f32>, #A>, tensor<16xi32, #A>) -> tensor<16x!tile.ptr<f32>, #A>
  %v = tile.load %at : (tensor<16x!tile.ptr<f32>, #A>) -> tensor<16xf32, #A>
  %j = tile.arange 0 to 16 : tensor<16xi32, #B>
  %r = tile.addptr %q, %row : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
  %e = tile.splat %r : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #B>
  %elsewhere = tile.addptr %e, %j : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xi32, #B>) -> tensor<16x!tile.ptr<f32>, #B>
  tile.store %elsewhere, %w : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  %t = tile.splat %o : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>, #B>
  %to = tile.addptr %t, %j : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xi32, #B>) -> tensor<16x!tile.ptr<f32>, #B>
  tile.store %to, %w : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  return
}

// Pointers that the loop reads, of which no scalar is the base, are taken to be each lane's own.
// CHECK-LABEL: func.func @pointers_in_a_loop
// CHECK: scf.for
// CHECK-NOT: tile.barrier
// CHECK: tile.store
// CHECK: return
func.func @pointers_in_a_loop(%p: !tile.ptr<i64>, %n: i32) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %i = tile.arange 0 to 16 : tensor<16xi32, #A>
  %s = tile.splat %p : (!tile.ptr<i64>) -> tensor<16x!tile.ptr<i64>, #A>
  %at = tile.addptr %s, %i : (tensor<16x!tile.ptr<i64>, #A>, tensor<16xi32, #A>) -> tensor<16x!tile.ptr<i64>, #A>
  scf.for %k = %zero to %n step %one : i32 {
    %number = tile.load %at : (tensor<16x!tile.ptr<i64>, #A>) -> tensor<16xi64, #A>
    %where = tile.inttoptr %number : tensor<16xi64, #A> to tensor<16x!tile.ptr<i64>, #A>
    %v = tile.load %where : (tensor<16x!tile.ptr<i64>, #A>) -> tensor<16xi64, #A>
    tile.store %where, %v : (tensor<16x!tile.ptr<i64>, #A>, tensor<16xi64, #A>) -> ()
  }
  return
}
}
