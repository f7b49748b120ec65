// atomic-cas-invalid.mlir - what tile.atomic_cas refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @atomic_cas_c1(%x: i32) {
  // expected-error @+1 {{ptr must be a pointer}}
  %0 = tile.atomic_cas %x, %x, %x : (i32, i32, i32) -> i32
  return
}

// -----
func.func @atomic_cas_c2(%p: !tile.ptr<i32>, %x: i32, %y: i64) {
  // expected-error @+1 {{compare must have the type of value}}
  %0 = tile.atomic_cas %p, %y, %x : (!tile.ptr<i32>, i64, i32) -> i32
  return
}

// -----
func.func @atomic_cas_c3(%p: !tile.ptr<i1>, %x: i1) {
  // expected-error @+1 {{value must hold elements of 8 to 64 bits}}
  %0 = tile.atomic_cas %p, %x, %x : (!tile.ptr<i1>, i1, i1) -> i1
  return
}
