// fptofp-invalid.mlir - what tile.fptofp refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @fptofp_c1(%x: i32) {
  // expected-error @+1 {{source must hold floats, got 'i32'}}
  %0 = tile.fptofp %x : i32 to f32
  return
}

// -----
func.func @fptofp_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{result must have the shape of source}}
  %0 = tile.fptofp %x : tensor<4xf32> to tensor<2xf16>
  return
}

// -----
func.func @fptofp_c3(%x: f16) {
  // expected-error @+1 {{rounding must be nearest_even where the result is not narrower, got towards_zero}}
  %0 = tile.fptofp %x rounding = towards_zero : f16 to f32
  return
}

// -----
func.func @fptofp_c4(%x: f32) {
  // expected-error @+1 {{rounding saturates only 8-bit floats, got 'f16'}}
  %0 = tile.fptofp %x rounding = nearest_saturating : f32 to f16
  return
}
