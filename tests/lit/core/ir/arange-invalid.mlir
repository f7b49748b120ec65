// arange-invalid.mlir - what tile.arange refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @arange_c1() {
  // expected-error @+1 {{result must be a tensor of i32 of rank 1}}
  %0 = tile.arange 0 to 4 : tensor<4xi64>
  return
}

// -----
func.func @arange_c2() {
  // expected-error @+1 {{end must be greater than start, got 4 to 4}}
  %0 = tile.arange 4 to 4 : tensor<4xi32>
  return
}

// -----
func.func @arange_c3() {
  // expected-error @+1 {{result must hold end - start = 8 elements}}
  %0 = tile.arange 0 to 8 : tensor<4xi32>
  return
}
