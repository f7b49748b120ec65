// split-invalid.mlir - what tile.split refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @split_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{the last dim of source must be 2}}
  %0:2 = tile.split %x : (tensor<4xf32>) -> (f32, f32)
  return
}

// -----
func.func @split_c2(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{lhs must be of shape 4, got shape 2}}
  %0:2 = tile.split %x : (tensor<4x2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  return
}
