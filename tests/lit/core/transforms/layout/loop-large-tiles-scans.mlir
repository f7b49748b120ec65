// Guards: scans of large tiles go on from slice to slice. What they carry is a scalar of a line and a tile without the axis of others; where the cut does not cross the axis,
// nothing is carried. Where arguments overlap shifted and the slices go against the scan, each slice scans those before it again.
// RUN: %tessera-opt %s --tile-loop-large-tiles="lanes=4" | FileCheck %s
module attributes {tile.options = {num_warps = 2 : i64}} {

// 8 lanes: 2048 elements are 256 a lane, in 8 slices. In place: one order serves, and nothing is compared.
// CHECK-LABEL: func.func @sums
// CHECK-NOT: scf.if
// CHECK: %[[ZERO:.*]] = arith.constant -0.000000e+00 : f32
// CHECK: scf.for %[[I:.*]] = %c0{{.*}} to %c8{{.*}} step %{{.*}} iter_args(%[[BEFORE:.*]] = %[[ZERO]]) -> (f32)
// CHECK: %[[START:.*]] = arith.muli %[[I]], %c256
// CHECK: %[[X:.*]] = tile.load {{.*}} -> tensor<256xf32>
// CHECK: %[[PART:.*]]:2 = tile.scan %[[X]] axis = 0 : (tensor<256xf32>) -> (tensor<256xf32>, f32)
// CHECK: %[[ROW:.*]] = tile.splat %[[BEFORE]] : (f32) -> tensor<256xf32>
// CHECK: %[[SUMS:.*]] = arith.addf %[[ROW]], %[[PART]]#0 : tensor<256xf32>
// CHECK: %[[NEXT:.*]] = arith.addf %[[BEFORE]], %[[PART]]#1 : f32
// CHECK: tile.store %{{.*}}, %[[SUMS]]
// CHECK: scf.yield %[[NEXT]] : f32
// CHECK-NOT: 2048
// CHECK: return
func.func @sums(%p: !tile.ptr<f32>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
  %y = tile.scan %x axis = 0 : (tensor<2048xf32>) -> tensor<2048xf32> {
  ^bb0(%u: f32, %v: f32):
    %w = arith.addf %u, %v : f32
    tile.yield %w : f32
  }
  tile.store %pa, %y : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  return
}

// The last slice first. Nothing is neutral to a recurrence: the first slice is asked for.
// CHECK-LABEL: func.func @recurrence_from_the_end
// CHECK: scf.for %[[I:.*]] = %c0{{.*}} to %c8{{.*}} step %{{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}) -> (f32, f32)
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[I]], %c0
// CHECK: arith.subi %c7{{.*}}, %[[I]]
// CHECK: tile.scan {{.*}} axis = 0 reverse
// CHECK-COUNT-2: arith.select {{.*}} : tensor<256xi1>, tensor<256xf32>
// CHECK-COUNT-2: arith.select %[[FIRST]], {{.*}} : f32
// CHECK: scf.yield
func.func @recurrence_from_the_end(%p: !tile.ptr<f32>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
  %y:2 = tile.scan %x, %x axis = 0 reverse : (tensor<2048xf32>, tensor<2048xf32>) -> (tensor<2048xf32>, tensor<2048xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    %e = arith.mulf %a, %c : f32
    %f = arith.mulf %b, %c : f32
    %g = arith.addf %f, %d : f32
    tile.yield %e, %g : f32, f32
  }
  tile.store %pa, %y#1 : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  return
}

