// dot-wait-invalid.mlir - what tile.dot_wait refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>
func.func @dot_wait_c1(%d: tensor<8x8xf32, #L>) {
  // expected-error @+1 {{pending must not be negative, got -1}}
  %0 = tile.dot_wait %d pending = -1 : (tensor<8x8xf32, #L>) -> tensor<8x8xf32, #L>
  return
}

// -----
#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>
func.func @dot_wait_c2(%d: tensor<8x8xf32, #L>) {
  // expected-error @+1 {{results must have the types of the operands}}
  %0 = tile.dot_wait %d pending = 0 : (tensor<8x8xf32, #L>) -> tensor<8x8xf16, #L>
  return
}
