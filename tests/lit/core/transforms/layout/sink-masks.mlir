// Guards: masks of whole tiles are made behind the work that stands between them and what they select, from what is small; other values stay.
// RUN: %tessera-opt %s --tile-sink-masks | FileCheck %s
#T = #tile.linear<[16, 16], register = [[0, 1], [0, 2], [0, 4], [8, 0]], lane = [[0, 8], [1, 0], [2, 0], [4, 0], [0, 0]], warp = []>
#R = #tile.linear<[16, 1], register = [[8, 0]], lane = [[0, 0], [1, 0], [2, 0], [4, 0], [0, 0]], warp = []>
#C = #tile.linear<[1, 16], register = [[0, 1], [0, 2], [0, 4]], lane = [[0, 8], [0, 0], [0, 0], [0, 0], [0, 0]], warp = []>
module attributes {tile.level = "layout", tile.options = {num_warps = 1 : i64}} {

// Across a branch. The comparisons of rows and of columns stay.
// CHECK-LABEL: func.func @across_a_branch
// CHECK: arith.cmpi slt, %arg0
// CHECK: arith.cmpi slt, %arg2
// CHECK-NOT: arith.andi
// CHECK: scf.if
// CHECK: }
// CHECK: tile.broadcast
// CHECK: tile.broadcast
// CHECK-NEXT: arith.andi
// CHECK-NEXT: arith.select
func.func @across_a_branch(%r: tensor<16x1xi32, #R>, %n: tensor<16x1xi32, #R>, %c: tensor<1x16xi32, #C>, %k: tensor<1x16xi32, #C>, %x: tensor<16x16xf32, #T>,
                           %which: i1, %p: tensor<16x16x!tile.ptr<f32>, #T>) {
  %zero = arith.constant dense<0.000000e+00> : tensor<16x16xf32, #T>
  %rm = arith.cmpi slt, %r, %n : tensor<16x1xi32, #R>
  %cm = arith.cmpi slt, %c, %k : tensor<1x16xi32, #C>
  %rb = tile.broadcast %rm : (tensor<16x1xi1, #R>) -> tensor<16x16xi1, #T>
  %cb = tile.broadcast %cm : (tensor<1x16xi1, #C>) -> tensor<16x16xi1, #T>
  %m = arith.andi %rb, %cb : tensor<16x16xi1, #T>
  %y = scf.if %which -> (tensor<16x16xf32, #T>) {
    %d = arith.addf %x, %x : tensor<16x16xf32, #T>
    scf.yield %d : tensor<16x16xf32, #T>
  } else {
    scf.yield %x : tensor<16x16xf32, #T>
  }
  %s = arith.select %m, %y, %zero : tensor<16x16xi1, #T>, tensor<16x16xf32, #T>
  tile.store %p, %s : (tensor<16x16x!tile.ptr<f32>, #T>, tensor<16x16xf32, #T>) -> ()
  return
}

// A comparison of whole tiles that are rows and columns goes, too, across a barrier; one of what is computed for each element stays where it is.
// CHECK-LABEL: func.func @across_a_barrier
// CHECK: arith.cmpi eq
// CHECK: tile.barrier
// CHECK: arith.cmpi sge
// CHECK: arith.andi
// CHECK-NEXT: arith.select
func.func @across_a_barrier(%r: tensor<16x1xi32, #R>, %c: tensor<1x16xi32, #C>, %e: tensor<16x16xi32, #T>, %x: tensor<16x16xf32, #T>,
                            %p: tensor<16x16x!tile.ptr<f32>, #T>) {
  %zero = arith.constant dense<0.000000e+00> : tensor<16x16xf32, #T>
  %rb = tile.broadcast %r : (tensor<16x1xi32, #R>) -> tensor<16x16xi32, #T>
  %cb = tile.broadcast %c : (tensor<1x16xi32, #C>) -> tensor<16x16xi32, #T>
  %twice = arith.addi %e, %e : tensor<16x16xi32, #T>
  %m = arith.cmpi sge, %rb, %cb : tensor<16x16xi32, #T>
  %o = arith.cmpi eq, %twice, %cb : tensor<16x16xi32, #T>
  tile.barrier
  %b = arith.andi %m, %o : tensor<16x16xi1, #T>
  %s = arith.select %b, %x, %zero : tensor<16x16xi1, #T>, tensor<16x16xf32, #T>
  tile.store %p, %s : (tensor<16x16x!tile.ptr<f32>, #T>, tensor<16x16xf32, #T>) -> ()
  return
}

// Nothing stands between: as it was. And a mask that a region behind work uses stays outside of it.
// CHECK-LABEL: func.func @at_once
// CHECK: arith.andi
// CHECK-NEXT: arith.addf
// CHECK-NEXT: arith.select
// CHECK: tile.barrier
// CHECK-NEXT: tile.broadcast
// CHECK-NEXT: arith.ori
// CHECK-NEXT: scf.if
func.func @at_once(%r: tensor<16x1xi1, #R>, %c: tensor<1x16xi1, #C>, %x: tensor<16x16xf32, #T>, %which: i1, %p: tensor<16x16x!tile.ptr<f32>, #T>) {
  %zero = arith.constant dense<0.000000e+00> : tensor<16x16xf32, #T>
  %rb = tile.broadcast %r : (tensor<16x1xi1, #R>) -> tensor<16x16xi1, #T>
  %cb = tile.broadcast %c : (tensor<1x16xi1, #C>) -> tensor<16x16xi1, #T>
  %m = arith.andi %rb, %cb : tensor<16x16xi1, #T>
  %y = arith.addf %x, %x : tensor<16x16xf32, #T>
  %s = arith.select %m, %y, %zero : tensor<16x16xi1, #T>, tensor<16x16xf32, #T>
  %cb2 = tile.broadcast %c : (tensor<1x16xi1, #C>) -> tensor<16x16xi1, #T>
  %o = arith.ori %rb, %cb2 : tensor<16x16xi1, #T>
  tile.barrier
  scf.if %which {
    tile.store %p, %s mask %o : (tensor<16x16x!tile.ptr<f32>, #T>, tensor<16x16xf32, #T>, tensor<16x16xi1, #T>) -> ()
  }
  return
}
}
