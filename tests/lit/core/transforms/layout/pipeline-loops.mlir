// Guards: a loop with a dot starts its loads num_stages - 1 iterations ahead, with one barrier an iteration.
// RUN: %tessera-opt %s -split-input-file --tile-layout-pipeline="matrix=true async-copies=true" | FileCheck %s
// RUN: %tessera-opt %s -split-input-file --tile-layout-pipeline="matrix-shared=true async-copies=true shared-bytes=131072" | FileCheck %s --check-prefix=UNIT
// RUN: %tessera-opt %s -split-input-file --tile-layout-pipeline="matrix-shared=true async-copies=true" | FileCheck %s --check-prefix=TWO
// RUN: %tessera-opt %s -split-input-file --tile-layout-pipeline="matrix=true async-copies=true shared-bytes=20480" | FileCheck %s --check-prefix=SHORT
// RUN: %tessera-opt %s -split-input-file --tile-layout-pipeline="matrix=true" | FileCheck %s --check-prefix=PLAIN

// Both operands pass through rings instead of the buffers of their conversions.
// CHECK: tile.shared_alloc offset = 0 bytes = 12288 slots = 3
// CHECK: tile.shared_alloc offset = 12288 bytes = 12288 slots = 3
// CHECK-COUNT-2: tile.async_load {{.*}} {tile.axis = {{[01]}} : i32, tile.width = 8 : i32}
// CHECK: tile.async_commit
// CHECK-COUNT-2: tile.async_load
// CHECK: tile.async_commit
// CHECK: scf.for
// CHECK-NEXT: tile.async_wait 1
// CHECK-NEXT: tile.barrier
// CHECK-NOT: {{tile.barrier|shared_store}}
// CHECK-COUNT-2: tile.async_load
// CHECK-NEXT: tile.async_commit
// CHECK-NOT: {{tile.barrier|shared_store}}
// CHECK-COUNT-2: tile.shared_load
// CHECK-NOT: {{tile.barrier|shared_store}}
// CHECK: tile.dot
// CHECK-NOT: {{tile.barrier|shared_store}}
// CHECK: scf.yield
// CHECK: tile.async_wait 0
// CHECK-COUNT-2: tile.shared_free

// A unit that reads shared memory: a slot more, no fence for copies, products awaited an iteration later.
// UNIT-COUNT-2: tile.shared_alloc {{.*}} slots = 4
// UNIT: scf.for
// UNIT-NEXT: tile.async_wait 1
// UNIT-NEXT: tile.barrier
// UNIT-NOT: {{tile.barrier|shared_store|shared_fence}}
// UNIT: tile.async_commit
// UNIT-NOT: {{tile.barrier|shared_store|shared_fence}}
// UNIT: tile.async_dot
// UNIT-NEXT: tile.dot_wait {{.*}} pending = 1
// UNIT: scf.yield
// UNIT: tile.dot_wait {{.*}}#0 pending = 0
// UNIT-NEXT: tile.async_wait 0
// UNIT-COUNT-2: tile.shared_free

// Of 64 KB a fourth slot would take the room of a second block: three, and an iteration starts its loads before it waits for what it needs itself.
// TWO-COUNT-2: tile.shared_alloc {{.*}} slots = 3
// TWO: tile.async_commit
// TWO-NOT: tile.async_commit
// TWO: scf.for
// TWO-NEXT: tile.barrier
// TWO-NOT: {{tile.barrier|async_wait|async_dot}}
// TWO: tile.async_commit
// TWO-NEXT: tile.async_wait 1
// TWO-NEXT: tile.barrier
// TWO-NOT: {{tile.barrier|async_wait|shared_fence}}
// TWO: tile.async_dot
// TWO-NEXT: tile.dot_wait {{.*}} pending = 1
// TWO: scf.yield

// Room for two slots each, not for three: one iteration ahead.
// SHORT-COUNT-2: tile.shared_alloc {{.*}} bytes = 8192 slots = 2
// SHORT-COUNT-2: tile.async_load
// SHORT: tile.async_commit
// SHORT-NOT: tile.async_load
// SHORT: scf.for
// SHORT-NEXT: tile.async_wait 0

// PLAIN-NOT: async
// PLAIN: scf.for
// PLAIN-NOT: async
// PLAIN: scf.yield
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @matmul(%A: !tile.ptr<f16> {tile.name = "a", tile.divisibility = 16 : i64}, %B: !tile.ptr<f16> {tile.name = "b", tile.divisibility = 16 : i64}, %C: !tile.ptr<f16> {tile.name = "c", tile.divisibility = 16 : i64}, %K: i32 {tile.name = "k", tile.divisibility = 16 : i64}) {
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
  %stepb = arith.constant dense<32> : tensor<32x64xi32>
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
