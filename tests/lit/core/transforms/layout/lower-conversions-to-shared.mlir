// Guards: only what crosses warps goes through shared memory.
// RUN: %tessera-opt %s --tile-lower-conversions-to-shared=lanes=4 | FileCheck %s
#A = #tile.linear<[16], register = [[1]], lane = [[2], [4]], warp = [[8]]>
#B = #tile.linear<[16], register = [[8]], lane = [[1], [2]], warp = [[4]]>
#C = #tile.linear<[16], register = [[2]], lane = [[1], [4]], warp = [[8]]>
#S = #tile.linear<[16], offset = [[1], [2], [4], [8]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64}} {

// CHECK-LABEL: func.func @between_warps
// CHECK: %[[S:.*]] = tile.shared_alloc bytes = 64 : !tile.shared<16xf32, #tile.linear<[16], offset =
// CHECK: tile.shared_store %[[S]], %arg1
// CHECK: %[[V:.*]] = tile.shared_load %[[S]]
// CHECK: tile.shared_free %[[S]]
// CHECK: tile.store %arg0, %[[V]]
func.func @between_warps(%p: tensor<16x!tile.ptr<f32>, #B>, %v: tensor<16xf32, #A>) {
  %c = tile.convert_layout %v : tensor<16xf32, #A> to tensor<16xf32, #B>
  tile.store %p, %c : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  return
}

// A truth value takes a byte, a pointer eight.
// CHECK-LABEL: func.func @element_sizes
// CHECK: tile.shared_alloc bytes = 16 : !tile.shared<16xi1
// CHECK: tile.shared_alloc bytes = 128 : !tile.shared<16x!tile.ptr<f32>
func.func @element_sizes(%p: tensor<16x!tile.ptr<f32>, #A>, %m: tensor<16xi1, #A>, %v: tensor<16xf32, #B>) {
  %n = tile.convert_layout %m : tensor<16xi1, #A> to tensor<16xi1, #B>
  %q = tile.convert_layout %p : tensor<16x!tile.ptr<f32>, #A> to tensor<16x!tile.ptr<f32>, #B>
  tile.store %q, %v mask %n : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>, tensor<16xi1, #B>) -> ()
  return
}

// CHECK-LABEL: func.func @within_a_warp
// CHECK-NOT: shared
// CHECK: tile.convert_layout
// CHECK-NOT: shared
func.func @within_a_warp(%p: tensor<16x!tile.ptr<f32>, #C>, %v: tensor<16xf32, #A>) {
  %c = tile.convert_layout %v : tensor<16xf32, #A> to tensor<16xf32, #C>
  tile.store %p, %c : (tensor<16x!tile.ptr<f32>, #C>, tensor<16xf32, #C>) -> ()
  return
}

// The tile lies in the buffer of a product already: it is read from there, as long as nothing else is stored to it.
// CHECK-LABEL: func.func @lies_there
// CHECK: %[[S:.*]] = tile.shared_alloc
// CHECK: tile.shared_store %[[S]], %arg1
// CHECK-NOT: shared_alloc
// CHECK: %[[V:.*]] = tile.shared_load %[[S]]
// CHECK: tile.store %arg0, %[[V]]
func.func @lies_there(%p: tensor<16x!tile.ptr<f32>, #B>, %v: tensor<16xf32, #A>) {
  %s = tile.shared_alloc : !tile.shared<16xf32, #S>
  tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  %c = tile.convert_layout %v : tensor<16xf32, #A> to tensor<16xf32, #B>
  tile.store %p, %c : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  return
}

// CHECK-LABEL: func.func @was_there
// CHECK-COUNT-2: tile.shared_alloc
func.func @was_there(%p: tensor<16x!tile.ptr<f32>, #B>, %v: tensor<16xf32, #A>, %w: tensor<16xf32, #A>) {
  %s = tile.shared_alloc : !tile.shared<16xf32, #S>
  tile.shared_store %s, %v : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  tile.shared_store %s, %w : (!tile.shared<16xf32, #S>, tensor<16xf32, #A>) -> ()
  %c = tile.convert_layout %v : tensor<16xf32, #A> to tensor<16xf32, #B>
  tile.store %p, %c : (tensor<16x!tile.ptr<f32>, #B>, tensor<16xf32, #B>) -> ()
  return
}
}
