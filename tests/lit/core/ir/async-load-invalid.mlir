// async-load-invalid.mlir - what tile.async_load refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
func.func @async_load_c1(%s: !S, %p: tensor<8x8x!tile.ptr<f32>, #L>) {
  // expected-error @+1 {{ptr must hold pointers to the shared tensor's 'f16'}}
  tile.async_load %s, %p : (!S, tensor<8x8x!tile.ptr<f32>, #L>) -> ()
  return
}

// -----
#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
func.func @async_load_c2(%s: !S, %p: tensor<8x8x!tile.ptr<f16>, #L>, %m: tensor<8x8xi8, #L>) {
  // expected-error @+1 {{mask must}}
  tile.async_load %s, %p mask %m : (!S, tensor<8x8x!tile.ptr<f16>, #L>, tensor<8x8xi8, #L>) -> ()
  return
}
