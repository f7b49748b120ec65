// Guards: elementwise values that one side of a branch alone uses are computed there; what the loop around does not change stays in front of the loop.
// RUN: %tessera-opt %s --tile-sink-into-branches | FileCheck %s
#T = #tile.linear<[16, 16], register = [[0, 1], [0, 2], [0, 4], [8, 0]], lane = [[0, 8], [1, 0], [2, 0], [4, 0], [0, 0]], warp = []>
module attributes {tile.level = "layout", tile.options = {num_warps = 1 : i64}} {

// The load stays, and so does what is read on both sides.
// CHECK-LABEL: func.func @one_side
// CHECK: tile.load
// CHECK-NEXT: arith.negf
// CHECK-NEXT: scf.if
// CHECK-NEXT: math.exp2
// CHECK-NEXT: arith.mulf
// CHECK: else
// CHECK-NOT: math.exp2
// CHECK: return
func.func @one_side(%a: tensor<16x16x!tile.ptr<f32>, #T>, %which: i1, %p: tensor<16x16x!tile.ptr<f32>, #T>) {
  %x = tile.load %a : (tensor<16x16x!tile.ptr<f32>, #T>) -> tensor<16x16xf32, #T>
  %both = arith.negf %x : tensor<16x16xf32, #T>
  %e = math.exp2 %both : tensor<16x16xf32, #T>
  %m = arith.mulf %e, %x : tensor<16x16xf32, #T>
  scf.if %which {
    tile.store %p, %m : (tensor<16x16x!tile.ptr<f32>, #T>, tensor<16x16xf32, #T>) -> ()
  } else {
    tile.store %p, %both : (tensor<16x16x!tile.ptr<f32>, #T>, tensor<16x16xf32, #T>) -> ()
  }
  return
}

// The branch is in a loop that the value is in front of.
// CHECK-LABEL: func.func @in_a_loop
// CHECK: math.exp2
// CHECK: scf.for
// CHECK-NEXT: scf.if
// CHECK-NEXT: arith.addf
func.func @in_a_loop(%x: tensor<16x16xf32, #T>, %n: i32, %which: i1, %p: tensor<16x16x!tile.ptr<f32>, #T>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %e = math.exp2 %x : tensor<16x16xf32, #T>
  scf.for %i = %c0 to %n step %c1 : i32 {
    %s = arith.addf %e, %x : tensor<16x16xf32, #T>
    scf.if %which {
      tile.store %p, %s : (tensor<16x16x!tile.ptr<f32>, #T>, tensor<16x16xf32, #T>) -> ()
    }
  }
  return
}
}
