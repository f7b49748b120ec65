// reshape-invalid.mlir - what tile.reshape refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @reshape_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{result must hold as many elements as source, 4, got 8}}
  %0 = tile.reshape %x : (tensor<4xf32>) -> tensor<8xf32>
  return
}
