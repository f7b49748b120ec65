// async-wait-invalid.mlir - what tile.async_wait refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @async_wait_c1() {
  // expected-error @+1 {{pending must not be negative, got -1}}
  tile.async_wait -1
  return
}
