// Guards: an access by descriptor outside of a pipelined loop is one tensor copy, its load behind a fence and a barrier, its store behind both.
// RUN: %tessera-opt %s --tile-layout-pipeline="tensor-copies=true" | FileCheck %s

module attributes {tile.options = {num_warps = 4 : i64}} {
// CHECK-LABEL: @window
// CHECK: %[[LESS:.*]] = arith.cmpi slt
// CHECK-DAG: %[[MAP:.*]] = tile.tensor_map %arg0, %{{.*}} box = [16, 64] swizzle = 128 : (
// CHECK: tile.shared_alloc offset = 0 bytes = 2048 : !tile.shared<16x64xf16
// CHECK: tile.shared_alloc offset = {{[0-9]+}} bytes = 8 slots = 1 : !tile.shared<1xi64
// CHECK-NEXT: tile.copy_barrier_init %{{.*}} arrivals = 1
// CHECK: tile.shared_fence
// CHECK-NEXT: tile.barrier
// CHECK: %[[ROW:.*]] = arith.select %[[LESS]]
// CHECK-NEXT: tile.copy_expect %{{.*}} bytes = 2048
// CHECK-NEXT: tile.tensor_load %{{.*}}, %[[MAP]], %{{.*}}, %{{.*}}, %[[ROW]], %{{.*}} : (
// CHECK-NEXT: tile.copy_barrier_wait
// CHECK-NOT: tile.barrier
// CHECK: tile.shared_load
// CHECK: tile.barrier
// CHECK-NEXT: tile.copy_barrier_end
// CHECK: tile.shared_store
// CHECK-NEXT: tile.shared_fence
// CHECK-NEXT: tile.barrier
// CHECK: tile.tensor_store
// CHECK-NEXT: tile.tensor_store_wait 0
// CHECK-NOT: complete
func.func @window(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %m: i32, %i: i32) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%n64, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %y shape[%m64, %n64] strides[%n64, %one] offsets[%i, %i] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// What is stored is loaded too: the store is over before the kernel goes on. Two accesses of one array share its map; no extent can be below 1.
// CHECK-LABEL: @in_place
// CHECK: tile.tensor_map
// CHECK-NOT: tile.tensor_map
// CHECK-NOT: arith.select
// CHECK: tile.tensor_store_wait 0 complete = 1
// CHECK-NEXT: tile.barrier
func.func @in_place(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %i: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %v = tile.descriptor_load %x shape[%n64, %n64] strides[%n64, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%n64, %n64] strides[%n64, %one] offsets[%i, %i] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// Loads that follow each other start together. What is stored between keeps them apart.
// CHECK-LABEL: @together
// CHECK: tile.copy_expect %{{.*}} bytes = 4096
// CHECK-COUNT-2: tile.tensor_load
// CHECK: tile.copy_barrier_wait
// CHECK-NOT: tile.barrier
// CHECK-COUNT-2: tile.shared_load
// CHECK: tile.copy_barrier_end
// CHECK: tile.store
// CHECK: tile.copy_expect %{{.*}} bytes = 2048
// CHECK: tile.tensor_load
// CHECK-NEXT: tile.copy_barrier_wait
func.func @together(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %z: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %i: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %v = tile.descriptor_load %x shape[%n64, %n64] strides[%n64, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  %c5 = arith.constant 5 : i32
  %j = arith.addi %i, %c5 : i32
  %w = tile.descriptor_load %x shape[%n64, %n64] strides[%n64, %one] offsets[%j, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  %h = arith.constant 1.0 : f16
  tile.store %z, %h : (!tile.ptr<f16>, f16) -> ()
  %u = tile.descriptor_load %x shape[%n64, %n64] strides[%n64, %one] offsets[%c5, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  %s = arith.addf %v, %w : tensor<16x64xf16>
  %t = arith.addf %s, %u : tensor<16x64xf16>
  tile.descriptor_store %t, %y shape[%n64, %n64] strides[%n64, %one] offsets[%i, %i] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}
}
