// Guards: words of eight weights, which rows of a tile share, are loaded once, and so is what a row of zeros shares along the columns; not what an address
// follows from, nor outside of loops with products, nor where nothing goes ahead.
// RUN: %tessera-opt %s -split-input-file --tile-load-runs-once=async-copies=true | FileCheck %s
// RUN: %tessera-opt %s -split-input-file --tile-load-runs-once | FileCheck %s --check-prefix=PLAIN

// CHECK-LABEL: func.func @packed
// CHECK: %[[ROWS:.*]] = tile.arange 0 to 2 : tensor<2xi32>
// CHECK: %[[R:.*]] = tile.expand_dims %[[ROWS]] axis = 1
// CHECK: arith.muli %[[R]], %{{.*}} : tensor<2x1xi32>
// CHECK: %[[RUNS:.*]] = tile.arange 0 to 4 : tensor<4xi32>
// CHECK: arith.divui %{{.*}}, %{{.*}} : tensor<4xi32>
// CHECK: %[[ZERO:.*]] = arith.addi %{{.*}}, %[[RUNS]] : tensor<4xi32>
// CHECK: scf.for
// CHECK: %[[W:.*]] = tile.load %{{.*}} : (tensor<2x32x!tile.ptr<i32>>) -> tensor<2x32xi32>
// CHECK: %[[W1:.*]] = tile.expand_dims %[[W]] axis = 1 : (tensor<2x32xi32>) -> tensor<2x1x32xi32>
// CHECK: %[[W8:.*]] = tile.broadcast %[[W1]] : (tensor<2x1x32xi32>) -> tensor<2x8x32xi32>
// CHECK: tile.reshape %[[W8]] : (tensor<2x8x32xi32>) -> tensor<16x32xi32>
// CHECK: tile.addptr %{{.*}}, %[[ZERO]]
// CHECK: tile.load %{{.*}} : (tensor<4x!tile.ptr<i32>>) -> tensor<4xi32>
// CHECK: tile.reshape %{{.*}} : (tensor<4x8xi32>) -> tensor<32xi32>
// PLAIN-LABEL: func.func @packed
// PLAIN: tile.load %{{.*}} : (tensor<16x32x!tile.ptr<i32>>) -> tensor<16x32xi32>
module attributes {tile.level = "tile", tile.options = {num_stages = 3 : i64, num_warps = 4 : i64}} {
func.func @packed(%p: !tile.ptr<i32> {tile.divisibility = 16 : i64}, %a: tensor<64x16xf16>, %n: i32) -> tensor<64x32xf32> {
  %lo = arith.constant 0 : i32
  %st = arith.constant 1 : i32
  %c32 = arith.constant 32 : i32
  %zero = arith.constant dense<0.0> : tensor<64x32xf32>
  %pid = tile.program_id 0
  %first = arith.muli %pid, %c32 : i32
  %kk = tile.arange 0 to 16 : tensor<16xi32>
  %nn = tile.arange 0 to 32 : tensor<32xi32>
  %firsts = tile.splat %first : (i32) -> tensor<32xi32>
  %bn = arith.addi %firsts, %nn : tensor<32xi32>
  %eight = arith.constant dense<8> : tensor<16x1xi32>
  %eights = arith.constant dense<8> : tensor<32xi32>
  %row = arith.constant dense<32> : tensor<16x1xi32>
  %k1 = tile.expand_dims %kk axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>
  %kw = arith.divui %k1, %eight : tensor<16x1xi32>
  %kr = arith.muli %kw, %row : tensor<16x1xi32>
  %kb = tile.broadcast %kr : (tensor<16x1xi32>) -> tensor<16x32xi32>
  %n0 = tile.expand_dims %bn axis = 0 : (tensor<32xi32>) -> tensor<1x32xi32>
  %nb = tile.broadcast %n0 : (tensor<1x32xi32>) -> tensor<16x32xi32>
  %at = arith.addi %kb, %nb : tensor<16x32xi32>
  %zw = arith.divsi %bn, %eights : tensor<32xi32>
  %r = scf.for %i = %lo to %n step %st iter_args(%acc = %zero) -> (tensor<64x32xf32>) : i32 {
    %q = tile.addptr %p, %i : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>
    %qs = tile.splat %q : (!tile.ptr<i32>) -> tensor<16x32x!tile.ptr<i32>>
    %wp = tile.addptr %qs, %at : (tensor<16x32x!tile.ptr<i32>>, tensor<16x32xi32>) -> tensor<16x32x!tile.ptr<i32>>
    %w = tile.load %wp : (tensor<16x32x!tile.ptr<i32>>) -> tensor<16x32xi32>
    %zs = tile.splat %q : (!tile.ptr<i32>) -> tensor<32x!tile.ptr<i32>>
    %zp = tile.addptr %zs, %zw : (tensor<32x!tile.ptr<i32>>, tensor<32xi32>) -> tensor<32x!tile.ptr<i32>>
    %z = tile.load %zp : (tensor<32x!tile.ptr<i32>>) -> tensor<32xi32>
    %z0 = tile.expand_dims %z axis = 0 : (tensor<32xi32>) -> tensor<1x32xi32>
    %zb = tile.broadcast %z0 : (tensor<1x32xi32>) -> tensor<16x32xi32>
    %wz = arith.subi %w, %zb : tensor<16x32xi32>
    %b = arith.sitofp %wz : tensor<16x32xi32> to tensor<16x32xf16>
    %d = tile.dot %a, %b, %acc : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
    scf.yield %d : tensor<64x32xf32>
  }
  return %r : tensor<64x32xf32>
}
}

