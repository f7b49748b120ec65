// expand-dims-invalid.mlir - what tile.expand_dims refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @expand_dims_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{axis must be a dim of result (0 to 1), got 2}}
  %0 = tile.expand_dims %x axis = 2 : (tensor<4xf32>) -> tensor<4x1xf32>
  return
}

// -----
func.func @expand_dims_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{result must be of shape 1x4, got shape 4x1}}
  %0 = tile.expand_dims %x axis = 0 : (tensor<4xf32>) -> tensor<4x1xf32>
  return
}
