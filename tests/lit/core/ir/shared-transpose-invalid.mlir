// shared-transpose-invalid.mlir - what tile.shared_transpose refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
!T = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[1, 0], [2, 0], [4, 0], [1, 1], [2, 2], [4, 4]]>>
func.func @shared_transpose_c1(%s: !S) {
  // expected-error @+1 {{order must be a permutation of the dims}}
  %0 = tile.shared_transpose %s order = [1, 1] : (!S) -> !T
  return
}

// -----
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
func.func @shared_transpose_c2(%s: !S) {
  // expected-error @+1 {{the result must be}}
  %0 = tile.shared_transpose %s order = [1, 0] : (!S) -> !S
  return
}