// Two arguments: where they overlap shifted and the slices go from the end, what comes before each is scanned again.
// CHECK-LABEL: func.func @two_arguments
// CHECK: scf.if
// CHECK: scf.for %[[I:.*]] = {{.*}} iter_args
// CHECK: %[[LEFT:.*]] = arith.subi %c7{{.*}}, %[[I]]
// CHECK: %[[END:.*]] = arith.select %{{.*}}, %[[LEFT]], %c0
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %[[END]] step %{{.*}} iter_args
// CHECK: tile.scan
// CHECK-NOT: tile.store
// CHECK: scf.yield
// CHECK: tile.load
// CHECK: tile.scan
// CHECK: tile.barrier
// CHECK: tile.store
// CHECK: } else {
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK-NOT: tile.barrier
// CHECK: tile.store
func.func @two_arguments(%p: !tile.ptr<i32>, %q: !tile.ptr<i32>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<i32>) -> tensor<2048x!tile.ptr<i32>>
  %qs = tile.splat %q : (!tile.ptr<i32>) -> tensor<2048x!tile.ptr<i32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<i32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<i32>>
  %qa = tile.addptr %qs, %at : (tensor<2048x!tile.ptr<i32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<i32>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<i32>>) -> tensor<2048xi32>
  %y = tile.scan %x axis = 0 : (tensor<2048xi32>) -> tensor<2048xi32> {
  ^bb0(%u: i32, %v: i32):
    %w = arith.maxsi %u, %v : i32
    tile.yield %w : i32
  }
  tile.store %qa, %y : (tensor<2048x!tile.ptr<i32>>, tensor<2048xi32>) -> ()
  return
}

// Each row is scanned by itself: rows are cut, and nothing is carried. Columns go on from rows to rows.
// CHECK-LABEL: func.func @along_rows
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c8{{[^ ]*}} step %{{[^ ]*}} : i32 {
// CHECK: tile.scan %{{.*}} axis = 1 : (tensor<4x64xi32>) -> tensor<4x64xi32>
// CHECK-LABEL: func.func @along_columns
// CHECK: iter_args(%[[BEFORE:.*]] = %{{.*}}) -> (tensor<64xi32>)
// CHECK: %[[PART:.*]]:2 = tile.scan %{{.*}} axis = 0 : (tensor<4x64xi32>) -> (tensor<4x64xi32>, tensor<64xi32>)
// CHECK: %[[ROW:.*]] = tile.expand_dims %[[BEFORE]] axis = 0
// CHECK: tile.broadcast %[[ROW]]
// CHECK: scf.yield %{{.*}} : tensor<64xi32>
func.func @along_rows(%p: !tile.ptr<i32>) {
  %r = tile.arange 0 to 32 : tensor<32xi32>
  %rows = tile.expand_dims %r axis = 1 : (tensor<32xi32>) -> tensor<32x1xi32>
  %stride = arith.constant dense<64> : tensor<32x1xi32>
  %starts = arith.muli %rows, %stride : tensor<32x1xi32>
  %c = tile.arange 0 to 64 : tensor<64xi32>
  %cols = tile.expand_dims %c axis = 0 : (tensor<64xi32>) -> tensor<1x64xi32>
  %a = tile.broadcast %starts : (tensor<32x1xi32>) -> tensor<32x64xi32>
  %b = tile.broadcast %cols : (tensor<1x64xi32>) -> tensor<32x64xi32>
  %at = arith.addi %a, %b : tensor<32x64xi32>
  %ps = tile.splat %p : (!tile.ptr<i32>) -> tensor<32x64x!tile.ptr<i32>>
  %pa = tile.addptr %ps, %at : (tensor<32x64x!tile.ptr<i32>>, tensor<32x64xi32>) -> tensor<32x64x!tile.ptr<i32>>
  %x = tile.load %pa : (tensor<32x64x!tile.ptr<i32>>) -> tensor<32x64xi32>
  %y = tile.scan %x axis = 1 : (tensor<32x64xi32>) -> tensor<32x64xi32> {
  ^bb0(%u: i32, %v: i32):
    %w = arith.addi %u, %v : i32
    tile.yield %w : i32
  }
  tile.store %pa, %y : (tensor<32x64x!tile.ptr<i32>>, tensor<32x64xi32>) -> ()
  return
}
func.func @along_columns(%p: !tile.ptr<i32>) {
  %r = tile.arange 0 to 32 : tensor<32xi32>
  %rows = tile.expand_dims %r axis = 1 : (tensor<32xi32>) -> tensor<32x1xi32>
  %stride = arith.constant dense<64> : tensor<32x1xi32>
  %starts = arith.muli %rows, %stride : tensor<32x1xi32>
  %c = tile.arange 0 to 64 : tensor<64xi32>
  %cols = tile.expand_dims %c axis = 0 : (tensor<64xi32>) -> tensor<1x64xi32>
  %a = tile.broadcast %starts : (tensor<32x1xi32>) -> tensor<32x64xi32>
  %b = tile.broadcast %cols : (tensor<1x64xi32>) -> tensor<32x64xi32>
  %at = arith.addi %a, %b : tensor<32x64xi32>
  %ps = tile.splat %p : (!tile.ptr<i32>) -> tensor<32x64x!tile.ptr<i32>>
  %pa = tile.addptr %ps, %at : (tensor<32x64x!tile.ptr<i32>>, tensor<32x64xi32>) -> tensor<32x64x!tile.ptr<i32>>
  %x = tile.load %pa : (tensor<32x64x!tile.ptr<i32>>) -> tensor<32x64xi32>
  %y = tile.scan %x axis = 0 : (tensor<32x64xi32>) -> tensor<32x64xi32> {
  ^bb0(%u: i32, %v: i32):
    %w = arith.addi %u, %v : i32
    tile.yield %w : i32
  }
  tile.store %pa, %y : (tensor<32x64x!tile.ptr<i32>>, tensor<32x64xi32>) -> ()
  return
}

// The largest sum: the reduction's loop scans too.
// CHECK-LABEL: func.func @largest_sum
// CHECK: tile.scan {{.*}} -> (tensor<256xi32>, i32)
// CHECK: scf.for %{{.*}} = %c1{{.*}} to %c8{{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (tensor<256xi32>, i32)
// CHECK: tile.scan {{.*}} -> (tensor<256xi32>, i32)
// CHECK: arith.maxsi %{{.*}} : tensor<256xi32>
// CHECK: tile.reduce {{.*}} : (tensor<256xi32>) -> i32
func.func @largest_sum(%p: !tile.ptr<i32>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<i32>) -> tensor<2048x!tile.ptr<i32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<i32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<i32>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<i32>>) -> tensor<2048xi32>
  %y = tile.scan %x axis = 0 : (tensor<2048xi32>) -> tensor<2048xi32> {
  ^bb0(%u: i32, %v: i32):
    %w = arith.addi %u, %v : i32
    tile.yield %w : i32
  }
  %m = tile.reduce %y axis = 0 : (tensor<2048xi32>) -> i32 {
  ^bb0(%u: i32, %v: i32):
    %w = arith.maxsi %u, %v : i32
    tile.yield %w : i32
  }
  tile.store %p, %m : (!tile.ptr<i32>, i32) -> ()
  return
}

