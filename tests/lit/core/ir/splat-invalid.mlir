// splat-invalid.mlir - what tile.splat refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @splat_c1(%x: f32) {
  // expected-error @+1 {{source must have the result's element type 'f16', got 'f32'}}
  %0 = tile.splat %x : (f32) -> tensor<4xf16>
  return
}
