// merge-equal-ops.mlir - equal values are computed once; loads only where nothing writes between
// RUN: %tessera-opt --tile-merge-equal-ops %s | FileCheck %s

// CHECK-LABEL: func.func @loads
func.func @loads(%p: !tile.ptr<i32>, %q: !tile.ptr<i32>) -> (i32, i32, i32) {
  // CHECK: %[[A:.+]] = tile.load %arg0
  // CHECK-NEXT: tile.store
  // CHECK-NEXT: %[[B:.+]] = tile.load %arg0
  // CHECK-NEXT: return %[[A]], %[[A]], %[[B]]
  %a = tile.load %p : (!tile.ptr<i32>) -> i32
  %b = tile.load %p : (!tile.ptr<i32>) -> i32
  tile.store %q, %b : (!tile.ptr<i32>, i32) -> ()
  %c = tile.load %p : (!tile.ptr<i32>) -> i32
  return %a, %b, %c : i32, i32, i32
}

// Atomics, barriers and volatile loads are left alone.
// CHECK-LABEL: func.func @others
func.func @others(%p: !tile.ptr<i32>, %x: i32) {
  // CHECK-COUNT-2: tile.atomic_rmw
  // CHECK-COUNT-2: volatile
  // CHECK-COUNT-2: tile.barrier
  %a = tile.atomic_rmw add, %p, %x : (!tile.ptr<i32>, i32) -> i32
  %b = tile.atomic_rmw add, %p, %x : (!tile.ptr<i32>, i32) -> i32
  %c = tile.load %p volatile : (!tile.ptr<i32>) -> i32
  %d = tile.load %p volatile : (!tile.ptr<i32>) -> i32
  tile.barrier
  tile.barrier
  return
}
