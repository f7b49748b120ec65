// simplify-masks.mlir - comparisons that ranges decide
// RUN: %tessera-opt --tile-simplify-masks --tile-simplify %s | FileCheck %s

// CHECK-LABEL: func.func @always
func.func @always(%p: tensor<64x!tile.ptr<f32>>) -> tensor<64xf32> {
  %i = tile.arange 0 to 64 : tensor<64xi32>
  %n = arith.constant dense<64> : tensor<64xi32>
  %m = arith.cmpi slt, %i, %n : tensor<64xi32>
  // CHECK: tile.load %arg0 : (tensor<64x!tile.ptr<f32>>) -> tensor<64xf32>
  %v = tile.load %p mask %m : (tensor<64x!tile.ptr<f32>>, tensor<64xi1>) -> tensor<64xf32>
  return %v : tensor<64xf32>
}

// CHECK-LABEL: func.func @never
func.func @never(%p: tensor<64x!tile.ptr<f32>>, %o: tensor<64xf32>) -> tensor<64xf32> {
  %i = tile.arange 64 to 128 : tensor<64xi32>
  %n = arith.constant dense<64> : tensor<64xi32>
  %m = arith.cmpi slt, %i, %n : tensor<64xi32>
  // CHECK-NEXT: return %arg1
  %v = tile.load %p mask %m other %o : (tensor<64x!tile.ptr<f32>>, tensor<64xi1>, tensor<64xf32>) -> tensor<64xf32>
  return %v : tensor<64xf32>
}

// The product may wrap: nothing is known.
// CHECK-LABEL: func.func @undecided
func.func @undecided() -> i1 {
  %pid = tile.program_id 0
  %c = arith.constant 1024 : i32
  %zero = arith.constant 0 : i32
  %o = arith.muli %pid, %c : i32
  // CHECK: arith.cmpi sge
  %m = arith.cmpi sge, %o, %zero : i32
  return %m : i1
}

// CHECK-LABEL: func.func @assumed
func.func @assumed(%n: i32) -> i1 {
  %c8 = arith.constant 8 : i32
  %c4 = arith.constant 4 : i32
  %a = arith.cmpi sgt, %n, %c8 : i32
  tile.assume %a : i1
  // CHECK: %[[T:.+]] = arith.constant true
  // CHECK: return %[[T]]
  %m = arith.cmpi sge, %n, %c4 : i32
  return %m : i1
}

// A carried offset of a bounded loop: its lower bound is known, its upper one not.
// CHECK-LABEL: func.func @carried
func.func @carried(%k: i32, %p: !tile.ptr<i1>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %z = arith.constant 0 : i64
  %c32 = arith.constant 32 : i64
  %big = arith.constant 4096 : i64
  %r = scf.for %i = %c0 to %k step %c1 iter_args(%o = %z) -> i64 : i32 {
    // CHECK-NOT: arith.cmpi sge
    // CHECK: arith.cmpi slt
    %m = arith.cmpi sge, %o, %z : i64
    %u = arith.cmpi slt, %o, %big : i64
    tile.store %p, %m : (!tile.ptr<i1>, i1) -> ()
    tile.store %p, %u : (!tile.ptr<i1>, i1) -> ()
    %o2 = arith.addi %o, %c32 : i64
    scf.yield %o2 : i64
  }
  return
}

// CHECK-LABEL: func.func @divisions
func.func @divisions(%n: i32) -> (i32, i32) {
  %pid = tile.program_id 0
  %c7 = arith.constant 7 : i32
  // CHECK: arith.divui
  // CHECK: arith.divsi
  %a = arith.divsi %pid, %c7 : i32
  %b = arith.divsi %n, %c7 : i32
  return %a, %b : i32, i32
}

// A set bit is -1, the lesser one.
// CHECK-LABEL: func.func @bits
func.func @bits(%b: i1) -> (i1, i1, i1, i1) {
  %pid = tile.program_id 0
  %zero = arith.constant 0 : i32
  %set = arith.cmpi sge, %pid, %zero : i32
  %clear = arith.cmpi slt, %pid, %zero : i32
  // CHECK-DAG: %[[T:.+]] = arith.constant true
  // CHECK-DAG: %[[F:.+]] = arith.constant false
  // CHECK: return %[[T]], %[[F]], %[[T]], %[[F]]
  %least = arith.minsi %set, %clear : i1
  %most = arith.maxsi %set, %clear : i1
  %least_of_any = arith.minsi %set, %b : i1
  %most_of_any = arith.maxsi %clear, %b : i1
  return %least, %most, %least_of_any, %most_of_any : i1, i1, i1, i1
}
