// print-invalid.mlir - what tile.print refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @print_c1(%x: i7) {
  // expected-error @+1 {{value must hold integers of 1, 8, 16, 32 or 64 bits}}
  tile.print "x" %x : i7
  return
}
