// shared-alloc-invalid.mlir - what tile.shared_alloc refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @shared_alloc_c1() {
  // expected-error @+1 {{offset, bytes and slots must not be negative, got -1, 0 and 0}}
  %0 = tile.shared_alloc offset = -1 : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>
  return
}

// -----
func.func @shared_alloc_slots() {
  // expected-error @+1 {{offset, bytes and slots must not be negative, got 0, 0 and -2}}
  %0 = tile.shared_alloc slots = -2 : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>
  return
}
