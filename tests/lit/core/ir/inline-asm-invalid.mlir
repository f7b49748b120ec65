// inline-asm-invalid.mlir - what tile.inline_asm refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @inline_asm_c1(%x: i32) {
  // expected-error @+1 {{must have at least one result}}
  tile.inline_asm "nop;", "r" of %x : (i32) -> ()
  return
}

// -----
func.func @inline_asm_c2(%x: tensor<4xf32>, %y: tensor<8xf32>) {
  // expected-error @+1 {{sources must have the shape of the first}}
  %0 = tile.inline_asm "add;", "=f,f,f" of %x, %y : (tensor<4xf32>, tensor<8xf32>) -> tensor<4xf32>
  return
}

// -----
func.func @inline_asm_c3(%x: tensor<4xf32>) {
  // expected-error @+1 {{result must have the shape of sources}}
  %0 = tile.inline_asm "neg;", "=f,f" of %x : (tensor<4xf32>) -> f32
  return
}

// -----
func.func @inline_asm_c3_no_sources() {
  // expected-error @+1 {{result must be a scalar where there are no sources}}
  %0 = tile.inline_asm "clock;", "=l" : () -> tensor<4xi64>
  return
}

// -----
func.func @inline_asm_c4(%x: tensor<8xf32>) {
  // expected-error @+1 {{pack must be at least 1 and divide the number of elements, got 3}}
  %0 = tile.inline_asm "neg;", "=f,f" pack = 3 of %x : (tensor<8xf32>) -> tensor<8xf32>
  return
}
