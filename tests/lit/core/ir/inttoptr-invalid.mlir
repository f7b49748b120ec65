// inttoptr-invalid.mlir - what tile.inttoptr refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @inttoptr_c1(%p: i32) {
  // expected-error @+1 {{source must hold i64, got 'i32'}}
  %0 = tile.inttoptr %p : i32 to !tile.ptr<f32>
  return
}

// -----
func.func @inttoptr_c2(%p: i64) {
  // expected-error @+1 {{result must be a pointer}}
  %0 = tile.inttoptr %p : i64 to i64
  return
}
