// Guards: a store of a loop is awaited before its buffer is filled again, and behind the outermost loop; two of a block have a buffer each, or where that costs a
// block one together, or stay; a store that must be complete, or is in no loop, stays. (1024 bytes a buffer; 16384 of shared memory.)
// RUN: %tessera-opt %s --tile-delay-store-waits="shared-bytes=16384" | FileCheck %s
// RUN: %tessera-opt %s --tile-delay-store-waits="shared-bytes=16384" --tile-allocate-shared-memory="shared-bytes=16384" --tile-insert-barriers="shared-bytes=16384" | FileCheck %s --check-prefix=ORDER

#S = #tile.linear<[16, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0], [8, 0]]>
#V = #tile.linear<[16, 16], register = [[0, 1], [0, 2]], lane = [[0, 4], [0, 8], [1, 0], [2, 0], [4, 0]], warp = [[8, 0], [0, 0]]>
#R = #tile.linear<[4096], offset = [[1], [2], [4], [8], [16], [32], [64], [128], [256], [512], [1024], [2048]]>
#W = #tile.linear<[4096], register = [[1], [2], [4], [8], [16]], lane = [[32], [64], [128], [256], [512]], warp = [[1024], [2048]]>
!S = !tile.shared<16x16xf32, #S>
!V = tensor<16x16xf32, #V>
!R = !tile.shared<4096xf16, #R>
!W = tensor<4096xf16, #W>
!R2048 = !tile.shared<2048xf16, #tile.linear<[2048], offset = [[1], [2], [4], [8], [16], [32], [64], [128], [256], [512], [1024]]>>
!W2048 = tensor<2048xf16, #tile.linear<[2048], register = [[1], [2], [4], [8]], lane = [[16], [32], [64], [128], [256]], warp = [[512], [1024]]>>
!R1024 = !tile.shared<1024xf16, #tile.linear<[1024], offset = [[1], [2], [4], [8], [16], [32], [64], [128], [256], [512]]>>
!W1024 = tensor<1024xf16, #tile.linear<[1024], register = [[1], [2], [4]], lane = [[8], [16], [32], [64], [128]], warp = [[256], [512]]>>
!R512 = !tile.shared<512xf16, #tile.linear<[512], offset = [[1], [2], [4], [8], [16], [32], [64], [128], [256]]>>
!W512 = tensor<512xf16, #tile.linear<[512], register = [[1], [2]], lane = [[4], [8], [16], [32], [64]], warp = [[128], [256]]>>

