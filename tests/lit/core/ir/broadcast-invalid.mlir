// broadcast-invalid.mlir - what tile.broadcast refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @broadcast_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{source must have the result's rank 2}}
  %0 = tile.broadcast %x : (tensor<4xf32>) -> tensor<4x8xf32>
  return
}

// -----
func.func @broadcast_c2(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{dim 1 of source must be 1 or 8, got 2}}
  %0 = tile.broadcast %x : (tensor<4x2xf32>) -> tensor<4x8xf32>
  return
}
