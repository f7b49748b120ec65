// uniform-carried.mlir - a carried tile that moves as a whole becomes a carried scalar
// RUN: %tessera-opt --allow-unregistered-dialect --tile-uniform-carried %s | FileCheck %s

// CHECK-LABEL: func.func @pointers
// CHECK-SAME: %[[P:.+]]: tensor<8x!tile.ptr<f32>>
func.func @pointers(%p: tensor<8x!tile.ptr<f32>>, %n: i32, %s: i32) -> tensor<8x!tile.ptr<f32>> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %x = arith.constant dense<0.0> : tensor<8xf32>
  %by = tile.splat %s : (i32) -> tensor<8xi32>
  // CHECK: %[[R:.+]] = scf.for {{.*}} iter_args(%[[O:.+]] = %{{.+}}) -> (i64)
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%q = %p) -> tensor<8x!tile.ptr<f32>> : i32 {
    // CHECK: %[[OS:.+]] = tile.splat %[[O]]
    // CHECK: %[[Q:.+]] = tile.addptr %[[P]], %[[OS]]
    // CHECK: tile.store %[[Q]]
    tile.store %q, %x : (tensor<8x!tile.ptr<f32>>, tensor<8xf32>) -> ()
    // CHECK: %[[W:.+]] = arith.extsi %arg2 : i32 to i64
    // CHECK: %[[N:.+]] = arith.addi %[[O]], %[[W]] : i64
    // CHECK: scf.yield %[[N]]
    %q2 = tile.addptr %q, %by : (tensor<8x!tile.ptr<f32>>, tensor<8xi32>) -> tensor<8x!tile.ptr<f32>>
    scf.yield %q2 : tensor<8x!tile.ptr<f32>>
  }
  // CHECK: %[[RS:.+]] = tile.splat %[[R]]
  // CHECK: %[[LAST:.+]] = tile.addptr %[[P]], %[[RS]]
  // CHECK: return %[[LAST]]
  return %r : tensor<8x!tile.ptr<f32>>
}

// CHECK-LABEL: func.func @integers
func.func @integers(%v: tensor<8xi32>, %n: i32) -> tensor<8xi32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %by = arith.constant dense<32> : tensor<8xi32>
  // CHECK: scf.for {{.*}} -> (i32)
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%q = %v) -> tensor<8xi32> : i32 {
    %q2 = arith.addi %by, %q : tensor<8xi32>
    scf.yield %q2 : tensor<8xi32>
  }
  return %r : tensor<8xi32>
}

// A step that differs between elements stays.
// CHECK-LABEL: func.func @uneven
func.func @uneven(%v: tensor<8xi32>, %by: tensor<8xi32>, %n: i32) -> tensor<8xi32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  // CHECK: scf.for {{.*}} -> (tensor<8xi32>)
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%q = %v) -> tensor<8xi32> : i32 {
    %q2 = arith.addi %q, %by : tensor<8xi32>
    scf.yield %q2 : tensor<8xi32>
  }
  return %r : tensor<8xi32>
}

// A second counter, one step behind the loop's own: what it is after its step is the loop's variable.
// CHECK-LABEL: func.func @second_counter
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[C:.*]] = %{{.*}}) -> (i32)
// CHECK-DAG: %[[BEHIND:.*]] = arith.addi %[[I]], %c-8_i32
// CHECK: "test.use"(%[[BEHIND]], %[[I]])
// CHECK: scf.yield %[[I]]
func.func @second_counter(%lower: i32, %upper: i32) -> i32 {
  %c8 = arith.constant 8 : i32
  %init = arith.subi %lower, %c8 : i32
  %r = scf.for %i = %lower to %upper step %c8 iter_args(%c = %init) -> (i32) : i32 {
    %next = arith.addi %c, %c8 : i32
    "test.use"(%c, %next) : (i32, i32) -> ()
    scf.yield %next : i32
  }
  return %r : i32
}

// Another step, and a start that is no constant from the loop's.
// CHECK-LABEL: func.func @other_counters
// CHECK: iter_args(%[[C:.*]] = %{{.*}}, %[[D:.*]] = %{{.*}})
// CHECK: "test.use"(%[[C]], %[[D]])
func.func @other_counters(%lower: i32, %upper: i32, %from: i32) {
  %c8 = arith.constant 8 : i32
  %c4 = arith.constant 4 : i32
  %r:2 = scf.for %i = %lower to %upper step %c8 iter_args(%c = %lower, %d = %from) -> (i32, i32) : i32 {
    "test.use"(%c, %d) : (i32, i32) -> ()
    %next = arith.addi %c, %c4 : i32
    %then = arith.addi %d, %c8 : i32
    scf.yield %next, %then : i32, i32
  }
  return
}

// A name that every iteration gives the same value again: the loop reads the one from before.
// CHECK-LABEL: func.func @computed_again
func.func @computed_again(%p: tensor<8x!tile.ptr<i32>>, %n: i32) -> tensor<8xi32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c8 = arith.constant dense<8> : tensor<8xi32>
  // CHECK: %[[A:.+]] = tile.arange
  // CHECK: %[[B:.+]] = arith.addi %[[A]]
  %a = tile.arange 0 to 8 : tensor<8xi32>
  %b = arith.addi %a, %c8 : tensor<8xi32>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%q = %b, %w = %a) -> (tensor<8xi32>, tensor<8xi32>) : i32 {
    // CHECK: tile.store %{{.+}}, %[[B]]
    tile.store %p, %q : (tensor<8x!tile.ptr<i32>>, tensor<8xi32>) -> ()
    // CHECK: scf.yield %[[B]], %[[OTHER:.+]] :
    %a2 = tile.arange 0 to 8 : tensor<8xi32>
    %c8again = arith.constant dense<8> : tensor<8xi32>
    %b2 = arith.addi %a2, %c8again : tensor<8xi32>
    %other = tile.arange 8 to 16 : tensor<8xi32>
    scf.yield %b2, %other : tensor<8xi32>, tensor<8xi32>
  }
  // CHECK: return %[[B]]
  return %r#0 : tensor<8xi32>
}

// The same ops to other widths are not the same.
// CHECK-LABEL: func.func @of_another_width
// CHECK: iter_args(%[[Q:[a-z0-9]+]] =
// CHECK: "test.use"(%[[Q]])
func.func @of_another_width(%x: i64, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %a = arith.trunci %x : i64 to i16
  %b = arith.extsi %a : i16 to i64
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%q = %b) -> (i64) : i32 {
    "test.use"(%q) : (i64) -> ()
    %a2 = arith.trunci %x : i64 to i8
    %b2 = arith.extsi %a2 : i8 to i64
    scf.yield %b2 : i64
  }
  return
}
