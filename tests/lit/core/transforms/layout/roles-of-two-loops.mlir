// Guards: of two loops with roles that follow each other the second one goes on with the first one's rings and copy barriers, where they stand.
// RUN: %tessera-opt %s --tile-layout-pipeline="matrix-shared=true tensor-copies=true roles=true shared-bytes=22528" | FileCheck %s

// CHECK-LABEL: func.func @attention
// CHECK-COUNT-4: tile.copy_barrier_init
// CHECK-NOT: copy_barrier_init
// CHECK: tile.roles warps = 4
// CHECK: %[[FIRST:.*]]:2 = scf.for
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[FIRST]]#0, %{{.*}} = %[[FIRST]]#1)
// CHECK: } work {
module attributes {tile.options = {num_warps = 8 : i64}} {
func.func @attention(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %st = arith.constant 32 : i32
  %none = arith.constant dense<0.0> : tensor<128x32xf32>
  %half = arith.constant dense<0.5> : tensor<128x32xf32>
  %q = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<128x32xf16>
  %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<128x32xf32>) : i32 {
    %kt = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %kk = tile.transpose %kt order = [1, 0] : (tensor<32x32xf16>) -> tensor<32x32xf16>
    %s = tile.dot %q, %kk, %none : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    %w = arith.truncf %s : tensor<128x32xf32> to tensor<128x32xf16>
    %v = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %st] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %less = arith.mulf %sum, %half : tensor<128x32xf32>
    %d = tile.dot %w, %v, %less : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    scf.yield %d : tensor<128x32xf32>
  } {tile.loop_flags = 2 : i32, tile.num_stages = 2 : i32}
  %r2 = scf.for %i = %zero to %k step %st iter_args(%sum = %r) -> (tensor<128x32xf32>) : i32 {
    %kt = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %kk = tile.transpose %kt order = [1, 0] : (tensor<32x32xf16>) -> tensor<32x32xf16>
    %s = tile.dot %q, %kk, %none : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    %w = arith.truncf %s : tensor<128x32xf32> to tensor<128x32xf16>
    %v = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %st] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %less = arith.mulf %sum, %half : tensor<128x32xf32>
    %d = tile.dot %w, %v, %less : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    scf.yield %d : tensor<128x32xf32>
  } {tile.loop_flags = 2 : i32, tile.num_stages = 2 : i32}
  tile.descriptor_store %r2, %c shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (tensor<128x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  return
}
}
