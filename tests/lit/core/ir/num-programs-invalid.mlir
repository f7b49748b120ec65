// num-programs-invalid.mlir - what tile.num_programs refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @num_programs_c1() {
  // expected-error @+1 {{axis must be 0, 1 or 2, got -1}}
  %0 = tile.num_programs -1
  return
}
