// shared-free-invalid.mlir - what tile.shared_free refuses
// RUN: %tessera-opt %s -verify-diagnostics
func.func @shared_free_c1(%x: i32) {
  // expected-error @+1 {{operand #0 must be a shared tensor, but got 'i32'}}
  tile.shared_free %x : i32
  return
}
