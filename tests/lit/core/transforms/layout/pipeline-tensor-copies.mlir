// Guards: loads by descriptor in a loop with a dot are tensor copies, started num_stages - 1 iterations ahead; each slot has a copy barrier, whose
// parity turns when the ring comes round. The next ones start before this iteration's are awaited.
// RUN: %tessera-opt %s --tile-layout-pipeline="matrix=true tensor-copies=true" | FileCheck %s
// RUN: %tessera-opt %s --tile-layout-pipeline="matrix=true async-copies=true tensor-copies=true" | FileCheck %s

// CHECK-DAG: %[[A:.*]] = tile.tensor_map %arg0
// CHECK-DAG: %[[B:.*]] = tile.tensor_map %arg1
// CHECK-COUNT-2: tile.shared_alloc {{.*}} slots = 3 : !tile.shared<{{.*}}xf16
// CHECK: %[[BARS:.*]] = tile.shared_alloc {{.*}} bytes = 24 slots = 3 : !tile.shared<1xi64
// CHECK-NEXT: tile.copy_barrier_init %[[BARS]] arrivals = 1
// CHECK-NEXT: tile.shared_fence
// CHECK-NEXT: tile.barrier
// CHECK: tile.copy_expect %{{.*}} bytes = 8192
// CHECK-COUNT-2: tile.tensor_load
// CHECK: tile.copy_expect %{{.*}} bytes = 8192
// CHECK-COUNT-2: tile.tensor_load
// CHECK-NOT: async
// CHECK: scf.for
// CHECK-NEXT: tile.barrier
// CHECK-NOT: {{tile.barrier|shared_store|async|copy_barrier_wait}}
// CHECK: tile.copy_expect
// CHECK-NOT: {{tile.barrier|shared_store|async|copy_barrier_wait}}
// CHECK-COUNT-2: tile.tensor_load
// CHECK-NEXT: tile.shared_slot %[[BARS]]
// CHECK-NEXT: tile.copy_barrier_wait
// CHECK-NOT: {{tile.barrier|shared_store|async}}
// CHECK-COUNT-2: tile.shared_load
// CHECK-NOT: {{tile.barrier|shared_store|async}}
// CHECK: tile.dot
// CHECK: arith.xori
// CHECK-NEXT: scf.yield
// CHECK-COUNT-2: tile.shared_free
// CHECK: tile.barrier
// CHECK-NEXT: tile.copy_barrier_end %[[BARS]]
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @matmul(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %step = arith.constant 32 : i32
  %none = arith.constant dense<0.0> : tensor<64x64xf32>
  %r = scf.for %i = %zero to %k step %step iter_args(%sum = %none) -> (tensor<64x64xf32>) : i32 {
    %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf16>
    %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x64xf16>
    %d = tile.dot %x, %y, %sum : (tensor<64x32xf16>, tensor<32x64xf16>, tensor<64x64xf32>) -> tensor<64x64xf32>
    scf.yield %d : tensor<64x64xf32>
  }
  tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (tensor<64x64xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  return
}
}
