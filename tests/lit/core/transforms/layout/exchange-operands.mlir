// Guards: products of f32, which the unit reads along k only: whose operands change places, and how a loop then carries the sum.
// RUN: %tessera-opt %s -split-input-file --tile-exchange-operands=matrix-shared=true | FileCheck %s
// RUN: %tessera-opt %s -split-input-file --tile-exchange-operands | FileCheck %s --check-prefix=PLAIN

// b's rows are contiguous. The sum goes round transposed and comes back behind the loop.
// CHECK-LABEL: func.func @rows_of_b
// CHECK: scf.for {{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (tensor<128x64xf32>)
// CHECK: %[[B:.*]] = tile.transpose %{{.*}} order = [1, 0] : (tensor<16x128xf32>) -> tensor<128x16xf32>
// CHECK: %[[A:.*]] = tile.transpose %{{.*}} order = [1, 0] : (tensor<64x16xf32>) -> tensor<16x64xf32>
// CHECK: %[[D:.*]] = tile.dot %[[B]], %[[A]], %[[SUM]] : (tensor<128x16xf32>, tensor<16x64xf32>, tensor<128x64xf32>) -> tensor<128x64xf32>
// CHECK-NOT: tile.transpose
// CHECK: scf.yield %[[D]]
// CHECK: tile.transpose %{{.*}} order = [1, 0] : (tensor<128x64xf32>) -> tensor<64x128xf32>
// PLAIN-LABEL: func.func @rows_of_b
// PLAIN-NOT: tile.transpose
func.func @rows_of_b(%x: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %n: i32, %y: !tile.ptr<f32> {tile.divisibility = 16 : i64}) {
  %lo = arith.constant 0 : i32
  %st = arith.constant 16 : i32
  %zero = arith.constant dense<0.0> : tensor<64x128xf32>
  %am = tile.arange 0 to 64 : tensor<64xi32>
  %ak = tile.arange 0 to 16 : tensor<16xi32>
  %bn = tile.arange 0 to 128 : tensor<128xi32>
  %am1 = tile.expand_dims %am axis = 1 : (tensor<64xi32>) -> tensor<64x1xi32>
  %ak0 = tile.expand_dims %ak axis = 0 : (tensor<16xi32>) -> tensor<1x16xi32>
  %ak1 = tile.expand_dims %ak axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>
  %bn0 = tile.expand_dims %bn axis = 0 : (tensor<128xi32>) -> tensor<1x128xi32>
  %ra = arith.constant dense<1024> : tensor<64x1xi32>
  %rb = arith.constant dense<128> : tensor<16x1xi32>
  %ar = arith.muli %am1, %ra : tensor<64x1xi32>
  %br = arith.muli %ak1, %rb : tensor<16x1xi32>
  %arb = tile.broadcast %ar : (tensor<64x1xi32>) -> tensor<64x16xi32>
  %akb = tile.broadcast %ak0 : (tensor<1x16xi32>) -> tensor<64x16xi32>
  %brb = tile.broadcast %br : (tensor<16x1xi32>) -> tensor<16x128xi32>
  %bnb = tile.broadcast %bn0 : (tensor<1x128xi32>) -> tensor<16x128xi32>
  %ao = arith.addi %arb, %akb : tensor<64x16xi32>
  %bo = arith.addi %brb, %bnb : tensor<16x128xi32>
  %as = tile.splat %x : (!tile.ptr<f32>) -> tensor<64x16x!tile.ptr<f32>>
  %bs = tile.splat %x : (!tile.ptr<f32>) -> tensor<16x128x!tile.ptr<f32>>
  %ap = tile.addptr %as, %ao : (tensor<64x16x!tile.ptr<f32>>, tensor<64x16xi32>) -> tensor<64x16x!tile.ptr<f32>>
  %bp = tile.addptr %bs, %bo : (tensor<16x128x!tile.ptr<f32>>, tensor<16x128xi32>) -> tensor<16x128x!tile.ptr<f32>>
  %r = scf.for %k = %lo to %n step %st iter_args(%acc = %zero) -> (tensor<64x128xf32>) : i32 {
    %a = tile.load %ap : (tensor<64x16x!tile.ptr<f32>>) -> tensor<64x16xf32>
    %b = tile.load %bp : (tensor<16x128x!tile.ptr<f32>>) -> tensor<16x128xf32>
    %d = tile.dot %a, %b, %acc : (tensor<64x16xf32>, tensor<16x128xf32>, tensor<64x128xf32>) -> tensor<64x128xf32>
    scf.yield %d : tensor<64x128xf32>
  }
  %cs = tile.splat %y : (!tile.ptr<f32>) -> tensor<64x128x!tile.ptr<f32>>
  tile.store %cs, %r : (tensor<64x128x!tile.ptr<f32>>, tensor<64x128xf32>) -> ()
  return
}

// -----

// 32 columns are no 64 rows for the unit, and what lanes computed comes in any order.
// CHECK-LABEL: func.func @too_few_columns
// CHECK-NOT: tile.transpose
// CHECK: return
func.func @too_few_columns(%x: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %c: tensor<64x32xf32>, %h: tensor<64x128xf32>, %y: tensor<64x128x!tile.ptr<f32>>,
                           %z: tensor<64x32x!tile.ptr<f32>>) {
  %i = tile.arange 0 to 1024 : tensor<1024xi32>
  %j = tile.arange 0 to 2048 : tensor<2048xi32>
  %xi = tile.splat %x : (!tile.ptr<f32>) -> tensor<1024x!tile.ptr<f32>>
  %xj = tile.splat %x : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
  %ip = tile.addptr %xi, %i : (tensor<1024x!tile.ptr<f32>>, tensor<1024xi32>) -> tensor<1024x!tile.ptr<f32>>
  %jp = tile.addptr %xj, %j : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
  %ap = tile.reshape %ip : (tensor<1024x!tile.ptr<f32>>) -> tensor<64x16x!tile.ptr<f32>>
  %bp = tile.reshape %jp : (tensor<2048x!tile.ptr<f32>>) -> tensor<16x128x!tile.ptr<f32>>
  %a = tile.load %ap : (tensor<64x16x!tile.ptr<f32>>) -> tensor<64x16xf32>
  %b0 = tile.load %bp : (tensor<16x128x!tile.ptr<f32>>) -> tensor<16x128xf32>
  %b = arith.addf %b0, %b0 : tensor<16x128xf32>
  %s0 = tile.arange 0 to 512 : tensor<512xi32>
  %xs = tile.splat %x : (!tile.ptr<f32>) -> tensor<512x!tile.ptr<f32>>
  %sp = tile.addptr %xs, %s0 : (tensor<512x!tile.ptr<f32>>, tensor<512xi32>) -> tensor<512x!tile.ptr<f32>>
  %sq = tile.reshape %sp : (tensor<512x!tile.ptr<f32>>) -> tensor<16x32x!tile.ptr<f32>>
  %s = tile.load %sq : (tensor<16x32x!tile.ptr<f32>>) -> tensor<16x32xf32>
  %d = tile.dot %a, %s, %c : (tensor<64x16xf32>, tensor<16x32xf32>, tensor<64x32xf32>) -> tensor<64x32xf32>
  %e = tile.dot %a, %b, %h : (tensor<64x16xf32>, tensor<16x128xf32>, tensor<64x128xf32>) -> tensor<64x128xf32>
  tile.store %z, %d : (tensor<64x32x!tile.ptr<f32>>, tensor<64x32xf32>) -> ()
  tile.store %y, %e : (tensor<64x128x!tile.ptr<f32>>, tensor<64x128xf32>) -> ()
  return
}
