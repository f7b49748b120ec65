// atomic-rmw-invalid.mlir - what tile.atomic_rmw refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @atomic_rmw_c1(%x: i32) {
  // expected-error @+1 {{ptr must be a pointer}}
  %0 = tile.atomic_rmw add, %x, %x : (i32, i32) -> i32
  return
}

// -----
func.func @atomic_rmw_c2(%p: !tile.ptr<i32>, %x: i64) {
  // expected-error @+1 {{value must have the type of what ptr points to}}
  %0 = tile.atomic_rmw add, %p, %x : (!tile.ptr<i32>, i64) -> i64
  return
}

// -----
func.func @atomic_rmw_c3(%p: !tile.ptr<i32>, %x: i32, %m: tensor<4xi1>) {
  // expected-error @+1 {{mask must have the shape of ptr (a scalar), got shape 4}}
  %0 = tile.atomic_rmw add, %p, %x mask %m : (!tile.ptr<i32>, i32, tensor<4xi1>) -> i32
  return
}

// -----
func.func @atomic_rmw_c4(%p: !tile.ptr<i32>, %x: i32) {
  // expected-error @+1 {{kind fadd needs a value of floats, got 'i32'}}
  %0 = tile.atomic_rmw fadd, %p, %x : (!tile.ptr<i32>, i32) -> i32
  return
}

// -----
func.func @atomic_rmw_c4_unsigned(%p: !tile.ptr<f16>, %x: f16) {
  // expected-error @+1 {{kind umax needs a value of integers, got 'f16'}}
  %0 = tile.atomic_rmw umax, %p, %x : (!tile.ptr<f16>, f16) -> f16
  return
}
