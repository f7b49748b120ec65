// Guards: anchors ask the target, layouts flow, every operand arrives in the layout that its op needs.
// RUN: %tessera-opt %s -split-input-file --tile-assign-layouts=lanes=4 --tile-check-layouts=lanes=4 | FileCheck %s

// A contiguous access gets vectors of 128 bits: 4 elements of f32 in a lane.
// CHECK-LABEL: func.func @contiguous
// CHECK: tile.load {{.*}}-> tensor<64xf32, #tile.linear<[64], register = {{\[\[}}1], [2], [32]], lane = {{\[\[}}4], [8]], warp = {{\[\[}}16]]
// CHECK-NOT: convert_layout
module attributes {tile.options = {num_warps = 2 : i64}} {
func.func @contiguous(%x: !tile.ptr<f32> {tile.divisibility = 16 : i64}) {
  %r = tile.arange 0 to 64 : tensor<64xi32>
  %xs = tile.splat %x : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
  %p = tile.addptr %xs, %r : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
  %v = tile.load %p : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
  %w = arith.addf %v, %v : tensor<64xf32>
  tile.store %p, %w : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
  return
}
}

// -----

// Nothing known about alignment: an element an access, lanes follow the addresses.
// CHECK-LABEL: func.func @unaligned
// CHECK: tile.load {{.*}}-> tensor<64xf32, #tile.linear<[64], register = {{\[\[}}8], [16], [32]], lane = {{\[\[}}1], [2]], warp = {{\[\[}}4]]
module attributes {tile.options = {num_warps = 2 : i64}} {
func.func @unaligned(%x: !tile.ptr<f32>) {
  %r = tile.arange 0 to 64 : tensor<64xi32>
  %xs = tile.splat %x : (!tile.ptr<f32>) -> tensor<64x!tile.ptr<f32>>
  %p = tile.addptr %xs, %r : (tensor<64x!tile.ptr<f32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<f32>>
  %v = tile.load %p : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
  tile.store %p, %v : (tensor<64x!tile.ptr<f32>>, tensor<64xf32>) -> ()
  return
}
}

// -----

// A kernel without tiles gains the level and nothing else.
// CHECK: module attributes {tile.level = "layout"}
// CHECK-LABEL: func.func @scalars
// CHECK-NEXT: %[[V:.*]] = tile.load %arg0 : (!tile.ptr<f32>) -> f32
// CHECK-NEXT: tile.store %arg0, %[[V]]
// CHECK-NEXT: return
module {
func.func @scalars(%x: !tile.ptr<f32>) {
  %v = tile.load %x : (!tile.ptr<f32>) -> f32
  tile.store %x, %v : (!tile.ptr<f32>, f32) -> ()
  return
}
}

// -----

// A row's maximum keeps the tile's layout without the axis, and meets the tile again without a conversion.
// CHECK-LABEL: func.func @row_maximum
// CHECK-NOT: convert_layout
module attributes {tile.options = {num_warps = 2 : i64}} {
func.func @row_maximum(%x: tensor<8x16xf32>, %p: tensor<8x16x!tile.ptr<f32>>) {
  %m = tile.reduce %x axis = 1 : (tensor<8x16xf32>) -> tensor<8xf32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.maximumf %a, %b : f32
    tile.yield %c : f32
  }
  %e = tile.expand_dims %m axis = 1 : (tensor<8xf32>) -> tensor<8x1xf32>
  %b = tile.broadcast %e : (tensor<8x1xf32>) -> tensor<8x16xf32>
  %d = arith.subf %x, %b : tensor<8x16xf32>
  tile.store %p, %d : (tensor<8x16x!tile.ptr<f32>>, tensor<8x16xf32>) -> ()
  return
}
}

// -----

