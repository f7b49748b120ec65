// Guards: a division that only later iterations' addresses need stands behind the start of the product, not before it.
// RUN: %tessera-opt %s --tile-layout-pipeline="matrix-shared=true async-copies=true shared-bytes=131072" | FileCheck %s

// CHECK: scf.for
// CHECK-NEXT: tile.async_wait
// CHECK-NEXT: tile.barrier
// CHECK-NOT: arith.remsi
// CHECK: tile.async_dot
// CHECK-NOT: {{async_dot|dot_wait}}
// CHECK: arith.remsi
// CHECK: tile.dot_wait
// CHECK: scf.yield
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @matmul(%A: !tile.ptr<f16> {tile.name = "a", tile.divisibility = 16 : i64}, %B: !tile.ptr<f16> {tile.name = "b", tile.divisibility = 16 : i64}, %C: !tile.ptr<f16> {tile.name = "c", tile.divisibility = 16 : i64}, %K: i32 {tile.name = "k", tile.divisibility = 16 : i64}, %every: i32 {tile.name = "every"}) {
  %c0 = arith.constant 0 : i32
  %c32 = arith.constant 32 : i32
  %rm = tile.arange 0 to 64 : tensor<64xi32>
  %rn = tile.arange 0 to 64 : tensor<64xi32>
  %rk = tile.arange 0 to 32 : tensor<32xi32>
  %rm1 = tile.expand_dims %rm axis = 1 : (tensor<64xi32>) -> tensor<64x1xi32>
  %rk0 = tile.expand_dims %rk axis = 0 : (tensor<32xi32>) -> tensor<1x32xi32>
  %rk1 = tile.expand_dims %rk axis = 1 : (tensor<32xi32>) -> tensor<32x1xi32>
  %rn0 = tile.expand_dims %rn axis = 0 : (tensor<64xi32>) -> tensor<1x64xi32>
  %ks = tile.splat %K : (i32) -> tensor<64x1xi32>
  %am = arith.muli %rm1, %ks : tensor<64x1xi32>
  %amb = tile.broadcast %am : (tensor<64x1xi32>) -> tensor<64x32xi32>
  %akb = tile.broadcast %rk0 : (tensor<1x32xi32>) -> tensor<64x32xi32>
  %ao = arith.addi %amb, %akb : tensor<64x32xi32>
  %As = tile.splat %A : (!tile.ptr<f16>) -> tensor<64x32x!tile.ptr<f16>>
  %ap0 = tile.addptr %As, %ao : (tensor<64x32x!tile.ptr<f16>>, tensor<64x32xi32>) -> tensor<64x32x!tile.ptr<f16>>
  %bkb = tile.broadcast %rk1 : (tensor<32x1xi32>) -> tensor<32x64xi32>
  %k0s = tile.splat %K : (i32) -> tensor<1x64xi32>
  %bn = arith.muli %rn0, %k0s : tensor<1x64xi32>
  %bnb = tile.broadcast %bn : (tensor<1x64xi32>) -> tensor<32x64xi32>
  %bo = arith.addi %bkb, %bnb : tensor<32x64xi32>
  %Bs = tile.splat %B : (!tile.ptr<f16>) -> tensor<32x64x!tile.ptr<f16>>
  %bp0 = tile.addptr %Bs, %bo : (tensor<32x64x!tile.ptr<f16>>, tensor<32x64xi32>) -> tensor<32x64x!tile.ptr<f16>>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %step = arith.constant dense<32> : tensor<64x32xi32>
  %r:3 = scf.for %k = %c0 to %K step %c32 iter_args(%acc = %zero, %ap = %ap0, %bp = %bp0) -> (tensor<64x64xf32>, tensor<64x32x!tile.ptr<f16>>, tensor<32x64x!tile.ptr<f16>>) : i32 {
    %kk = arith.subi %K, %k : i32
    %kks = tile.splat %kk : (i32) -> tensor<1x32xi32>
    %mk = arith.cmpi slt, %rk0, %kks : tensor<1x32xi32>
    %mkb = tile.broadcast %mk : (tensor<1x32xi1>) -> tensor<64x32xi1>
    %a = tile.load %ap mask %mkb : (tensor<64x32x!tile.ptr<f16>>, tensor<64x32xi1>) -> tensor<64x32xf16>
    %b = tile.load %bp : (tensor<32x64x!tile.ptr<f16>>) -> tensor<32x64xf16>
    %d = tile.dot %a, %b, %acc : (tensor<64x32xf16>, tensor<32x64xf16>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %apn = tile.addptr %ap, %step : (tensor<64x32x!tile.ptr<f16>>, tensor<64x32xi32>) -> tensor<64x32x!tile.ptr<f16>>
    %after = arith.addi %k, %c32 : i32
    %place = arith.remsi %after, %every : i32
    %ends = arith.cmpi eq, %place, %c0 : i32
    %by = arith.select %ends, %c32, %c0 : i32
    %stepb = tile.splat %by : (i32) -> tensor<32x64xi32>
    %bpn = tile.addptr %bp, %stepb : (tensor<32x64x!tile.ptr<f16>>, tensor<32x64xi32>) -> tensor<32x64x!tile.ptr<f16>>
    scf.yield %d, %apn, %bpn : tensor<64x64xf32>, tensor<64x32x!tile.ptr<f16>>, tensor<32x64x!tile.ptr<f16>>
  }
  %h = tile.fptofp %r#0 : tensor<64x64xf32> to tensor<64x64xf16>
  %cm = arith.constant dense<64> : tensor<64x1xi32>
  %com = arith.muli %rm1, %cm : tensor<64x1xi32>
  %comb = tile.broadcast %com : (tensor<64x1xi32>) -> tensor<64x64xi32>
  %conb = tile.broadcast %rn0 : (tensor<1x64xi32>) -> tensor<64x64xi32>
  %co = arith.addi %comb, %conb : tensor<64x64xi32>
  %Cs = tile.splat %C : (!tile.ptr<f16>) -> tensor<64x64x!tile.ptr<f16>>
  %cp = tile.addptr %Cs, %co : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xi32>) -> tensor<64x64x!tile.ptr<f16>>
  tile.store %cp, %h : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>) -> ()
  return
}
}
