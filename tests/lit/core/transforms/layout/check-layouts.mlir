// Guards: the check finds tiles without a layout, illegal layouts and ops that would need other lanes' registers.
// RUN: %tessera-opt %s -split-input-file --tile-check-layouts=lanes=4 -verify-diagnostics
#A = #tile.linear<[16], register = [[1]], lane = [[2], [4]], warp = [[8]]>
module attributes {tile.options = {num_warps = 2 : i64}} {
func.func @good(%v: tensor<16xf32, #A>) {
  %w = arith.addf %v, %v : tensor<16xf32, #A>
  return
}
}

// -----

module attributes {tile.options = {num_warps = 2 : i64}} {
func.func @no_layout() {
  // expected-error @below {{a tile has no layout: 'tensor<16xi32>'}}
  %r = tile.arange 0 to 16 : tensor<16xi32>
  return
}
}

// -----

module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @wrong_warps() {
  // expected-error @below {{a tile has a layout that cannot be: the layout has 2 warps, the kernel 4}}
  %r = tile.arange 0 to 16 : tensor<16xi32, #tile.linear<[16], register = [[1]], lane = [[2], [4]], warp = [[8]]>>
  return
}
}

// -----

#A = #tile.linear<[8, 2], register = [[1, 0]], lane = [[2, 0], [4, 0]], warp = [[0, 1]]>
#T = #tile.linear<[2, 8], register = [[0, 1]], lane = [[0, 4], [0, 2]], warp = [[1, 0]]>
module attributes {tile.options = {num_warps = 2 : i64}} {
func.func @not_local(%v: tensor<8x2xf32, #A>) {
  // expected-error @below {{operand 0 is not in the lanes that need it}}
  %t = tile.transpose %v order = [1, 0] : (tensor<8x2xf32, #A>) -> tensor<2x8xf32, #T>
  return
}
}

// -----

#A = #tile.linear<[8, 2], register = [[0, 1]], lane = [[2, 0], [4, 0]], warp = [[1, 0]]>
#R = #tile.linear<[8], register = [], lane = [[1], [4]], warp = [[2]]>
module attributes {tile.options = {num_warps = 2 : i64}} {
func.func @reduction(%v: tensor<8x2xf32, #A>) {
  // expected-error @below {{a reduction's result must have the layout of its source without the axis}}
  %t = tile.reduce %v axis = 1 : (tensor<8x2xf32, #A>) -> tensor<8xf32, #R> {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    tile.yield %z : f32
  }
  return
}
}
