// mulhisi-invalid.mlir - what tile.mulhisi refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @mulhisi_c1(%x: f32) {
  // expected-error @+1 {{lhs must hold integers of 8 to 64 bits}}
  %0 = tile.mulhisi %x, %x : f32
  return
}
