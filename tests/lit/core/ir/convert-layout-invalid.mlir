// convert-layout-invalid.mlir - what tile.convert_layout refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @convert_layout_c1(%x: tensor<4x8xf32, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>>) {
  // expected-error @+1 {{result must hold}}
  %0 = tile.convert_layout %x : tensor<4x8xf32, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>> to tensor<4x8xf16, #tile.linear<[4, 8], register = [[1, 0], [2, 0]], lane = [[0, 1], [0, 2], [0, 4]], warp = [], block = []>>
  return
}

// -----
func.func @convert_layout_c2(%x: tensor<4x8xf32, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>>) {
  // expected-error @+1 {{source and result must carry a layout}}
  %0 = tile.convert_layout %x : tensor<4x8xf32, #tile.linear<[4, 8], register = [[0, 1], [0, 2]], lane = [[0, 4], [1, 0], [2, 0]], warp = [], block = []>> to tensor<4x8xf32>
  return
}
