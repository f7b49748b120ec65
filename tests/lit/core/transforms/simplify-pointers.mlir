// simplify-pointers.mlir - addresses become splat(base) + offset
// RUN: %tessera-opt --tile-simplify-pointers %s | FileCheck %s

// CHECK-LABEL: func.func @uniform_offset
// CHECK-SAME: (%[[P:.+]]: !tile.ptr<f32>, %[[S:.+]]: i32, %[[V:.+]]: tensor<8xi32>)
func.func @uniform_offset(%p: !tile.ptr<f32>, %s: i32, %v: tensor<8xi32>) -> tensor<8x!tile.ptr<f32>> {
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<8x!tile.ptr<f32>>
  %ss = tile.splat %s : (i32) -> tensor<8xi32>
  %a = tile.addptr %ps, %v : (tensor<8x!tile.ptr<f32>>, tensor<8xi32>) -> tensor<8x!tile.ptr<f32>>
  // CHECK: %[[B:.+]] = tile.addptr %[[P]], %[[S]]
  // CHECK: %[[BS:.+]] = tile.splat %[[B]]
  // CHECK: %[[A:.+]] = tile.addptr %[[BS]], %[[V]]
  // CHECK: return %[[A]]
  %b = tile.addptr %a, %ss : (tensor<8x!tile.ptr<f32>>, tensor<8xi32>) -> tensor<8x!tile.ptr<f32>>
  return %b : tensor<8x!tile.ptr<f32>>
}

// A 32-bit sum may wrap before it is extended: it is not split.
// CHECK-LABEL: func.func @sum_that_may_wrap
func.func @sum_that_may_wrap(%p: !tile.ptr<f32>, %s: i32, %v: tensor<8xi32>) -> tensor<8x!tile.ptr<f32>> {
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<8x!tile.ptr<f32>>
  %ss = tile.splat %s : (i32) -> tensor<8xi32>
  // CHECK: %[[SUM:.+]] = arith.addi
  // CHECK: tile.addptr %{{.+}}, %[[SUM]] : (tensor<8x!tile.ptr<f32>>, tensor<8xi32>)
  %o = arith.addi %v, %ss : tensor<8xi32>
  %b = tile.addptr %ps, %o : (tensor<8x!tile.ptr<f32>>, tensor<8xi32>) -> tensor<8x!tile.ptr<f32>>
  return %b : tensor<8x!tile.ptr<f32>>
}

// One that fits is.
// CHECK-LABEL: func.func @sum_that_fits
func.func @sum_that_fits(%p: !tile.ptr<f32>, %x: i16) -> tensor<8x!tile.ptr<f32>> {
  %s = arith.extsi %x : i16 to i32
  %v = tile.arange 0 to 8 : tensor<8xi32>
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<8x!tile.ptr<f32>>
  %ss = tile.splat %s : (i32) -> tensor<8xi32>
  %o = arith.addi %v, %ss : tensor<8xi32>
  // CHECK: tile.addptr %arg0, %{{.+}} : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
  %b = tile.addptr %ps, %o : (tensor<8x!tile.ptr<f32>>, tensor<8xi32>) -> tensor<8x!tile.ptr<f32>>
  return %b : tensor<8x!tile.ptr<f32>>
}

// Two varying offsets make one; shapes change the offset, not the pointers.
// CHECK-LABEL: func.func @two_varying
func.func @two_varying(%p: !tile.ptr<f32>, %v: tensor<4x1xi32>, %w: tensor<4x8xi32>) -> tensor<4x8x!tile.ptr<f32>> {
  %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<4x1x!tile.ptr<f32>>
  %a = tile.addptr %ps, %v : (tensor<4x1x!tile.ptr<f32>>, tensor<4x1xi32>) -> tensor<4x1x!tile.ptr<f32>>
  %b = tile.broadcast %a : (tensor<4x1x!tile.ptr<f32>>) -> tensor<4x8x!tile.ptr<f32>>
  // CHECK: arith.extsi %arg1 : tensor<4x1xi32> to tensor<4x1xi64>
  // CHECK: %[[SUM:.+]] = arith.addi %{{.+}}, %{{.+}} : tensor<4x8xi64>
  // CHECK: %[[R:.+]] = tile.addptr %{{.+}}, %[[SUM]]
  // CHECK: return %[[R]]
  %c = tile.addptr %b, %w : (tensor<4x8x!tile.ptr<f32>>, tensor<4x8xi32>) -> tensor<4x8x!tile.ptr<f32>>
  return %c : tensor<4x8x!tile.ptr<f32>>
}
