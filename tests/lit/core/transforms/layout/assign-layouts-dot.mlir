// Guards: a dot takes an instruction of the menu where one fits, else multiply-adds of each lane.
// RUN: %tessera-opt %s -split-input-file --tile-assign-layouts=matrix=true --tile-check-layouts | FileCheck %s --check-prefixes=CHECK,MENU
// RUN: %tessera-opt %s -split-input-file --tile-assign-layouts --tile-check-layouts | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: %tessera-opt %s -split-input-file --tile-assign-layouts=matrix-shared=true | FileCheck %s --check-prefix=UNIT

// CHECK-LABEL: func.func @fits
// MENU: tile.dot {{.*}} instruction = 1
// PLAIN-NOT: instruction
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @fits(%a: tensor<32x16xf16>, %b: tensor<16x64xf16>, %c: tensor<32x64xf32>, %p: tensor<32x64x!tile.ptr<f32>>) {
  %d = tile.dot %a, %b, %c : (tensor<32x16xf16>, tensor<16x64xf16>, tensor<32x64xf32>) -> tensor<32x64xf32>
  tile.store %p, %d : (tensor<32x64x!tile.ptr<f32>>, tensor<32x64xf32>) -> ()
  return
}
}

// -----

// Types that the menu lacks.
// CHECK-LABEL: func.func @other_type
// CHECK-NOT: instruction
// CHECK: return
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @other_type(%a: tensor<32x16xf32>, %b: tensor<16x64xf32>, %c: tensor<32x64xf32>, %p: tensor<32x64x!tile.ptr<f32>>) {
  %d = tile.dot %a, %b, %c : (tensor<32x16xf32>, tensor<16x64xf32>, tensor<32x64xf32>) -> tensor<32x64xf32>
  tile.store %p, %d : (tensor<32x64x!tile.ptr<f32>>, tensor<32x64xf32>) -> ()
  return
}
}

// -----

