// Guards: a product's result is stored by the warps that have it. The way there is a conversion with scratch of its own, not a buffer with a barrier of the block; what comes
// after it in that memory has a barrier. Where another op needs the values, it is as it was.
// RUN: %tessera-opt %s --tile-lower-conversions-to-shared="lanes=32" --tile-allocate-shared-memory="lanes=32" --tile-insert-barriers="lanes=32" | FileCheck %s
#D = #tile.linear<[64, 64], register = [[0, 1], [8, 0], [0, 8], [0, 16], [0, 32]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[16, 0], [32, 0]]>
#O = #tile.linear<[64, 64], register = [[0, 1], [0, 2], [0, 4], [4, 0], [8, 0]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = [[16, 0], [32, 0]]>
#M = #tile.linear<[64, 64], register = [[0, 1], [0, 2], [0, 4], [16, 0], [32, 0]], lane = [[0, 8], [0, 16], [0, 32], [1, 0], [2, 0]], warp = [[4, 0], [8, 0]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 4 : i64}} {

// CHECK-LABEL: func.func @own_warps
// CHECK-NOT: shared_alloc
// CHECK-NOT: tile.barrier
// CHECK: %[[C:.*]] = tile.convert_layout %arg1 {tile.bytes = 8192 : i32, tile.offset = 0 : i32}
// CHECK-NEXT: tile.store %arg0, %[[C]]
// CHECK-NEXT: return
func.func @own_warps(%p: tensor<64x64x!tile.ptr<f16>, #O>, %v: tensor<64x64xf16, #D>) {
  %c = tile.convert_layout %v : tensor<64x64xf16, #D> to tensor<64x64xf16, #O>
  tile.store %p, %c : (tensor<64x64x!tile.ptr<f16>, #O>, tensor<64x64xf16, #O>) -> ()
  return
}

// CHECK-LABEL: func.func @other_warps
// CHECK: tile.shared_store
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.shared_load
func.func @other_warps(%p: tensor<64x64x!tile.ptr<f16>, #M>, %v: tensor<64x64xf16, #D>) {
  %c = tile.convert_layout %v : tensor<64x64xf16, #D> to tensor<64x64xf16, #M>
  tile.store %p, %c : (tensor<64x64x!tile.ptr<f16>, #M>, tensor<64x64xf16, #M>) -> ()
  return
}

// The next one's warps may still read what this one's would overwrite.
// CHECK-LABEL: func.func @in_a_loop
// CHECK: scf.for
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.convert_layout
// CHECK-NEXT: tile.store
// CHECK-NEXT: }
func.func @in_a_loop(%p: tensor<64x64x!tile.ptr<f16>, #O>, %v: tensor<64x64xf16, #D>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %n step %c1 : i32 {
    %c = tile.convert_layout %v : tensor<64x64xf16, #D> to tensor<64x64xf16, #O>
    tile.store %p, %c : (tensor<64x64x!tile.ptr<f16>, #O>, tensor<64x64xf16, #O>) -> ()
  }
  return
}

// CHECK-LABEL: func.func @used_otherwise
// CHECK: tile.shared_load
func.func @used_otherwise(%v: tensor<64x64xf16, #D>) -> tensor<64x64xf16, #O> {
  %c = tile.convert_layout %v : tensor<64x64xf16, #D> to tensor<64x64xf16, #O>
  return %c : tensor<64x64xf16, #O>
}
}
