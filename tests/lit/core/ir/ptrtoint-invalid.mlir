// ptrtoint-invalid.mlir - what tile.ptrtoint refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @ptrtoint_c1(%p: i64) {
  // expected-error @+1 {{source must be a pointer or a tensor of pointers}}
  %0 = tile.ptrtoint %p : i64 to i64
  return
}

// -----
func.func @ptrtoint_c2(%p: !tile.ptr<f32>) {
  // expected-error @+1 {{result must hold i64, got 'i32'}}
  %0 = tile.ptrtoint %p : !tile.ptr<f32> to i32
  return
}
