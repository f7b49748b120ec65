// mulhiui-invalid.mlir - what tile.mulhiui refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @mulhiui_c1(%x: f32) {
  // expected-error @+1 {{lhs must hold integers of 8 to 64 bits}}
  %0 = tile.mulhiui %x, %x : f32
  return
}
