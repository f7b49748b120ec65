// sort-invalid.mlir - what tile.sort refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @sort_c1(%x: tensor<8xf32>) {
  // expected-error @+1 {{axis must be a dim of source (0 to 0), got -1}}
  %0 = tile.sort %x axis = -1 : (tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----
func.func @sort_c2(%x: tensor<8xf32>) {
  // expected-error @+1 {{result must have the type of source}}
  %0 = tile.sort %x axis = 0 : (tensor<8xf32>) -> tensor<8xf16>
  return
}
