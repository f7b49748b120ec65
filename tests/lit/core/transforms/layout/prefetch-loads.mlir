// Guards: a loop without a dot loads ahead where it says num_stages: into a ring that each lane fills and reads for itself, without barriers, or, few
// elements one iteration ahead, into registers. Nothing moves before a store that may write what it reads.
// RUN: %tessera-opt %s --tile-layout-pipeline="async-copies=true" | FileCheck %s
// RUN: %tessera-opt %s --tile-layout-pipeline | FileCheck %s --check-prefix=PLAIN

// CHECK-LABEL: func.func @ring
// CHECK: tile.shared_alloc offset = 0 bytes = 16384 slots = 2
// CHECK-COUNT-2: tile.async_commit
// CHECK: scf.for
// CHECK-NEXT: tile.async_wait 1
// CHECK-NEXT: tile.shared_slot
// CHECK-NEXT: %[[X:.*]] = tile.shared_load
// CHECK-NOT: {{tile.barrier|tile.load}}
// CHECK: tile.async_load
// CHECK-SAME: tile.width = 4
// CHECK-NEXT: tile.async_commit
// CHECK-NOT: {{tile.barrier|tile.load}}
// CHECK: %[[Y:.*]] = arith.select %{{.*}}, %[[X]], %
// CHECK: tile.store %{{.*}}, %[[Y]]
// CHECK: scf.yield
// CHECK: tile.async_wait 0
// CHECK-NEXT: tile.shared_free
// PLAIN-LABEL: func.func @ring
// PLAIN: tile.load
// PLAIN: scf.for
// PLAIN: tile.load
// PLAIN-NOT: tile.load
// PLAIN: scf.yield
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @ring(%a: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %n: i32, %row: i32 {tile.divisibility = 16 : i64}) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %lane = tile.arange 0 to 2048 : tensor<2048xi32>
  %cols = arith.constant dense<2000> : tensor<2048xi32>
  %inside = arith.cmpi slt, %lane, %cols : tensor<2048xi32>
  %other = arith.constant dense<0xFF800000> : tensor<2048xf32>
  scf.for %i = %zero to %n step %one : i32 {
    %at = arith.muli %i, %row : i32
    %ab = tile.addptr %a, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %as = tile.splat %ab : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
    %ap = tile.addptr %as, %lane : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
    %x = tile.load %ap mask %inside other %other : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi1>, tensor<2048xf32>) -> tensor<2048xf32>
    %bb = tile.addptr %b, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %bs = tile.splat %bb : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
    %bp = tile.addptr %bs, %lane : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
    tile.store %bp, %x : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  } {tile.num_stages = 3 : i32}
  return
}

// CHECK-LABEL: func.func @registers
// CHECK-NOT: async
// CHECK: %[[FIRST:.*]] = tile.load
// CHECK: scf.for {{.*}} iter_args(%[[NOW:.*]] = %[[FIRST]])
// CHECK-NOT: tile.store
// CHECK: %[[NEXT:.*]] = tile.load
// CHECK: tile.store %{{.*}}, %[[NOW]]
// CHECK: scf.yield %[[NEXT]]
func.func @registers(%a: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %n: i32, %row: i32 {tile.divisibility = 16 : i64}) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %lane = tile.arange 0 to 512 : tensor<512xi32>
  scf.for %i = %zero to %n step %one : i32 {
    %at = arith.muli %i, %row : i32
    %ab = tile.addptr %a, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %as = tile.splat %ab : (!tile.ptr<f32>) -> tensor<512x!tile.ptr<f32>>
    %ap = tile.addptr %as, %lane : (tensor<512x!tile.ptr<f32>>, tensor<512xi32>) -> tensor<512x!tile.ptr<f32>>
    %x = tile.load %ap : (tensor<512x!tile.ptr<f32>>) -> tensor<512xf32>
    %bb = tile.addptr %b, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %bs = tile.splat %bb : (!tile.ptr<f32>) -> tensor<512x!tile.ptr<f32>>
    %bp = tile.addptr %bs, %lane : (tensor<512x!tile.ptr<f32>>, tensor<512xi32>) -> tensor<512x!tile.ptr<f32>>
    tile.store %bp, %x : (tensor<512x!tile.ptr<f32>>, tensor<512xf32>) -> ()
  } {tile.num_stages = 2 : i32}
  return
}

