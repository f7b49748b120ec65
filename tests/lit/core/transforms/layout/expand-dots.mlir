// Guards: products of scaled blocks become elementwise work and a dot; values of the special scales; which type they multiply in.
// RUN: %tessera-opt %s -split-input-file --tile-expand-dots | FileCheck %s --check-prefixes=CHECK,NONE
// RUN: %tessera-opt %s -split-input-file --tile-expand-dots=matrix=true | FileCheck %s --check-prefixes=CHECK,UNIT

// Two elements of e2m1 in a byte, packed along k on the left and along n on the right.
// CHECK-LABEL: func.func @packed
// CHECK-NOT: dot_scaled
// CHECK: arith.extui %{{.*}} : tensor<32x32xi8> to tensor<32x32xi32>
// CHECK: tile.reshape %{{.*}} : (tensor<32x32x2xi32>) -> tensor<32x64xi32>
// CHECK: tile.bitcast %{{.*}} : tensor<32x64xi16> to tensor<32x64xbf16>
// CHECK: tile.reshape %{{.*}} : (tensor<64x8x2xi32>) -> tensor<64x16xi32>
// CHECK: tile.dot %{{.*}} : (tensor<32x64xbf16>, tensor<64x16xbf16>, tensor<32x16xf32>) -> tensor<32x16xf32>
func.func @packed(%a: tensor<32x32xi8>, %b: tensor<64x8xi8>, %c: tensor<32x16xf32>, %p: tensor<32x16x!tile.ptr<f32>>) {
  %d = tile.dot_scaled %a as e2m1, %b as e2m1, %c lhs_k_pack : (tensor<32x32xi8>, tensor<64x8xi8>, tensor<32x16xf32>) -> tensor<32x16xf32>
  tile.store %p, %d : (tensor<32x16x!tile.ptr<f32>>, tensor<32x16xf32>) -> ()
  return
}

// -----

// A scale is repeated for 32 of k; those of b lie across. Codes 0 and 255 are a denormal and NaN.
// CHECK-LABEL: func.func @scales
// CHECK: %[[SPECIAL:.*]] = arith.ori %{{.*}} : tensor<32x2xi1>
// CHECK: arith.select %[[SPECIAL]]
// CHECK: tile.broadcast %{{.*}} : (tensor<32x2x1xbf16>) -> tensor<32x2x32xbf16>
// CHECK: arith.mulf %{{.*}} : tensor<32x64xbf16>
// CHECK: tile.transpose %{{.*}} order = [1, 0] : (tensor<16x2xbf16>) -> tensor<2x16xbf16>
// CHECK: tile.broadcast %{{.*}} : (tensor<2x1x16xbf16>) -> tensor<2x32x16xbf16>
// CHECK: arith.mulf %{{.*}} : tensor<64x16xbf16>
// CHECK: tile.dot
func.func @scales(%a: tensor<32x64xf8E4M3FN>, %b: tensor<64x16xi8>, %c: tensor<32x16xf32>, %sa: tensor<32x2xi8>, %sb: tensor<16x2xi8>,
                  %p: tensor<32x16x!tile.ptr<f32>>) {
  %d = tile.dot_scaled %a as e4m3 scale %sa, %b as e5m2 scale %sb, %c : (tensor<32x64xf8E4M3FN>, tensor<64x16xi8>, tensor<32x16xf32>, tensor<32x2xi8>, tensor<16x2xi8>) -> tensor<32x16xf32>
  tile.store %p, %d : (tensor<32x16x!tile.ptr<f32>>, tensor<32x16xf32>) -> ()
  return
}

// -----

// fast_math: no scale is 0 or 255.
// CHECK-LABEL: func.func @fast
// CHECK-NOT: arith.select
// CHECK: tile.dot
func.func @fast(%a: tensor<32x64xf8E4M3FN>, %b: tensor<64x16xbf16>, %c: tensor<32x16xf32>, %sa: tensor<32x2xi8>, %p: tensor<32x16x!tile.ptr<f32>>) {
  %d = tile.dot_scaled %a as e4m3 scale %sa, %b as bf16, %c fast_math : (tensor<32x64xf8E4M3FN>, tensor<64x16xbf16>, tensor<32x16xf32>, tensor<32x2xi8>) -> tensor<32x16xf32>
  tile.store %p, %d : (tensor<32x16x!tile.ptr<f32>>, tensor<32x16xf32>) -> ()
  return
}

// -----

// With fp16 on one side both are fp16, scaled in f32; a narrow accumulator is summed in f32; a batch.
// CHECK-LABEL: func.func @half
// CHECK: arith.mulf %{{.*}} : tensor<2x32x64xf32>
// CHECK: tile.fptofp %{{.*}} : tensor<2x32x64xf32> to tensor<2x32x64xf16>
// CHECK: %[[D:.*]] = tile.dot %{{.*}} : (tensor<2x32x64xf16>, tensor<2x64x16xf16>, tensor<2x32x16xf32>) -> tensor<2x32x16xf32>
// CHECK: tile.fptofp %[[D]] : tensor<2x32x16xf32> to tensor<2x32x16xf16>
func.func @half(%a: tensor<2x32x64xf8E5M2>, %b: tensor<2x64x16xf16>, %c: tensor<2x32x16xf16>, %sa: tensor<2x32x2xi8>, %p: tensor<2x32x16x!tile.ptr<f16>>) {
  %d = tile.dot_scaled %a as e5m2 scale %sa, %b as fp16, %c : (tensor<2x32x64xf8E5M2>, tensor<2x64x16xf16>, tensor<2x32x16xf16>, tensor<2x32x2xi8>) -> tensor<2x32x16xf16>
  tile.store %p, %d : (tensor<2x32x16x!tile.ptr<f16>>, tensor<2x32x16xf16>) -> ()
  return
}

// -----

// fp8 becomes fp16 where only that has an instruction.
// CHECK-LABEL: func.func @fp8
// UNIT: tile.fptofp %{{.*}} : tensor<32x64xf8E4M3FN> to tensor<32x64xf16>
// UNIT: tile.fptofp %{{.*}} : tensor<64x16xf8E5M2> to tensor<64x16xf16>
// UNIT: tile.dot %{{.*}} : (tensor<32x64xf16>, tensor<64x16xf16>, tensor<32x16xf32>)
// NONE-NOT: fptofp
// CHECK: return
func.func @fp8(%a: tensor<32x64xf8E4M3FN>, %b: tensor<64x16xf8E5M2>, %c: tensor<32x16xf32>, %p: tensor<32x16x!tile.ptr<f32>>) {
  %d = tile.dot %a, %b, %c max_imprecise = 32 : (tensor<32x64xf8E4M3FN>, tensor<64x16xf8E5M2>, tensor<32x16xf32>) -> tensor<32x16xf32>
  tile.store %p, %d : (tensor<32x16x!tile.ptr<f32>>, tensor<32x16xf32>) -> ()
  return
}
