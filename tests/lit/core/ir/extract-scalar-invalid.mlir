// extract-scalar-invalid.mlir - what tile.extract_scalar refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @extract_scalar_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{source must hold one element}}
  %0 = tile.extract_scalar %x : (tensor<4xf32>) -> f32
  return
}

// -----
func.func @extract_scalar_c2(%x: tensor<1xf32>) {
  // expected-error @+1 {{result must have the type of the elements of source}}
  %0 = tile.extract_scalar %x : (tensor<1xf32>) -> f16
  return
}
