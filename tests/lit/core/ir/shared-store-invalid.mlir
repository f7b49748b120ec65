// shared-store-invalid.mlir - what tile.shared_store refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @shared_store_c1(%s: !tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>, %x: tensor<4x8xf16, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>>) {
  // expected-error @+1 {{value must hold}}
  tile.shared_store %s, %x : (!tile.shared<4x8xf32, #tile.linear<[4, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>, tensor<4x8xf16, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>>) -> ()
  return
}
