// dot-invalid.mlir - what tile.dot refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @dot_c1(%a: tensor<16xf16>) {
  // expected-error @+1 {{a, b and c must have one rank, 2 or 3, got 1, 1 and 1}}
  %0 = tile.dot %a, %a, %a : (tensor<16xf16>, tensor<16xf16>, tensor<16xf16>) -> tensor<16xf16>
  return
}

// -----
func.func @dot_c2(%a: tensor<16x32xf16>, %b: tensor<16x8xf16>, %c: tensor<16x8xf32>) {
  // expected-error @+1 {{the last dim of a must be the first matrix dim of b, got 32 and 16}}
  %0 = tile.dot %a, %b, %c : (tensor<16x32xf16>, tensor<16x8xf16>, tensor<16x8xf32>) -> tensor<16x8xf32>
  return
}

// -----
func.func @dot_c3(%a: tensor<16x16xf16>, %b: tensor<16x16xbf16>, %c: tensor<16x16xf32>) {
  // expected-error @+1 {{a and b must hold one element type or two fp8 types}}
  %0 = tile.dot %a, %b, %c : (tensor<16x16xf16>, tensor<16x16xbf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
  return
}

// -----
func.func @dot_c4(%a: tensor<16x16xf32>, %c: tensor<16x16xf16>) {
  // expected-error @+1 {{c must be i32 for i8 operands}}
  %0 = tile.dot %a, %a, %c : (tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf16>) -> tensor<16x16xf16>
  return
}

// -----
func.func @dot_c5(%a: tensor<16x16xf32>) {
  // expected-error @+1 {{max_imprecise and instruction must not be negative, got -1}}
  %0 = tile.dot %a, %a, %a max_imprecise = -1 : (tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  return
}
