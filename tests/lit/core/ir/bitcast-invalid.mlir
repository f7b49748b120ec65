// bitcast-invalid.mlir - what tile.bitcast refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @bitcast_c1(%x: f32) {
  // expected-error @+1 {{source and result must have equal widths, or be pointers both}}
  %0 = tile.bitcast %x : f32 to i16
  return
}

// -----
func.func @bitcast_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{result must have the shape of source}}
  %0 = tile.bitcast %x : tensor<4xf32> to tensor<8xi32>
  return
}
