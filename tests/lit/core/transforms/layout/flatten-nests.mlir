// Guards: in a nest that says flatten the first loads of the next tile start behind the loop over k, before the store of this tile. Rings and the slot
// that is next outlive the loop over k; nothing but the wait for zeros that it wrote stands between.
// RUN: %tessera-opt %s --tile-layout-pipeline="matrix-shared=true async-copies=true" | FileCheck %s

// CHECK-LABEL: func.func @tiles
// CHECK-COUNT-2: tile.shared_alloc {{.*}} slots = 4
// CHECK: tile.async_load
// CHECK: tile.async_commit
// CHECK: tile.async_load
// CHECK: tile.async_commit
// CHECK: scf.for {{.*}} iter_args(%[[SLOT:.*]] = %
// CHECK-NOT: tile.async_load
// CHECK: %[[R:.*]]:3 = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %[[SLOT]], %
// CHECK-NEXT: tile.async_wait 1
// CHECK-NEXT: tile.barrier
// CHECK: tile.async_dot
// CHECK: scf.yield
// CHECK: tile.async_wait 0
// CHECK-NOT: {{tile.store|tile.barrier|tile.dot_wait}}
// CHECK: tile.shared_slot %{{.*}}, %[[R]]#1
// CHECK: tile.async_load
// CHECK: tile.async_commit
// CHECK: tile.async_load
// CHECK: tile.async_commit
// CHECK-NEXT: tile.dot_wait %[[R]]#0 pending = 0
// CHECK: tile.store
// CHECK: scf.yield %[[R]]#1
// CHECK: tile.async_wait 0
// CHECK-NEXT: tile.shared_free
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @tiles(%A: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %B: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %C: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %tiles: i32, %K: i32 {tile.divisibility = 16 : i64}) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c32 = arith.constant 32 : i32
  %c4096 = arith.constant 4096 : i32
  %rm = tile.arange 0 to 64 : tensor<64xi32>
  %rk = tile.arange 0 to 32 : tensor<32xi32>
  %rm1 = tile.expand_dims %rm axis = 1 : (tensor<64xi32>) -> tensor<64x1xi32>
  %rk0 = tile.expand_dims %rk axis = 0 : (tensor<32xi32>) -> tensor<1x32xi32>
  %rk1 = tile.expand_dims %rk axis = 1 : (tensor<32xi32>) -> tensor<32x1xi32>
  %rn0 = tile.expand_dims %rm axis = 0 : (tensor<64xi32>) -> tensor<1x64xi32>
  %ks = tile.splat %K : (i32) -> tensor<64x1xi32>
  %am = arith.muli %rm1, %ks : tensor<64x1xi32>
  %amb = tile.broadcast %am : (tensor<64x1xi32>) -> tensor<64x32xi32>
  %akb = tile.broadcast %rk0 : (tensor<1x32xi32>) -> tensor<64x32xi32>
  %ao = arith.addi %amb, %akb : tensor<64x32xi32>
  %cn = arith.constant dense<64> : tensor<32x1xi32>
  %bk = arith.muli %rk1, %cn : tensor<32x1xi32>
  %bkb = tile.broadcast %bk : (tensor<32x1xi32>) -> tensor<32x64xi32>
  %bnb = tile.broadcast %rn0 : (tensor<1x64xi32>) -> tensor<32x64xi32>
  %bo = arith.addi %bkb, %bnb : tensor<32x64xi32>
  %cm = arith.constant dense<64> : tensor<64x1xi32>
  %com = arith.muli %rm1, %cm : tensor<64x1xi32>
  %comb = tile.broadcast %com : (tensor<64x1xi32>) -> tensor<64x64xi32>
  %conb = tile.broadcast %rn0 : (tensor<1x64xi32>) -> tensor<64x64xi32>
  %co = arith.addi %comb, %conb : tensor<64x64xi32>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  scf.for %t = %c0 to %tiles step %c1 : i32 {
    %row = arith.muli %t, %c4096 : i32
    %r = scf.for %k = %c0 to %K step %c32 iter_args(%acc = %zero) -> (tensor<64x64xf32>) : i32 {
      %at = arith.addi %row, %k : i32
      %Ab = tile.addptr %A, %at : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>
      %As = tile.splat %Ab : (!tile.ptr<f16>) -> tensor<64x32x!tile.ptr<f16>>
      %ap = tile.addptr %As, %ao : (tensor<64x32x!tile.ptr<f16>>, tensor<64x32xi32>) -> tensor<64x32x!tile.ptr<f16>>
      %Bb = tile.addptr %B, %at : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>
      %Bs = tile.splat %Bb : (!tile.ptr<f16>) -> tensor<32x64x!tile.ptr<f16>>
      %bp = tile.addptr %Bs, %bo : (tensor<32x64x!tile.ptr<f16>>, tensor<32x64xi32>) -> tensor<32x64x!tile.ptr<f16>>
      %a = tile.load %ap : (tensor<64x32x!tile.ptr<f16>>) -> tensor<64x32xf16>
      %b = tile.load %bp : (tensor<32x64x!tile.ptr<f16>>) -> tensor<32x64xf16>
      %d = tile.dot %a, %b, %acc : (tensor<64x32xf16>, tensor<32x64xf16>, tensor<64x64xf32>) -> tensor<64x64xf32>
      scf.yield %d : tensor<64x64xf32>
    }
    %Cb = tile.addptr %C, %row : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %Cs = tile.splat %Cb : (!tile.ptr<f32>) -> tensor<64x64x!tile.ptr<f32>>
    %cp = tile.addptr %Cs, %co : (tensor<64x64x!tile.ptr<f32>>, tensor<64x64xi32>) -> tensor<64x64x!tile.ptr<f32>>
    tile.store %cp, %r : (tensor<64x64x!tile.ptr<f32>>, tensor<64x64xf32>) -> ()
  } {tile.loop_flags = 1 : i32}
  return
}
}