// Pairs that lie in two lanes come together before a split.
// CHECK-LABEL: func.func @split_apart
// CHECK: tile.split {{.*}} : (tensor<4x2xi8, #tile.linear<[4, 2], register = {{\[\[}}0, 1]
module attributes {tile.options = {num_warps = 1 : i64}} {
func.func @split_apart(%x: !tile.ptr<i8>, %o: tensor<4x!tile.ptr<i8>>) {
  %r = tile.arange 0 to 8 : tensor<8xi32>
  %xs = tile.splat %x : (!tile.ptr<i8>) -> tensor<8x!tile.ptr<i8>>
  %p = tile.addptr %xs, %r : (tensor<8x!tile.ptr<i8>>, tensor<8xi32>) -> tensor<8x!tile.ptr<i8>>
  %v = tile.load %p : (tensor<8x!tile.ptr<i8>>) -> tensor<8xi8>
  %t = tile.reshape %v : (tensor<8xi8>) -> tensor<2x4xi8>
  %u = tile.transpose %t order = [1, 0] : (tensor<2x4xi8>) -> tensor<4x2xi8>
  %a, %b = tile.split %u : (tensor<4x2xi8>) -> (tensor<4xi8>, tensor<4xi8>)
  %s = arith.addi %a, %b : tensor<4xi8>
  tile.store %o, %s : (tensor<4x!tile.ptr<i8>>, tensor<4xi8>) -> ()
  return
}
}

// -----

// Carried tiles have one layout in and out of a loop; a while and an if agree with what feeds them.
// CHECK-LABEL: func.func @control_flow
module attributes {tile.options = {num_warps = 1 : i64}} {
func.func @control_flow(%x: tensor<16xf32>, %p: tensor<16x!tile.ptr<f32>>, %n: i32, %c: i1) {
  %zero = arith.constant dense<0.0> : tensor<16xf32>
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %s = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<16xf32>) : i32 {
    %v = tile.load %p : (tensor<16x!tile.ptr<f32>>) -> tensor<16xf32>
    %next = arith.addf %acc, %v : tensor<16xf32>
    scf.yield %next : tensor<16xf32>
  }
  %t = scf.if %c -> (tensor<16xf32>) {
    scf.yield %s : tensor<16xf32>
  } else {
    scf.yield %zero : tensor<16xf32>
  }
  %w:2 = scf.while (%a = %t, %i = %c0) : (tensor<16xf32>, i32) -> (tensor<16xf32>, i32) {
    %go = arith.cmpi slt, %i, %n : i32
    scf.condition(%go) %a, %i : tensor<16xf32>, i32
  } do {
  ^bb0(%a: tensor<16xf32>, %i: i32):
    %d = arith.mulf %a, %a : tensor<16xf32>
    %j = arith.addi %i, %c1 : i32
    scf.yield %d, %j : tensor<16xf32>, i32
  }
  tile.store %p, %w#0 : (tensor<16x!tile.ptr<f32>>, tensor<16xf32>) -> ()
  return
}
}

// -----

// No addresses follow each other, but those of k / 8 repeat: lanes go along k, where they share addresses, not along n, where each has a line of its own.
// CHECK-LABEL: func.func @groups
// CHECK: tile.load {{.*}}-> tensor<16x8xf16, #tile.linear<[16, 8], register = {{\[\[}}1, 0], {{.*}}], lane = {{\[\[}}2, 0], [4, 0]]
module attributes {tile.options = {num_warps = 2 : i64}} {
func.func @groups(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %stride: i32, %y: !tile.ptr<f16>) {
  %k = tile.arange 0 to 16 : tensor<16xi32>
  %eight = arith.constant dense<8> : tensor<16xi32>
  %group = arith.divsi %k, %eight : tensor<16xi32>
  %ke = tile.expand_dims %group axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>
  %kb = tile.broadcast %ke : (tensor<16x1xi32>) -> tensor<16x8xi32>
  %n = tile.arange 0 to 8 : tensor<8xi32>
  %ss = tile.splat %stride : (i32) -> tensor<8xi32>
  %rows = arith.muli %n, %ss : tensor<8xi32>
  %ne = tile.expand_dims %rows axis = 0 : (tensor<8xi32>) -> tensor<1x8xi32>
  %nb = tile.broadcast %ne : (tensor<1x8xi32>) -> tensor<16x8xi32>
  %at = arith.addi %kb, %nb : tensor<16x8xi32>
  %xs = tile.splat %x : (!tile.ptr<f16>) -> tensor<16x8x!tile.ptr<f16>>
  %p = tile.addptr %xs, %at : (tensor<16x8x!tile.ptr<f16>>, tensor<16x8xi32>) -> tensor<16x8x!tile.ptr<f16>>
  %v = tile.load %p : (tensor<16x8x!tile.ptr<f16>>) -> tensor<16x8xf16>
  %s = tile.reduce %v axis = 0 : (tensor<16x8xf16>) -> tensor<8xf16> {
  ^bb0(%a: f16, %b: f16):
    %t = arith.addf %a, %b : f16
    tile.yield %t : f16
  }
  %ys = tile.splat %y : (!tile.ptr<f16>) -> tensor<8x!tile.ptr<f16>>
  %q = tile.addptr %ys, %n : (tensor<8x!tile.ptr<f16>>, tensor<8xi32>) -> tensor<8x!tile.ptr<f16>>
  tile.store %q, %s : (tensor<8x!tile.ptr<f16>>, tensor<8xf16>) -> ()
  return
}
}

