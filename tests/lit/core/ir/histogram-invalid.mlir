// histogram-invalid.mlir - what tile.histogram refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @histogram_c1(%x: tensor<64xf32>) {
  // expected-error @+1 {{source must hold integers and have rank 1}}
  %0 = tile.histogram %x : (tensor<64xf32>) -> tensor<16xi32>
  return
}

// -----
func.func @histogram_c2(%x: tensor<64xi32>, %m: tensor<32xi1>) {
  // expected-error @+1 {{mask must have the shape of source}}
  %0 = tile.histogram %x mask %m : (tensor<64xi32>, tensor<32xi1>) -> tensor<16xi32>
  return
}

// -----
func.func @histogram_c3(%x: tensor<64xi32>) {
  // expected-error @+1 {{result must hold i32 and have rank 1}}
  %0 = tile.histogram %x : (tensor<64xi32>) -> tensor<16xi64>
  return
}