module attributes {tile.level = "layout", tile.options = {num_warps = 4 : i64}} {
// CHECK-LABEL: func.func @nested
// CHECK: %[[S:.*]] = tile.shared_alloc
// CHECK-NEXT: scf.for
// CHECK-NEXT: scf.for
// CHECK-NEXT: tile.tensor_store_wait 0
// CHECK-NEXT: tile.shared_store %[[S]]
// CHECK-NEXT: tile.shared_fence
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.tensor_store %[[S]]
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: tile.tensor_store_wait 0
// CHECK-NEXT: tile.shared_free %[[S]]
// CHECK-NEXT: return
// ORDER-LABEL: func.func @nested
// ORDER: tile.tensor_store_wait 0
// ORDER-NEXT: tile.barrier
// ORDER-NEXT: tile.shared_store
func.func @nested(%m: !tile.ptr<i8>, %v: !V, %n: i32) {
  %z = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  scf.for %j = %z to %n step %one : i32 {
  scf.for %i = %z to %n step %one : i32 {
    %s0 = tile.shared_alloc bytes = 1024 : !S
    tile.shared_store %s0, %v : (!S, !V) -> ()
    tile.shared_fence
    tile.barrier
    tile.tensor_store %s0, %m, %i, %z : (!S, !tile.ptr<i8>, i32, i32) -> ()
    tile.tensor_store_wait 0
    tile.shared_free %s0 : !S
  }
  }
  return
}

// CHECK-LABEL: func.func @two
// CHECK-COUNT-2: tile.shared_alloc
// CHECK-NEXT: scf.for
// CHECK: tile.tensor_store_wait 1
// CHECK-NEXT: tile.shared_store %[[A:[^,]*]],
// CHECK: tile.tensor_store %[[A]]
// CHECK: tile.tensor_store_wait 1
// CHECK-NEXT: tile.shared_store %[[B:[^,]*]],
// CHECK: tile.tensor_store %[[B]]
// CHECK-NEXT: }
// CHECK-NEXT: tile.tensor_store_wait 0
// CHECK-COUNT-2: tile.shared_free
// CHECK-NEXT: return
func.func @two(%m: !tile.ptr<i8>, %v: !V, %n: i32) {
  %z = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  scf.for %i = %z to %n step %one : i32 {
    %s0 = tile.shared_alloc bytes = 1024 : !S
    tile.shared_store %s0, %v : (!S, !V) -> ()
    tile.shared_fence
    tile.barrier
    tile.tensor_store %s0, %m, %i, %z : (!S, !tile.ptr<i8>, i32, i32) -> ()
    tile.tensor_store_wait 0
    tile.shared_free %s0 : !S
    %s1 = tile.shared_alloc bytes = 1024 : !S
    tile.shared_store %s1, %v : (!S, !V) -> ()
    tile.shared_fence
    tile.barrier
    tile.tensor_store %s1, %m, %i, %z : (!S, !tile.ptr<i8>, i32, i32) -> ()
    tile.tensor_store_wait 0
    tile.shared_free %s1 : !S
  }
  return
}

// A buffer of 8192 bytes around the loop, 7168 in it: one more of 1024 fits, two do not.
// CHECK-LABEL: func.func @one_together
// CHECK: %[[S:.*]] = tile.shared_alloc bytes = 1024
// CHECK-NOT: bytes = 1024
// CHECK: scf.for
// CHECK: tile.tensor_store_wait 0
// CHECK-NEXT: tile.shared_store %[[S]]
// CHECK: tile.tensor_store %[[S]]
// CHECK-NEXT: tile.tensor_store_wait 0
// CHECK-NEXT: tile.shared_store %[[S]]
// CHECK: tile.tensor_store %[[S]]
// CHECK-NEXT: }
// CHECK-NEXT: tile.tensor_store_wait 0
// CHECK-NEXT: tile.shared_free %[[S]]
// CHECK-NOT: shared_free %[[S]]
// CHECK-LABEL: func.func @none_fits
func.func @one_together(%m: !tile.ptr<i8>, %v: !V, %n: i32, %w: !W, %w2048: !W2048, %w1024: !W1024, %w512: !W512) {
  %z = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %k = tile.shared_alloc bytes = 8192 : !R
  tile.shared_store %k, %w : (!R, !W) -> ()
  scf.for %i = %z to %n step %one : i32 {
    %a = tile.shared_alloc bytes = 4096 : !R2048
    tile.shared_store %a, %w2048 : (!R2048, !W2048) -> ()
    %b = tile.shared_alloc bytes = 2048 : !R1024
    tile.shared_store %b, %w1024 : (!R1024, !W1024) -> ()
    %c = tile.shared_alloc bytes = 1024 : !R512
    tile.shared_store %c, %w512 : (!R512, !W512) -> ()
    tile.shared_free %a : !R2048
    tile.shared_free %b : !R1024
    tile.shared_free %c : !R512
    %s0 = tile.shared_alloc bytes = 1024 : !S
    tile.shared_store %s0, %v : (!S, !V) -> ()
    tile.shared_fence
    tile.barrier
    tile.tensor_store %s0, %m, %i, %z : (!S, !tile.ptr<i8>, i32, i32) -> ()
    tile.tensor_store_wait 0
    tile.shared_free %s0 : !S
    %s1 = tile.shared_alloc bytes = 1024 : !S
    tile.shared_store %s1, %v : (!S, !V) -> ()
    tile.shared_fence
    tile.barrier
    tile.tensor_store %s1, %m, %i, %z : (!S, !tile.ptr<i8>, i32, i32) -> ()
    tile.tensor_store_wait 0
    tile.shared_free %s1 : !S
  }
  tile.shared_free %k : !R
  return
}

// CHECK-NOT: tile.tensor_store_wait
// CHECK: scf.for
// CHECK: tile.tensor_store %
// CHECK-NEXT: tile.tensor_store_wait 0
// CHECK-NEXT: tile.shared_free
// CHECK: }
// CHECK-NOT: tile.tensor_store_wait
func.func @none_fits(%m: !tile.ptr<i8>, %v: !V, %n: i32, %w: !W) {
  %z = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %k = tile.shared_alloc bytes = 8192 : !R
  tile.shared_store %k, %w : (!R, !W) -> ()
  scf.for %i = %z to %n step %one : i32 {
    %r = tile.shared_alloc bytes = 8192 : !R
    tile.shared_store %r, %w : (!R, !W) -> ()
    tile.shared_free %r : !R
    %s0 = tile.shared_alloc bytes = 1024 : !S
    tile.shared_store %s0, %v : (!S, !V) -> ()
    tile.shared_fence
    tile.barrier
    tile.tensor_store %s0, %m, %i, %z : (!S, !tile.ptr<i8>, i32, i32) -> ()
    tile.tensor_store_wait 0
    tile.shared_free %s0 : !S
  }
  tile.shared_free %k : !R
  return
}

// CHECK-LABEL: func.func @stay
// CHECK: tile.tensor_store %
// CHECK-NEXT: tile.tensor_store_wait 0
// CHECK-NEXT: tile.shared_free
// CHECK: scf.for
// CHECK: tile.tensor_store %
// CHECK-NEXT: tile.tensor_store_wait 0 complete = 1
// CHECK-NEXT: tile.shared_free
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @stay(%m: !tile.ptr<i8>, %v: !V, %n: i32) {
  %z = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %i = arith.constant 0 : i32
    %s5 = tile.shared_alloc bytes = 1024 : !S
    tile.shared_store %s5, %v : (!S, !V) -> ()
    tile.shared_fence
    tile.barrier
    tile.tensor_store %s5, %m, %i, %z : (!S, !tile.ptr<i8>, i32, i32) -> ()
    tile.tensor_store_wait 0
    tile.shared_free %s5 : !S
  scf.for %j = %z to %n step %one : i32 {
    %s6 = tile.shared_alloc bytes = 1024 : !S
    tile.shared_store %s6, %v : (!S, !V) -> ()
    tile.shared_fence
    tile.barrier
    tile.tensor_store %s6, %m, %j, %z : (!S, !tile.ptr<i8>, i32, i32) -> ()
    tile.tensor_store_wait 0 complete = 1
    tile.shared_free %s6 : !S
  }
  return
}
}