// -----

// i8 is loaded, f16 stored: 16 values a lane would be 32 bytes of f16, each of two stores half of every sector. With 8 both fill theirs.
// CHECK-LABEL: func.func @widens
// CHECK: tile.load {{.*}}-> tensor<128xi8, #tile.linear<[128], register = {{\[\[}}1], [2], [4], [64]]
// CHECK-NOT: convert_layout
// CHECK: tile.store
module attributes {tile.options = {num_warps = 2 : i64}} {
func.func @widens(%x: !tile.ptr<i8> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16> {tile.divisibility = 16 : i64}) {
  %r = tile.arange 0 to 128 : tensor<128xi32>
  %xs = tile.splat %x : (!tile.ptr<i8>) -> tensor<128x!tile.ptr<i8>>
  %p = tile.addptr %xs, %r : (tensor<128x!tile.ptr<i8>>, tensor<128xi32>) -> tensor<128x!tile.ptr<i8>>
  %v = tile.load %p : (tensor<128x!tile.ptr<i8>>) -> tensor<128xi8>
  %w = arith.sitofp %v : tensor<128xi8> to tensor<128xf16>
  %ys = tile.splat %y : (!tile.ptr<f16>) -> tensor<128x!tile.ptr<f16>>
  %q = tile.addptr %ys, %r : (tensor<128x!tile.ptr<f16>>, tensor<128xi32>) -> tensor<128x!tile.ptr<f16>>
  tile.store %q, %w : (tensor<128x!tile.ptr<f16>>, tensor<128xf16>) -> ()
  return
}
}

// -----

// f32 is loaded, f16 stored: what a load leaves of its sectors the next one finds in the first-level cache; the vectors are those of the narrower element.
// CHECK-LABEL: func.func @narrows
// CHECK: tile.load {{.*}}-> tensor<128xf32, #tile.linear<[128], register = {{\[\[}}1], [2], [4], [64]]
// CHECK-NOT: convert_layout
// CHECK: tile.store
module attributes {tile.options = {num_warps = 2 : i64}} {
func.func @narrows(%x: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16> {tile.divisibility = 16 : i64}) {
  %r = tile.arange 0 to 128 : tensor<128xi32>
  %xs = tile.splat %x : (!tile.ptr<f32>) -> tensor<128x!tile.ptr<f32>>
  %p = tile.addptr %xs, %r : (tensor<128x!tile.ptr<f32>>, tensor<128xi32>) -> tensor<128x!tile.ptr<f32>>
  %v = tile.load %p : (tensor<128x!tile.ptr<f32>>) -> tensor<128xf32>
  %w = arith.truncf %v : tensor<128xf32> to tensor<128xf16>
  %ys = tile.splat %y : (!tile.ptr<f16>) -> tensor<128x!tile.ptr<f16>>
  %q = tile.addptr %ys, %r : (tensor<128x!tile.ptr<f16>>, tensor<128xi32>) -> tensor<128x!tile.ptr<f16>>
  tile.store %q, %w : (tensor<128x!tile.ptr<f16>>, tensor<128xf16>) -> ()
  return
}
}
