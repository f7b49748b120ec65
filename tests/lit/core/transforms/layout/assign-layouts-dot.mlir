// Guards: a dot takes an instruction of the menu where one fits, else multiply-adds of each lane.
// RUN: %tessera-opt %s -split-input-file --tile-assign-layouts=matrix=true --tile-check-layouts | FileCheck %s --check-prefixes=CHECK,MENU
// RUN: %tessera-opt %s -split-input-file --tile-assign-layouts --tile-check-layouts | FileCheck %s --check-prefixes=CHECK,PLAIN

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
