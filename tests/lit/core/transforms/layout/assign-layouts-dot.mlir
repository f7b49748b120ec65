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