// One from the start and one from the end in one store: no order of slices serves both.
// CHECK-LABEL: func.func @both_ways
// CHECK-NOT: scf.for
// CHECK: return
func.func @both_ways(%p: !tile.ptr<i32>) {
  %at = tile.arange 0 to 2048 : tensor<2048xi32>
  %ps = tile.splat %p : (!tile.ptr<i32>) -> tensor<2048x!tile.ptr<i32>>
  %pa = tile.addptr %ps, %at : (tensor<2048x!tile.ptr<i32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<i32>>
  %x = tile.load %pa : (tensor<2048x!tile.ptr<i32>>) -> tensor<2048xi32>
  %y = tile.scan %x axis = 0 : (tensor<2048xi32>) -> tensor<2048xi32> {
  ^bb0(%u: i32, %v: i32):
    %w = arith.addi %u, %v : i32
    tile.yield %w : i32
  }
  %z = tile.scan %x axis = 0 reverse : (tensor<2048xi32>) -> tensor<2048xi32> {
  ^bb0(%u: i32, %v: i32):
    %w = arith.addi %u, %v : i32
    tile.yield %w : i32
  }
  %s = arith.muli %y, %z : tensor<2048xi32>
  tile.store %pa, %s : (tensor<2048x!tile.ptr<i32>>, tensor<2048xi32>) -> ()
  return
}
}
