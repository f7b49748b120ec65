// cat-invalid.mlir - what tile.cat refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @cat_c1(%x: tensor<4x1xf32>) {
  // expected-error @+1 {{lhs must have rank 1}}
  %0 = tile.cat %x, %x : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<8xf32>
  return
}

// -----
func.func @cat_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{result must be of shape 8, got shape 4}}
  %0 = tile.cat %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}