// What an iteration writes is what the next one reads.
// CHECK-LABEL: func.func @follows
// CHECK-NOT: {{tile.load|async}}
// CHECK: scf.for
// CHECK: tile.load
// CHECK-NOT: tile.load
func.func @follows(%a: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %n: i32) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %size = arith.constant 2048 : i32
  %lane = tile.arange 0 to 2048 : tensor<2048xi32>
  %more = arith.constant dense<2048> : tensor<2048xi32>
  scf.for %i = %zero to %n step %one : i32 {
    %at = arith.muli %i, %size : i32
    %ab = tile.addptr %a, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %as = tile.splat %ab : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
    %ap = tile.addptr %as, %lane : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
    %x = tile.load %ap : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
    %bp = tile.addptr %ap, %more : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
    tile.store %bp, %x : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  } {tile.num_stages = 3 : i32}
  return
}

// Eight copies of a lane start directly in front of the first exchange between lanes, whose shuffles go first.
// CHECK-LABEL: func.func @into_the_exchange
// CHECK: scf.for
// CHECK: tile.async_wait 0
// CHECK: tile.shared_load
// CHECK: tile.async_load
// CHECK-NEXT: tile.async_commit
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.reduce
// CHECK: tile.reduce
// CHECK: tile.store
func.func @into_the_exchange(%a: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %n: i32, %row: i32 {tile.divisibility = 16 : i64}) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %lane = tile.arange 0 to 4096 : tensor<4096xi32>
  scf.for %i = %zero to %n step %one : i32 {
    %at = arith.muli %i, %row : i32
    %ab = tile.addptr %a, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %as = tile.splat %ab : (!tile.ptr<f32>) -> tensor<4096x!tile.ptr<f32>>
    %ap = tile.addptr %as, %lane : (tensor<4096x!tile.ptr<f32>>, tensor<4096xi32>) -> tensor<4096x!tile.ptr<f32>>
    %x = tile.load %ap : (tensor<4096x!tile.ptr<f32>>) -> tensor<4096xf32>
    %peak = tile.reduce %x axis = 0 : (tensor<4096xf32>) -> f32 {
    ^bb0(%u: f32, %v: f32):
      %w = arith.maxnumf %u, %v : f32
      tile.yield %w : f32
    }
    %peaks = tile.splat %peak : (f32) -> tensor<4096xf32>
    %d = arith.subf %x, %peaks : tensor<4096xf32>
    %total = tile.reduce %d axis = 0 : (tensor<4096xf32>) -> f32 {
    ^bb0(%u: f32, %v: f32):
      %w = arith.addf %u, %v : f32
      tile.yield %w : f32
    }
    %totals = tile.splat %total : (f32) -> tensor<4096xf32>
    %y = arith.divf %d, %totals : tensor<4096xf32>
    %bb = tile.addptr %b, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %bs = tile.splat %bb : (!tile.ptr<f32>) -> tensor<4096x!tile.ptr<f32>>
    %bp = tile.addptr %bs, %lane : (tensor<4096x!tile.ptr<f32>>, tensor<4096xi32>) -> tensor<4096x!tile.ptr<f32>>
    tile.store %bp, %y : (tensor<4096x!tile.ptr<f32>>, tensor<4096xf32>) -> ()
  } {tile.num_stages = 2 : i32}
  return
}

// Four start at once.
// CHECK-LABEL: func.func @at_once
// CHECK: scf.for
// CHECK: tile.async_wait 0
// CHECK: tile.shared_load
// CHECK-NOT: tile.reduce
// CHECK: tile.async_load
// CHECK-NEXT: tile.async_commit
// CHECK: tile.reduce
// CHECK: tile.store
func.func @at_once(%a: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %n: i32, %row: i32 {tile.divisibility = 16 : i64}) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %lane = tile.arange 0 to 2048 : tensor<2048xi32>
  scf.for %i = %zero to %n step %one : i32 {
    %at = arith.muli %i, %row : i32
    %ab = tile.addptr %a, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %as = tile.splat %ab : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
    %ap = tile.addptr %as, %lane : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
    %x = tile.load %ap : (tensor<2048x!tile.ptr<f32>>) -> tensor<2048xf32>
    %peak = tile.reduce %x axis = 0 : (tensor<2048xf32>) -> f32 {
    ^bb0(%u: f32, %v: f32):
      %w = arith.maxnumf %u, %v : f32
      tile.yield %w : f32
    }
    %peaks = tile.splat %peak : (f32) -> tensor<2048xf32>
    %d = arith.subf %x, %peaks : tensor<2048xf32>
    %total = tile.reduce %d axis = 0 : (tensor<2048xf32>) -> f32 {
    ^bb0(%u: f32, %v: f32):
      %w = arith.addf %u, %v : f32
      tile.yield %w : f32
    }
    %totals = tile.splat %total : (f32) -> tensor<2048xf32>
    %y = arith.divf %d, %totals : tensor<2048xf32>
    %bb = tile.addptr %b, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>
    %bs = tile.splat %bb : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>
    %bp = tile.addptr %bs, %lane : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>
    tile.store %bp, %y : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()
  } {tile.num_stages = 2 : i32}
  return
}
}
