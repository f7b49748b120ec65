// join-invalid.mlir - what tile.join refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @join_c1(%x: f32, %y: f16) {
  // expected-error @+1 {{rhs must have the type of lhs}}
  %0 = tile.join %x, %y : (f32, f16) -> tensor<2xf32>
  return
}

// -----
func.func @join_c2(%x: f32) {
  // expected-error @+1 {{result must be of shape 2, got shape 4}}
  %0 = tile.join %x, %x : (f32, f32) -> tensor<4xf32>
  return
}
