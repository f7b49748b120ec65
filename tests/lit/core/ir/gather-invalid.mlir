// gather-invalid.mlir - what tile.gather refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @gather_c1(%x: tensor<8xf32>) {
  // expected-error @+1 {{index must hold integers}}
  %0 = tile.gather %x, %x axis = 0 : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----
func.func @gather_c2(%x: tensor<4x8xf32>, %i: tensor<2x8xi32>) {
  // expected-error @+1 {{dim 0 of index must be that of source, 4, got 2}}
  %0 = tile.gather %x, %i axis = 1 : (tensor<4x8xf32>, tensor<2x8xi32>) -> tensor<2x8xf32>
  return
}

// -----
func.func @gather_c3(%x: tensor<8xf32>, %i: tensor<8xi32>) {
  // expected-error @+1 {{axis must be a dim of source}}
  %0 = tile.gather %x, %i axis = 1 : (tensor<8xf32>, tensor<8xi32>) -> tensor<8xf32>
  return
}

// -----
func.func @gather_c4(%x: tensor<8xf32>, %i: tensor<4xi32>) {
  // expected-error @+1 {{result must be of shape 4, got shape 8}}
  %0 = tile.gather %x, %i axis = 0 : (tensor<8xf32>, tensor<4xi32>) -> tensor<8xf32>
  return
}
