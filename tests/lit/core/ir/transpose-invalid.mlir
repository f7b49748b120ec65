// transpose-invalid.mlir - what tile.transpose refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @transpose_c1(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{order must be a permutation of the dims of source, got [0, 0]}}
  %0 = tile.transpose %x order = [0, 0] : (tensor<4x8xf32>) -> tensor<4x4xf32>
  return
}

// -----
func.func @transpose_c2(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{result must be of shape 8x4, got shape 4x8}}
  %0 = tile.transpose %x order = [1, 0] : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}
