// Guards, by counts: what whole kernels cost at LAYOUT level. The pipeline ends with the check of all layouts.
// RUN: %tessera-opt %s -split-input-file --tile-layout-pipeline=matrix=true | FileCheck %s

// A row that fits one load: no conversion, no barrier but those in the two reductions, whose scratch lies apart.
// CHECK-LABEL: func.func @softmax
// CHECK-NOT: {{convert_layout|shared_alloc|tile.barrier}}
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @softmax(%x: !tile.ptr<f32> {tile.name = "x", tile.divisibility = 16 : i64}, %y: !tile.ptr<f32> {tile.name = "y", tile.divisibility = 16 : i64}, %n: i32 {tile.name = "n"}) {
  %pid = tile.program_id 0
  %row = arith.muli %pid, %n : i32
  %r = tile.arange 0 to 1024 : tensor<1024xi32>
  %ns = tile.splat %n : (i32) -> tensor<1024xi32>
  %m = arith.cmpi slt, %r, %ns : tensor<1024xi32>
  %base = tile.addptr %x, %row : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
  %bs = tile.splat %base : (!tile.ptr<f32>) -> tensor<1024x!tile.ptr<f32>>
  %p = tile.addptr %bs, %r : (tensor<1024x!tile.ptr<f32>>, tensor<1024xi32>) -> tensor<1024x!tile.ptr<f32>>
  %inf = arith.constant dense<0xFF800000> : tensor<1024xf32>
  %v = tile.load %p mask %m other %inf : (tensor<1024x!tile.ptr<f32>>, tensor<1024xi1>, tensor<1024xf32>) -> tensor<1024xf32>
  %mx = tile.reduce %v axis = 0 : (tensor<1024xf32>) -> f32 {
  ^bb0(%a: f32, %b: f32):
    %c = arith.maxnumf %a, %b : f32
    tile.yield %c : f32
  }
  %mxs = tile.splat %mx : (f32) -> tensor<1024xf32>
  %d = arith.subf %v, %mxs : tensor<1024xf32>
  %e = math.exp %d : tensor<1024xf32>
  %s = tile.reduce %e axis = 0 : (tensor<1024xf32>) -> f32 {
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    tile.yield %c : f32
  }
  %ss = tile.splat %s : (f32) -> tensor<1024xf32>
  %o = arith.divf %e, %ss : tensor<1024xf32>
  %ob = tile.addptr %y, %row : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
  %obs = tile.splat %ob : (!tile.ptr<f32>) -> tensor<1024x!tile.ptr<f32>>
  %op = tile.addptr %obs, %r : (tensor<1024x!tile.ptr<f32>>, tensor<1024xi32>) -> tensor<1024x!tile.ptr<f32>>
  tile.store %op, %o mask %m : (tensor<1024x!tile.ptr<f32>>, tensor<1024xf32>, tensor<1024xi1>) -> ()
  return
}
}

// -----

// Each operand goes through shared memory once; both buffers could be ordered by one barrier each way, no address is
// converted, the accumulator stays in its layout for the whole loop.
// CHECK-LABEL: func.func @matmul
// CHECK-NOT: {{convert_layout|shared_alloc}}
// CHECK: scf.for
// CHECK-COUNT-2: tile.shared_alloc
// CHECK-NOT: {{convert_layout|shared_alloc}}
// CHECK: tile.dot {{.*}} instruction = 1
// CHECK-NOT: {{convert_layout|shared_alloc}}
// CHECK: scf.yield
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @matmul(%A: !tile.ptr<f16> {tile.name = "a", tile.divisibility = 16 : i64}, %B: !tile.ptr<f16> {tile.name = "b", tile.divisibility = 16 : i64}, %C: !tile.ptr<f16> {tile.name = "c", tile.divisibility = 16 : i64}, %K: i32 {tile.name = "k"}) {
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
  %c64 = arith.constant dense<64> : tensor<32x1xi32>
  %bk = arith.muli %rk1, %c64 : tensor<32x1xi32>
  %bkb = tile.broadcast %bk : (tensor<32x1xi32>) -> tensor<32x64xi32>
  %bnb = tile.broadcast %rn0 : (tensor<1x64xi32>) -> tensor<32x64xi32>
  %bo = arith.addi %bkb, %bnb : tensor<32x64xi32>
  %Bs = tile.splat %B : (!tile.ptr<f16>) -> tensor<32x64x!tile.ptr<f16>>
  %bp0 = tile.addptr %Bs, %bo : (tensor<32x64x!tile.ptr<f16>>, tensor<32x64xi32>) -> tensor<32x64x!tile.ptr<f16>>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %step = arith.constant dense<32> : tensor<64x32xi32>
  %stepb = arith.constant dense<2048> : tensor<32x64xi32>
  %r:3 = scf.for %k = %c0 to %K step %c32 iter_args(%acc = %zero, %ap = %ap0, %bp = %bp0) -> (tensor<64x64xf32>, tensor<64x32x!tile.ptr<f16>>, tensor<32x64x!tile.ptr<f16>>) : i32 {
    %kk = arith.subi %K, %k : i32
    %kks = tile.splat %kk : (i32) -> tensor<1x32xi32>
    %mk = arith.cmpi slt, %rk0, %kks : tensor<1x32xi32>
    %mkb = tile.broadcast %mk : (tensor<1x32xi1>) -> tensor<64x32xi1>
    %a = tile.load %ap mask %mkb : (tensor<64x32x!tile.ptr<f16>>, tensor<64x32xi1>) -> tensor<64x32xf16>
    %b = tile.load %bp : (tensor<32x64x!tile.ptr<f16>>) -> tensor<32x64xf16>
    %d = tile.dot %a, %b, %acc : (tensor<64x32xf16>, tensor<32x64xf16>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %apn = tile.addptr %ap, %step : (tensor<64x32x!tile.ptr<f16>>, tensor<64x32xi32>) -> tensor<64x32x!tile.ptr<f16>>
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
