// Guards: loads that reach one product, one of them through arithmetic, have one pair of copy barriers; where the loop has a fence of its own behind what lanes
// read, the arrival stands behind that and needs no other. The lanes' registers are few, so they trade none: one subgroup copies, and more blocks fit.
// RUN: %tessera-opt %s --tile-layout-pipeline="matrix-shared=true tensor-copies=true roles=true" | FileCheck %s
// RUN: %tessera-opt %s --tile-layout-pipeline="matrix=true tensor-copies=true roles=true" | FileCheck %s --check-prefix=WARP

// CHECK-LABEL: func.func @converted
// CHECK-COUNT-2: tile.copy_barrier_init
// CHECK-NOT: copy_barrier_init
// CHECK: tile.roles warps = 1 copies {
// CHECK: tile.copy_expect {{.*}} bytes = 5120
// CHECK: } work {
// CHECK: tile.copy_barrier_wait
// CHECK: tile.shared_load
// CHECK-NOT: tile.shared_fence
// CHECK: tile.shared_store
// CHECK-NEXT: tile.shared_fence
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.async_dot
// CHECK-NEXT: tile.dot_wait
// CHECK-NOT: tile.shared_fence
// CHECK: tile.copy_arrive
// CHECK-NOT: tile.copy_arrive
// CHECK: scf.yield

// A product of subgroups takes values that lanes read: one fence for both.
// WARP-LABEL: func.func @converted
// WARP-COUNT-2: tile.copy_barrier_init
// WARP-NOT: copy_barrier_init
// WARP: } work {
// WARP: tile.copy_barrier_wait
// WARP-COUNT-2: tile.shared_load
// WARP-NEXT: tile.shared_fence
// WARP: tile.copy_arrive
// WARP-NOT: {{shared_fence|copy_arrive}}
// WARP: tile.dot
// WARP: scf.yield
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @converted(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<i8> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %st = arith.constant 32 : i32
  %none = arith.constant dense<0.0> : tensor<64x32xf32>
  %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<64x32xf32>) : i32 {
    %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf16>
    %w = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<i8>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xi8>
    %y = arith.sitofp %w : tensor<32x32xi8> to tensor<32x32xf16>
    %d = tile.dot %x, %y, %sum : (tensor<64x32xf16>, tensor<32x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
    scf.yield %d : tensor<64x32xf32>
  } {tile.loop_flags = 2 : i32, tile.num_stages = 2 : i32}
  tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  return
}
}
