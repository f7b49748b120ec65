// Guards: the loads of loops that say warp_specialize go to subgroups of their own; each ring has a full and an empty barrier a slot, in the order
// wait for empty, announce, copy; wait for full, read, arrive. The outer loop is in both roles, its store in the work alone.
// RUN: %tessera-opt %s --tile-specialize-roles="matrix=true tensor-copies=true roles=true" -split-input-file | FileCheck %s
// RUN: %tessera-opt %s --tile-specialize-roles="matrix=true tensor-copies=true roles=true" -split-input-file -verify-diagnostics -o /dev/null

#A = #tile.linear<[64, 32], register = [[0, 1], [0, 2], [0, 4], [8, 0], [16, 0], [32, 0]], lane = [[0, 8], [0, 16], [1, 0], [2, 0], [4, 0]], warp = [[0, 0], [0, 0]]>
#B = #tile.linear<[32, 64], register = [[0, 1], [0, 2], [0, 4], [8, 0], [16, 0]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = [[4, 0], [0, 0]]>
#C = #tile.linear<[64, 64], register = [[0, 1], [0, 2], [0, 4], [8, 0], [16, 0]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = [[4, 0], [32, 0]]>
// CHECK-LABEL: func.func @persistent
// CHECK-DAG: tile.tensor_map %arg0
// CHECK-DAG: tile.tensor_map %arg1
// CHECK-COUNT-2: tile.shared_alloc bytes = {{[0-9]+}} slots = 3 : !tile.shared<{{.*}}xf16
// CHECK: %[[FULL:.*]] = tile.shared_alloc bytes = 24 slots = 3 : !tile.shared<1xi64
// CHECK-NEXT: tile.copy_barrier_init %[[FULL]] arrivals = 1
// CHECK-NEXT: %[[EMPTY:.*]] = tile.shared_alloc bytes = 24 slots = 3 : !tile.shared<1xi64
// CHECK-NEXT: tile.copy_barrier_init %[[EMPTY]] arrivals = 4
// CHECK-NEXT: tile.shared_fence
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.roles warps = 4 registers = [40, 216] copies {
// CHECK: scf.for {{.*}} -> (i32, i32)
// CHECK: scf.for {{.*}} -> (i32, i32)
// CHECK-NOT: tile.dot
// CHECK: %[[F:.*]] = tile.shared_slot %[[FULL]]
// CHECK: %[[E:.*]] = tile.shared_slot %[[EMPTY]]
// CHECK: tile.copy_barrier_wait %[[E]]
// CHECK-NEXT: tile.copy_expect %[[F]], %{{.*}} bytes = 8192
// CHECK-NEXT: tile.tensor_load
// CHECK-NEXT: tile.tensor_load
// CHECK: } work {
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[F2:.*]] = tile.shared_slot %[[FULL]]
// CHECK-NEXT: tile.copy_barrier_wait %[[F2]]
// CHECK-NOT: tensor_load
// CHECK-COUNT-2: tile.shared_load
// An arrival does not wait for reads.
// CHECK-NEXT: tile.shared_fence
// CHECK: %[[E2:.*]] = tile.shared_slot %[[EMPTY]]
// CHECK-NEXT: tile.copy_arrive %[[E2]]
// CHECK: tile.dot
// CHECK: tile.descriptor_store
module attributes {tile.level = "layout", tile.options = {num_warps = 4 : i64}} {
func.func @persistent(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32, %tiles: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %c1 = arith.constant 1 : i32
  %zero = arith.constant 0 : i32
  %c64 = arith.constant 64 : i32
  %step = arith.constant 32 : i32
  %none = arith.constant dense<0.0> : tensor<64x64xf32, #C>
  scf.for %t = %zero to %tiles step %c1 : i32 {
    %row = arith.muli %t, %c64 : i32
    %r = scf.for %i = %zero to %k step %step iter_args(%sum = %none) -> (tensor<64x64xf32, #C>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%row, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf16, #A>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x64xf16, #B>
      %d = tile.dot %x, %y, %sum : (tensor<64x32xf16, #A>, tensor<32x64xf16, #B>, tensor<64x64xf32, #C>) -> tensor<64x64xf32, #C>
      scf.yield %d : tensor<64x64xf32, #C>
    }
    tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%row, %zero] : (tensor<64x64xf32, #C>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  } {tile.loop_flags = 2 : i32}
  return
}
}

// -----
// What does not fit stays as it is, and says why.
#A = #tile.linear<[64, 32], register = [[0, 1], [0, 2], [0, 4], [8, 0], [16, 0], [32, 0]], lane = [[0, 8], [0, 16], [1, 0], [2, 0], [4, 0]], warp = [[0, 0], [0, 0]]>
#B = #tile.linear<[32, 64], register = [[0, 1], [0, 2], [0, 4], [8, 0], [16, 0]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = [[4, 0], [0, 0]]>
#C = #tile.linear<[64, 64], register = [[0, 1], [0, 2], [0, 4], [8, 0], [16, 0]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = [[4, 0], [32, 0]]>
!V = tensor<64x64xf32, #C>
// CHECK-LABEL: func.func @others
// CHECK-NOT: tile.roles
module attributes {tile.level = "layout", tile.options = {num_warps = 4 : i64}} {
func.func @others(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %at: !tile.ptr<i32>, %k: i32, %on: i1, %pb: tensor<32x64x!tile.ptr<f16>, #B>, %pa: tensor<64x32x!tile.ptr<f16>, #A>, %v: tensor<64x32xf16, #A>) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %step = arith.constant 32 : i32
  %none = arith.constant dense<0.0> : !V
  // expected-remark @+1 {{warp_specialize does nothing here: it loads by pointer, not by descriptor}}
  %r1 = scf.for %i = %zero to %k step %step iter_args(%sum = %none) -> (!V) : i32 {
    %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf16, #A>
    %y = tile.load %pb : (tensor<32x64x!tile.ptr<f16>, #B>) -> tensor<32x64xf16, #B>
    %d = tile.dot %x, %y, %sum : (tensor<64x32xf16, #A>, tensor<32x64xf16, #B>, !V) -> !V
    scf.yield %d : !V
  } {tile.loop_flags = 2 : i32}
  // expected-remark @+1 {{it has no dot}}
  %r2 = scf.for %i = %zero to %k step %step iter_args(%sum = %v) -> (tensor<64x32xf16, #A>) : i32 {
    %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf16, #A>
    scf.yield %x : tensor<64x32xf16, #A>
  } {tile.loop_flags = 2 : i32}
  // expected-remark @+1 {{where it loads, or how often, depends on memory}}
  %r3 = scf.for %i = %zero to %k step %step iter_args(%sum = %none) -> (!V) : i32 {
    %row = tile.load %at : (!tile.ptr<i32>) -> i32
    %x = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%row, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf16, #A>
    %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x64xf16, #B>
    %d = tile.dot %x, %y, %sum : (tensor<64x32xf16, #A>, tensor<32x64xf16, #B>, !V) -> !V
    scf.yield %d : !V
  } {tile.loop_flags = 2 : i32}
  // expected-remark @+1 {{num_stages is 1, which leaves nothing to load ahead}}
  %r4 = scf.for %i = %zero to %k step %step iter_args(%sum = %none) -> (!V) : i32 {
    %x = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf16, #A>
    %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x64xf16, #B>
    %d = tile.dot %x, %y, %sum : (tensor<64x32xf16, #A>, tensor<32x64xf16, #B>, !V) -> !V
    scf.yield %d : !V
  } {tile.loop_flags = 2 : i32, tile.num_stages = 1 : i32}
  scf.while : () -> () {
    scf.condition(%on)
  } do {
    // expected-remark @+1 {{it stands in a while loop}}
    %r5 = scf.for %i = %zero to %k step %step iter_args(%sum = %none) -> (!V) : i32 {
      %x = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf16, #A>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x64xf16, #B>
      %d = tile.dot %x, %y, %sum : (tensor<64x32xf16, #A>, tensor<32x64xf16, #B>, !V) -> !V
      scf.yield %d : !V
    } {tile.loop_flags = 2 : i32}
    scf.yield
  }
  // expected-remark @+1 {{the kernel may store to an array that it loads}}
  %r6 = scf.for %i = %zero to %k step %step iter_args(%sum = %none) -> (!V) : i32 {
    %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf16, #A>
    %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x64xf16, #B>
    %d = tile.dot %x, %y, %sum : (tensor<64x32xf16, #A>, tensor<32x64xf16, #B>, !V) -> !V
    scf.yield %d : !V
  } {tile.loop_flags = 2 : i32}
  tile.descriptor_store %v, %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (tensor<64x32xf16, #A>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}
}

// -----
#A = #tile.linear<[64, 32], register = [[0, 1], [0, 2], [0, 4], [8, 0], [16, 0], [32, 0]], lane = [[0, 8], [0, 16], [1, 0], [2, 0], [4, 0]], warp = [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]>
#B = #tile.linear<[32, 64], register = [[0, 1], [0, 2], [0, 4], [8, 0], [16, 0]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = [[4, 0], [0, 0], [0, 0], [0, 0], [0, 0]]>
#C = #tile.linear<[64, 64], register = [[0, 1], [0, 2], [0, 4], [8, 0], [16, 0]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = [[4, 0], [32, 0], [0, 0], [0, 0], [0, 0]]>
!V = tensor<64x64xf32, #C>
// CHECK-LABEL: func.func @full_block
// CHECK-NOT: tile.roles
module attributes {tile.level = "layout", tile.options = {num_warps = 32 : i64}} {
func.func @full_block(%b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %k: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %step = arith.constant 32 : i32
  %none = arith.constant dense<0.0> : !V
  // expected-remark @+1 {{32 warps leave no room in a block for 4 more}}
  %r4 = scf.for %i = %zero to %k step %step iter_args(%sum = %none) -> (!V) : i32 {
    %x = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x32xf16, #A>
    %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x64xf16, #B>
    %d = tile.dot %x, %y, %sum : (tensor<64x32xf16, #A>, tensor<32x64xf16, #B>, !V) -> !V
    scf.yield %d : !V
  } {tile.loop_flags = 2 : i32}
  return
}
}
