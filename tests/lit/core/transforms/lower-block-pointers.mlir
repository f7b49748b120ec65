// lower-block-pointers.mlir - block pointers become pointers, masks and carried offsets
// RUN: %tessera-opt --tile-lower-block-pointers %s | FileCheck %s

// No block pointer is left anywhere.
// CHECK-NOT: block_ptr

// CHECK-LABEL: func.func @checked_load
// CHECK-SAME: (%[[P:.+]]: !tile.ptr<f16>, %[[M:.+]]: i64, %[[O:.+]]: i32)
func.func @checked_load(%p: !tile.ptr<f16>, %m: i64, %o: i32) -> tensor<64xf16> {
  %one = arith.constant 1 : i64
  %b = tile.make_block_ptr %p shape[%m] strides[%one] offsets[%o] : (!tile.ptr<f16>, i64, i64, i32) -> !tile.block_ptr<tensor<64xf16>>
  // CHECK: %[[AT:.+]] = arith.extsi %[[O]]
  // CHECK: arith.subi %[[M]], %[[AT]]
  // CHECK: %[[BELOW:.+]] = arith.cmpi slt
  // CHECK: %[[ABOVE:.+]] = arith.cmpi sge
  // CHECK: %[[MASK:.+]] = arith.andi
  // CHECK: %[[NAN:.+]] = arith.constant dense<0x7E00> : tensor<64xf16>
  // CHECK: tile.load %{{.+}} mask %[[MASK]] other %[[NAN]] cache = cg
  %v = tile.load_block %b boundary_check = [0] padding = nan cache = cg : (!tile.block_ptr<tensor<64xf16>>) -> tensor<64xf16>
  return %v : tensor<64xf16>
}

// Without a check there is no mask; an advance by nothing adds nothing.
// CHECK-LABEL: func.func @unchecked_store
func.func @unchecked_store(%p: !tile.ptr<f32>, %n: i64, %x: tensor<4x8xf32>) {
  %c0 = arith.constant 0 : i32
  %c8 = arith.constant 8 : i32
  %b = tile.make_block_ptr %p shape[%n, %n] strides[%n, %n] offsets[%c0, %c0] : (!tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> !tile.block_ptr<tensor<4x8xf32>>
  %c = tile.advance %b, [%c0, %c8] : (!tile.block_ptr<tensor<4x8xf32>>, i32, i32) -> !tile.block_ptr<tensor<4x8xf32>>
  // CHECK: tile.store %{{.+}}, %{{.+}} : (tensor<4x8x!tile.ptr<f32>>, tensor<4x8xf32>) -> ()
  tile.store_block %c, %x : (!tile.block_ptr<tensor<4x8xf32>>, tensor<4x8xf32>) -> ()
  return
}

// A loop carries base, extent, stride and offset.
// CHECK-LABEL: func.func @carried
func.func @carried(%p: !tile.ptr<f32>, %n: i64, %k: i32) -> tensor<8xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant 8 : i32
  %b = tile.make_block_ptr %p shape[%n] strides[%n] offsets[%c0] : (!tile.ptr<f32>, i64, i64, i32) -> !tile.block_ptr<tensor<8xf32>>
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  // CHECK: scf.for {{.*}} -> (tensor<8xf32>, !tile.ptr<f32>, i64, i64, i64)
  %r:2 = scf.for %i = %c0 to %k step %c1 iter_args(%acc = %zero, %q = %b) -> (tensor<8xf32>, !tile.block_ptr<tensor<8xf32>>) : i32 {
    %v = tile.load_block %q : (!tile.block_ptr<tensor<8xf32>>) -> tensor<8xf32>
    %s = arith.addf %acc, %v : tensor<8xf32>
    %q2 = tile.advance %q, [%c8] : (!tile.block_ptr<tensor<8xf32>>, i32) -> !tile.block_ptr<tensor<8xf32>>
    // CHECK: scf.yield {{.*}} : tensor<8xf32>, !tile.ptr<f32>, i64, i64, i64
    scf.yield %s, %q2 : tensor<8xf32>, !tile.block_ptr<tensor<8xf32>>
  } {tile.num_stages = 2 : i32}
  // CHECK: } {tile.num_stages = 2 : i32}
  return %r#0 : tensor<8xf32>
}

// CHECK-LABEL: func.func @branches
func.func @branches(%p: !tile.ptr<f32>, %q: !tile.ptr<f32>, %n: i64, %c: i1) -> tensor<8xf32> {
  // CHECK: scf.if {{.*}} -> (!tile.ptr<f32>, i64, i64, i64)
  %b = scf.if %c -> !tile.block_ptr<tensor<8xf32>> {
    %x = tile.make_block_ptr %p shape[%n] strides[%n] offsets[%n] : (!tile.ptr<f32>, i64, i64, i64) -> !tile.block_ptr<tensor<8xf32>>
    scf.yield %x : !tile.block_ptr<tensor<8xf32>>
  } else {
    %x = tile.make_block_ptr %q shape[%n] strides[%n] offsets[%n] : (!tile.ptr<f32>, i64, i64, i64) -> !tile.block_ptr<tensor<8xf32>>
    scf.yield %x : !tile.block_ptr<tensor<8xf32>>
  }
  %v = tile.load_block %b : (!tile.block_ptr<tensor<8xf32>>) -> tensor<8xf32>
  return %v : tensor<8xf32>
}

// CHECK-LABEL: func.func @while_loop
func.func @while_loop(%p: !tile.ptr<f32>, %n: i64) {
  %c1 = arith.constant 1 : i32
  %b = tile.make_block_ptr %p shape[%n] strides[%n] offsets[%n] : (!tile.ptr<f32>, i64, i64, i64) -> !tile.block_ptr<tensor<8xf32>>
  // CHECK: scf.while {{.*}} : (!tile.ptr<f32>, i64, i64, i64) -> (!tile.ptr<f32>, i64, i64, i64)
  %r = scf.while (%x = %b) : (!tile.block_ptr<tensor<8xf32>>) -> !tile.block_ptr<tensor<8xf32>> {
    %v = tile.load %p : (!tile.ptr<f32>) -> f32
    %z = arith.constant 0.0 : f32
    %go = arith.cmpf ogt, %v, %z : f32
    scf.condition(%go) %x : !tile.block_ptr<tensor<8xf32>>
  } do {
  ^bb0(%y: !tile.block_ptr<tensor<8xf32>>):
    %z = tile.advance %y, [%c1] : (!tile.block_ptr<tensor<8xf32>>, i32) -> !tile.block_ptr<tensor<8xf32>>
    scf.yield %z : !tile.block_ptr<tensor<8xf32>>
  }
  return
}
