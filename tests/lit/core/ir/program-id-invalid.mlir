// program-id-invalid.mlir - what tile.program_id refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @program_id_c1() {
  // expected-error @+1 {{axis must be 0, 1 or 2, got 3}}
  %0 = tile.program_id 3
  return
}
