// poison-invalid.mlir - what tile.poison refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @poison_c0() {
  // expected-error @+1 {{result must hold integers of 1, 8, 16, 32 or 64 bits, floats or pointers}}
  %0 = tile.poison : i7
  return
}
