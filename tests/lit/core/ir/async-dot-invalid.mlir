// async-dot-invalid.mlir - what tile.async_dot refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
func.func @async_dot_c1(%a: tensor<16x16xf16>, %s: !S, %c: tensor<8x8xf32, #L>) {
  // expected-error @+1 {{the shapes of a, b and c do not fit}}
  %0 = tile.async_dot %a, %s, %c instruction = 1 : (tensor<16x16xf16>, !S, tensor<8x8xf32, #L>) -> tensor<8x8xf32, #L>
  return
}

// -----
#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
func.func @async_dot_c1_elements(%a: tensor<8x8xbf16, #L>, %s: !S, %c: tensor<8x8xf32, #L>) {
  // expected-error @+1 {{the elements of a, b and c do not fit: 'bf16', 'f16', 'f32'}}
  %0 = tile.async_dot %a, %s, %c instruction = 1 : (tensor<8x8xbf16, #L>, !S, tensor<8x8xf32, #L>) -> tensor<8x8xf32, #L>
  return
}

// -----
#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
!T = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[1, 0], [2, 0], [4, 0], [1, 1], [2, 2], [4, 4]]>>
func.func @async_dot_c2(%s: !S, %t: !T, %c: tensor<8x8xf32, #L>) {
  // expected-error @+1 {{result must}}
  %0 = tile.async_dot %s, %t, %c instruction = 1 : (!S, !T, tensor<8x8xf32, #L>) -> tensor<8x8xf16, #L>
  return
}

// -----
#L = #tile.linear<[8, 8], register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []>
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
!T = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[1, 0], [2, 0], [4, 0], [1, 1], [2, 2], [4, 4]]>>
func.func @async_dot_c3(%s: !S, %t: !T, %c: tensor<8x8xf32, #L>) {
  // expected-error @+1 {{instruction must be at least 1 and max_imprecise at least 0, got 0 and 0}}
  %0 = tile.async_dot %s, %t, %c instruction = 0 : (!S, !T, tensor<8x8xf32, #L>) -> tensor<8x8xf32, #L>
  return
}
