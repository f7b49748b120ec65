// shared-load-invalid.mlir - what tile.shared_load refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @shared_load_c1(%s: !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>) {
  // expected-error @+1 {{result must be of shape 4x8, got shape 8}}
  %0 = tile.shared_load %s : !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>> to tensor<8xf32>
  return
}
