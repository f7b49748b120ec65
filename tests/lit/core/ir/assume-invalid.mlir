// assume-invalid.mlir - what tile.assume refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @assume_c1(%x: i32) {
  // expected-error @+1 {{condition must hold i1, got 'i32'}}
  tile.assume %x : i32
  return
}
