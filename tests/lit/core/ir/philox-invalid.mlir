// philox-invalid.mlir - what tile.philox refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @philox_c1(%k: f32) {
  // expected-error @+1 {{counters must hold i32 or i64}}
  %0:4 = tile.philox %k, %k, %k, %k, %k, %k : f32
  return
}

// -----
func.func @philox_c2(%k: i32) {
  // expected-error @+1 {{num_rounds must be at least 1, got 0}}
  %0:4 = tile.philox %k, %k, %k, %k, %k, %k {num_rounds = 0 : i32} : i32
  return
}