// The boundary: exactly one instruction, fewer tiles than warps; and a batch.
// CHECK-LABEL: func.func @one_instruction
// MENU: instruction = 1
// MENU: instruction = 1
// PLAIN-NOT: instruction
// CHECK: return
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @one_instruction(%a: tensor<16x16xf16>, %c: tensor<16x16xf32>, %e: tensor<2x16x16xf16>, %f: tensor<2x16x16xf32>,
                           %p: tensor<16x16x!tile.ptr<f32>>, %q: tensor<2x16x16x!tile.ptr<f32>>) {
  %d = tile.dot %a, %a, %c : (tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
  tile.store %p, %d : (tensor<16x16x!tile.ptr<f32>>, tensor<16x16xf32>) -> ()
  %g = tile.dot %e, %e, %f : (tensor<2x16x16xf16>, tensor<2x16x16xf16>, tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  tile.store %q, %g : (tensor<2x16x16x!tile.ptr<f32>>, tensor<2x16x16xf32>) -> ()
  return
}
}

// -----

// A lane of a quad has pairs of a row. Where memory takes four in order, one bit of the lane goes for the next tile's bit of the register; not where it takes two.
// CHECK-LABEL: func.func @stored_by_four
// MENU: tile.dot {{.*}} instruction = 1
// MENU: tile.store {{.*}}tensor<16x16xf32, #tile.linear<[16, 16], register = {{\[\[}}0, 1], [8, 0], [0, 2]], lane = {{\[\[}}0, 8], [0, 4],
// CHECK-LABEL: func.func @stored_by_two
// MENU: tile.store {{.*}}tensor<16x16xf32, #tile.linear<[16, 16], register = {{\[\[}}0, 1], [8, 0], [0, 8]], lane = {{\[\[}}0, 2], [0, 4],
module attributes {tile.options = {num_warps = 1 : i64}} {
func.func @stored_by_four(%a: tensor<16x16xf16>, %p: !tile.ptr<f32> {tile.divisibility = 16 : i32}) {
  %c = arith.constant dense<0.000000e+00> : tensor<16x16xf32>
  %d = tile.dot %a, %a, %c : (tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %i = tile.arange 0 to 16 : tensor<16xi32>
  %row = tile.expand_dims %i axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>
  %column = tile.expand_dims %i axis = 0 : (tensor<16xi32>) -> tensor<1x16xi32>
  %n = arith.constant dense<16> : tensor<16x1xi32>
  %start = arith.muli %row, %n : tensor<16x1xi32>
  %starts = tile.broadcast %start : (tensor<16x1xi32>) -> tensor<16x16xi32>
  %columns = tile.broadcast %column : (tensor<1x16xi32>) -> tensor<16x16xi32>
  %place = arith.addi %starts, %columns : tensor<16x16xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<16x16x!tile.ptr<f32>>
  %to = tile.addptr %ps, %place : (tensor<16x16x!tile.ptr<f32>>, tensor<16x16xi32>) -> tensor<16x16x!tile.ptr<f32>>
  tile.store %to, %d : (tensor<16x16x!tile.ptr<f32>>, tensor<16x16xf32>) -> ()
  return
}

func.func @stored_by_two(%a: tensor<16x16xf16>, %p: !tile.ptr<f32> {tile.divisibility = 8 : i32}) {
  %c = arith.constant dense<0.000000e+00> : tensor<16x16xf32>
  %d = tile.dot %a, %a, %c : (tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %i = tile.arange 0 to 16 : tensor<16xi32>
  %row = tile.expand_dims %i axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>
  %column = tile.expand_dims %i axis = 0 : (tensor<16xi32>) -> tensor<1x16xi32>
  %n = arith.constant dense<16> : tensor<16x1xi32>
  %start = arith.muli %row, %n : tensor<16x1xi32>
  %starts = tile.broadcast %start : (tensor<16x1xi32>) -> tensor<16x16xi32>
  %columns = tile.broadcast %column : (tensor<1x16xi32>) -> tensor<16x16xi32>
  %place = arith.addi %starts, %columns : tensor<16x16xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<16x16x!tile.ptr<f32>>
  %to = tile.addptr %ps, %place : (tensor<16x16x!tile.ptr<f32>>, tensor<16x16xi32>) -> tensor<16x16x!tile.ptr<f32>>
  tile.store %to, %d : (tensor<16x16x!tile.ptr<f32>>, tensor<16x16xf32>) -> ()
  return
}
}

// -----

// A row of scales that the loop loads for the products' columns: each lane loads one element, not the many that the lanes of the rows' own loads name, whose
// places the scales' come from, nor those of the sums.
// MENU-LABEL: func.func @scaled
// MENU: scf.for
// MENU: tile.load {{.*}}-> tensor<16xf32, #tile.linear<[16], register = [], lane = {{\[\[}}1], [2], [4], [8], [0]]
module attributes {tile.options = {num_warps = 1 : i64}} {
func.func @scaled(%x: !tile.ptr<f16> {tile.divisibility = 16 : i32}, %p: !tile.ptr<f32>, %stride: i32, %n: i32, %out: tensor<16x16x!tile.ptr<f32>>) {
  %zero = arith.constant dense<0.000000e+00> : tensor<16x16xf32>
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %rows = arith.constant dense<16> : tensor<16x1xi32>
  %r = tile.arange 0 to 16 : tensor<16xi32>
  %re = tile.expand_dims %r axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>
  %start = arith.muli %re, %rows : tensor<16x1xi32>
  %starts = tile.broadcast %start : (tensor<16x1xi32>) -> tensor<16x16xi32>
  %xs = tile.splat %x : (!tile.ptr<f16>) -> tensor<16x16x!tile.ptr<f16>>
  %s = tile.splat %stride : (i32) -> tensor<16xi32>
  %sum = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<16x16xf32>) : i32 {
    %ks = tile.splat %k : (i32) -> tensor<16xi32>
    %i = arith.addi %r, %ks : tensor<16xi32>
    %c = tile.expand_dims %r axis = 0 : (tensor<16xi32>) -> tensor<1x16xi32>
    %columns = tile.broadcast %c : (tensor<1x16xi32>) -> tensor<16x16xi32>
    %place = arith.addi %starts, %columns : tensor<16x16xi32>
    %from = tile.addptr %xs, %place : (tensor<16x16x!tile.ptr<f16>>, tensor<16x16xi32>) -> tensor<16x16x!tile.ptr<f16>>
    %a = tile.load %from : (tensor<16x16x!tile.ptr<f16>>) -> tensor<16x16xf16>
    %d = tile.dot %a, %a, %zero : (tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
    %at = arith.muli %i, %s : tensor<16xi32>
    %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<16x!tile.ptr<f32>>
    %next = tile.addptr %ps, %at : (tensor<16x!tile.ptr<f32>>, tensor<16xi32>) -> tensor<16x!tile.ptr<f32>>
    %scale = tile.load %next : (tensor<16x!tile.ptr<f32>>) -> tensor<16xf32>
    %e = tile.expand_dims %scale axis = 0 : (tensor<16xf32>) -> tensor<1x16xf32>
    %b = tile.broadcast %e : (tensor<1x16xf32>) -> tensor<16x16xf32>
    %m = arith.mulf %d, %b : tensor<16x16xf32>
    %t = arith.addf %acc, %m : tensor<16x16xf32>
    scf.yield %t : tensor<16x16xf32>
  }
  tile.store %out, %sum : (tensor<16x16x!tile.ptr<f32>>, tensor<16x16xf32>) -> ()
  return
}
}

// -----

// What a branch loads has neighbours along k in memory, and so have the lanes that hold it: its buffer runs along k, too. What is computed runs as it is held.
// UNIT-LABEL: func.func @by_branches
// UNIT: tile.async_dot {{.*}} : (!tile.shared<64x16xf16, #tile.linear<[64, 16], offset = {{\[\[}}0, 1], {{.*}}, !tile.shared<16x16xf16, #tile.linear<[16, 16], offset = {{\[\[}}1, 0], [2, 0], [4, 0], [8, 0], [0, 1]
// UNIT: tile.async_dot {{.*}} : (!tile.shared<64x16xf16, #tile.linear<[64, 16], offset = {{\[\[}}0, 1], {{.*}}, !tile.shared<16x16xf16, #tile.linear<[16, 16], offset = {{\[\[}}0, 1], [0, 2], [0, 4], [0, 8], [1, 0]
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @by_branches(%a: !tile.ptr<f16> {tile.divisibility = 16 : i32}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i32}, %which: i1, %out: tensor<64x16x!tile.ptr<f32>>) {
  %zero = arith.constant dense<0.000000e+00> : tensor<64x16xf32>
  %none = arith.constant dense<0.000000e+00> : tensor<16x16xf16>
  %two = arith.constant dense<2.000000e+00> : tensor<16x16xf16>
  %wide = arith.constant dense<16> : tensor<64x1xi32>
  %wide2 = arith.constant dense<16> : tensor<16x1xi32>
  %wideb = arith.constant dense<16> : tensor<1x16xi32>
  %m = tile.arange 0 to 64 : tensor<64xi32>
  %k = tile.arange 0 to 16 : tensor<16xi32>
  %me = tile.expand_dims %m axis = 1 : (tensor<64xi32>) -> tensor<64x1xi32>
  %ke = tile.expand_dims %k axis = 0 : (tensor<16xi32>) -> tensor<1x16xi32>
  %kc = tile.expand_dims %k axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>
  %mr = arith.muli %me, %wide : tensor<64x1xi32>
  %mb = tile.broadcast %mr : (tensor<64x1xi32>) -> tensor<64x16xi32>
  %kb = tile.broadcast %ke : (tensor<1x16xi32>) -> tensor<64x16xi32>
  %ao = arith.addi %mb, %kb : tensor<64x16xi32>
  %as = tile.splat %a : (!tile.ptr<f16>) -> tensor<64x16x!tile.ptr<f16>>
  %ap = tile.addptr %as, %ao : (tensor<64x16x!tile.ptr<f16>>, tensor<64x16xi32>) -> tensor<64x16x!tile.ptr<f16>>
  %x = tile.load %ap : (tensor<64x16x!tile.ptr<f16>>) -> tensor<64x16xf16>
  %nr = arith.muli %ke, %wideb : tensor<1x16xi32>
  %nb = tile.broadcast %nr : (tensor<1x16xi32>) -> tensor<16x16xi32>
  %kr = tile.broadcast %kc : (tensor<16x1xi32>) -> tensor<16x16xi32>
  %bo = arith.addi %nb, %kr : tensor<16x16xi32>
  %bs = tile.splat %b : (!tile.ptr<f16>) -> tensor<16x16x!tile.ptr<f16>>
  %bp = tile.addptr %bs, %bo : (tensor<16x16x!tile.ptr<f16>>, tensor<16x16xi32>) -> tensor<16x16x!tile.ptr<f16>>
  %y = scf.if %which -> (tensor<16x16xf16>) {
    %l = tile.load %bp : (tensor<16x16x!tile.ptr<f16>>) -> tensor<16x16xf16>
    scf.yield %l : tensor<16x16xf16>
  } else {
    scf.yield %none : tensor<16x16xf16>
  }
  %d = tile.dot %x, %y, %zero : (tensor<64x16xf16>, tensor<16x16xf16>, tensor<64x16xf32>) -> tensor<64x16xf32>
  %nc = tile.broadcast %ke : (tensor<1x16xi32>) -> tensor<16x16xi32>
  %krow = arith.muli %kc, %wide2 : tensor<16x1xi32>
  %krows = tile.broadcast %krow : (tensor<16x1xi32>) -> tensor<16x16xi32>
  %co = arith.addi %nc, %krows : tensor<16x16xi32>
  %cp = tile.addptr %bs, %co : (tensor<16x16x!tile.ptr<f16>>, tensor<16x16xi32>) -> tensor<16x16x!tile.ptr<f16>>
  %cl = tile.load %cp : (tensor<16x16x!tile.ptr<f16>>) -> tensor<16x16xf16>
  %z = arith.mulf %cl, %two : tensor<16x16xf16>
  %e = tile.dot %x, %z, %d : (tensor<64x16xf16>, tensor<16x16xf16>, tensor<64x16xf32>) -> tensor<64x16xf32>
  tile.store %out, %e : (tensor<64x16x!tile.ptr<f32>>, tensor<64x16xf32>) -> ()
  return
}
}