// -----

// The page of eight rows: an address follows from it. And rows of the kernel's own, in front of the loop. Nor what no copy does: ones where it is masked off.
// CHECK-LABEL: func.func @pages
// CHECK: tile.load %{{.*}} : (tensor<16x!tile.ptr<i32>>) -> tensor<16xi32>
// CHECK: scf.for
// CHECK: tile.load %{{.*}} : (tensor<16x!tile.ptr<i32>>) -> tensor<16xi32>
// CHECK: tile.load %{{.*}} other %{{.*}} -> tensor<16xi32>
module attributes {tile.level = "tile", tile.options = {num_stages = 3 : i64, num_warps = 4 : i64}} {
func.func @pages(%p: !tile.ptr<i32> {tile.divisibility = 16 : i64}, %a: tensor<64x16xf16>, %n: i32, %odd: i1) -> tensor<64x16xf32> {
  %lo = arith.constant 0 : i32
  %st = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x16xf32>
  %kk = tile.arange 0 to 16 : tensor<16xi32>
  %eight = arith.constant dense<8> : tensor<16xi32>
  %kw = arith.divui %kk, %eight : tensor<16xi32>
  %ps = tile.splat %p : (!tile.ptr<i32>) -> tensor<16x!tile.ptr<i32>>
  %pp = tile.addptr %ps, %kw : (tensor<16x!tile.ptr<i32>>, tensor<16xi32>) -> tensor<16x!tile.ptr<i32>>
  %before = tile.load %pp : (tensor<16x!tile.ptr<i32>>) -> tensor<16xi32>
  %r = scf.for %i = %lo to %n step %st iter_args(%acc = %zero) -> (tensor<64x16xf32>) : i32 {
    %q = tile.addptr %p, %i : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>
    %qs = tile.splat %q : (!tile.ptr<i32>) -> tensor<16x!tile.ptr<i32>>
    %qp = tile.addptr %qs, %kw : (tensor<16x!tile.ptr<i32>>, tensor<16xi32>) -> tensor<16x!tile.ptr<i32>>
    %page = tile.load %qp : (tensor<16x!tile.ptr<i32>>) -> tensor<16xi32>
    %some = tile.splat %odd : (i1) -> tensor<16xi1>
    %one = arith.constant dense<1> : tensor<16xi32>
    %scale = tile.load %pp mask %some other %one : (tensor<16x!tile.ptr<i32>>, tensor<16xi1>, tensor<16xi32>) -> tensor<16xi32>
    %place = arith.addi %page, %before : tensor<16xi32>
    %vp = tile.addptr %qs, %place : (tensor<16x!tile.ptr<i32>>, tensor<16xi32>) -> tensor<16x!tile.ptr<i32>>
    %v = tile.load %vp : (tensor<16x!tile.ptr<i32>>) -> tensor<16xi32>
    %vs = arith.muli %v, %scale : tensor<16xi32>
    %v0 = tile.expand_dims %vs axis = 0 : (tensor<16xi32>) -> tensor<1x16xi32>
    %vb = tile.broadcast %v0 : (tensor<1x16xi32>) -> tensor<16x16xi32>
    %b = arith.sitofp %vb : tensor<16x16xi32> to tensor<16x16xf16>
    %d = tile.dot %a, %b, %acc : (tensor<64x16xf16>, tensor<16x16xf16>, tensor<64x16xf32>) -> tensor<64x16xf32>
    scf.yield %d : tensor<64x16xf32>
  }
  return %r : tensor<64x16xf32>
}
}
