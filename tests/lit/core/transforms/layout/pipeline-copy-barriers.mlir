// Guards: the slots' copy barriers count where rings would fill shared memory to the last byte: four slots of 16 KiB of 64 KiB were asked for.
// RUN: %tessera-opt %s --tile-layout-pipeline="matrix=true tensor-copies=true" | FileCheck %s

// CHECK-COUNT-2: tile.shared_alloc {{.*}} bytes = 24576 {{.*}}slots = 3 : !tile.shared<{{.*}}xf16
// CHECK: tile.shared_alloc {{.*}} bytes = 24 {{.*}}slots = 3 : !tile.shared<1xi64
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @matmul(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %step = arith.constant 64 : i32
  %none = arith.constant dense<0.0> : tensor<64x64xf32>
  %r = scf.for %i = %zero to %k step %step iter_args(%sum = %none) -> (tensor<64x64xf32>) : i32 {
    %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x64xf16>
    %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x64xf16>
    %d = tile.dot %x, %y, %sum : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf32>) -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  } {tile.num_stages = 4 : i32}
  tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (tensor<64x64xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  return
}
}
