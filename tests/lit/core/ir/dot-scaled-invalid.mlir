// dot-scaled-invalid.mlir - what tile.dot_scaled refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @dot_scaled_c1(%a: tensor<16x64xbf16>, %c: tensor<16x8xf32>, %b: tensor<64xbf16>) {
  // expected-error @+1 {{a, b and c must have one rank}}
  %0 = tile.dot_scaled %a as bf16, %b as bf16, %c : (tensor<16x64xbf16>, tensor<64xbf16>, tensor<16x8xf32>) -> tensor<16x8xf32>
  return
}

// -----
func.func @dot_scaled_c2(%a: tensor<16x32xi8>, %c: tensor<16x8xf32>, %b: tensor<32x8xbf16>) {
  // expected-error @+1 {{the last dim of a must be the first matrix dim of b, got 64 and 32}}
  %0 = tile.dot_scaled %a as e2m1, %b as bf16, %c lhs_k_pack : (tensor<16x32xi8>, tensor<32x8xbf16>, tensor<16x8xf32>) -> tensor<16x8xf32>
  return
}

// -----
func.func @dot_scaled_c3(%a: tensor<16x64xf16>, %c: tensor<16x8xf32>, %b: tensor<64x8xbf16>) {
  // expected-error @+1 {{a must hold elements of format bf16}}
  %0 = tile.dot_scaled %a as bf16, %b as bf16, %c : (tensor<16x64xf16>, tensor<64x8xbf16>, tensor<16x8xf32>) -> tensor<16x8xf32>
  return
}

// -----
func.func @dot_scaled_c4(%a: tensor<16x64xbf16>, %c: tensor<16x8xi32>, %b: tensor<64x8xbf16>) {
  // expected-error @+1 {{c must hold floats}}
  %0 = tile.dot_scaled %a as bf16, %b as bf16, %c : (tensor<16x64xbf16>, tensor<64x8xbf16>, tensor<16x8xi32>) -> tensor<16x8xi32>
  return
}
