// Guards: in an iteration that makes more fragments than a lane has registers for, each is read in front of its first product, over what leaves its buffer alone, and conversions come there
// too. With room for all of them everything stays. Of tiles that only a loop reads, those are read in it that leave the others no registers.
// RUN: %tessera-opt %s --tile-lower-conversions-to-shared=roles=true | FileCheck %s

#T = #tile.linear<[64, 64], register = [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16], [0, 32]], lane = [[1, 0], [2, 0], [4, 0], [8, 0], [16, 0]], warp = [[32, 0]]>
#O = #tile.linear<[64, 64], register = [[1, 0], [2, 0], [4, 0], [8, 0], [16, 0], [32, 0]], lane = [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16]], warp = [[0, 32]]>
#R = #tile.linear<[64, 64], register = [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16], [0, 32], [32, 0]], lane = [[1, 0], [2, 0], [4, 0], [8, 0], [16, 0]], warp = [[0, 0]]>
#S = #tile.linear<[64, 64], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16], [0, 32], [1, 0], [2, 0], [4, 0], [8, 0], [16, 0], [32, 0]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 2 : i64}} {

// Three fragments of 64 registers, and a sum of 64.
// CHECK-LABEL: func.func @late
// CHECK: scf.for
// CHECK-NEXT: tile.shared_load %[[A:.*]] :
// CHECK-NEXT: tile.shared_load %[[B:.*]] :
// CHECK-NEXT: tile.dot
// CHECK-NEXT: math.exp
// CHECK-NEXT: tile.shared_load %[[C:.*]] :
// CHECK-NEXT: tile.dot
func.func @late(%x: tensor<64x64xf32, #T>, %n: i32, %p: tensor<64x64x!tile.ptr<f32>, #T>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x64xf32, #T>
  %sa = tile.shared_alloc : !tile.shared<64x64xf32, #S>
  %sb = tile.shared_alloc : !tile.shared<64x64xf32, #S>
  %sc = tile.shared_alloc : !tile.shared<64x64xf32, #S>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x64xf32, #T>) : i32 {
    %a = tile.shared_load %sa : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #T>
    %b = tile.shared_load %sb : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #T>
    %c = tile.shared_load %sc : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #T>
    %d = tile.dot %a, %b, %acc precision = tf32 instruction = 15 : (tensor<64x64xf32, #T>, tensor<64x64xf32, #T>, tensor<64x64xf32, #T>) -> tensor<64x64xf32, #T>
    %e = math.exp %d : tensor<64x64xf32, #T>
    %f = tile.dot %c, %b, %e precision = tf32 instruction = 15 : (tensor<64x64xf32, #T>, tensor<64x64xf32, #T>, tensor<64x64xf32, #T>) -> tensor<64x64xf32, #T>
    scf.yield %f : tensor<64x64xf32, #T>
  }
  tile.store %p, %sum : (tensor<64x64x!tile.ptr<f32>, #T>, tensor<64x64xf32, #T>) -> ()
  return
}

// A fragment of 128 registers that is made of 64, beside a sum of 64.
// CHECK-LABEL: func.func @conversion
// CHECK: scf.for
// CHECK-NEXT: math.exp
// CHECK-NEXT: math.log
// CHECK-NEXT: tile.shared_alloc
// CHECK-NEXT: tile.shared_store
// CHECK-NEXT: tile.shared_load
// CHECK-NEXT: tile.shared_free
// CHECK-NEXT: tile.dot
func.func @conversion(%x: tensor<64x64xf32, #T>, %n: i32, %p: tensor<64x64x!tile.ptr<f32>, #T>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x64xf32, #T>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x64xf32, #T>) : i32 {
    %e = math.exp %acc : tensor<64x64xf32, #T>
    %a = tile.convert_layout %e : tensor<64x64xf32, #T> to tensor<64x64xf32, #R>
    %l = math.log %acc : tensor<64x64xf32, #T>
    %f = tile.dot %a, %x, %l precision = tf32 instruction = 15 : (tensor<64x64xf32, #R>, tensor<64x64xf32, #T>, tensor<64x64xf32, #T>) -> tensor<64x64xf32, #T>
    scf.yield %f : tensor<64x64xf32, #T>
  }
  tile.store %p, %sum : (tensor<64x64x!tile.ptr<f32>, #T>, tensor<64x64xf32, #T>) -> ()
  return
}

// What writes the buffer comes behind the read, and so does what may mean that another one writes it.
// CHECK-LABEL: func.func @overwritten
// CHECK: scf.for
// CHECK: %[[C:.*]] = tile.shared_load %[[SC:.*]] :
// CHECK-NEXT: tile.shared_store %[[SC]]
// CHECK: tile.dot %[[C]]
// CHECK: %[[D:.*]] = tile.shared_load
// CHECK-NEXT: tile.barrier
// CHECK-NEXT: tile.dot %[[D]]
func.func @overwritten(%x: tensor<64x64xf32, #T>, %n: i32, %p: tensor<64x64x!tile.ptr<f32>, #T>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x64xf32, #T>
  %sc = tile.shared_alloc : !tile.shared<64x64xf32, #S>
  %sd = tile.shared_alloc : !tile.shared<64x64xf32, #S>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x64xf32, #T>) : i32 {
    %c = tile.shared_load %sc : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #T>
    %e = math.exp %acc : tensor<64x64xf32, #T>
    tile.shared_store %sc, %e : (!tile.shared<64x64xf32, #S>, tensor<64x64xf32, #T>) -> ()
    %f = tile.dot %c, %x, %e precision = tf32 instruction = 15 : (tensor<64x64xf32, #T>, tensor<64x64xf32, #T>, tensor<64x64xf32, #T>) -> tensor<64x64xf32, #T>
    %d = tile.shared_load %sd : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #T>
    tile.barrier
    %g = tile.dot %d, %x, %f precision = tf32 instruction = 15 : (tensor<64x64xf32, #T>, tensor<64x64xf32, #T>, tensor<64x64xf32, #T>) -> tensor<64x64xf32, #T>
    scf.yield %g : tensor<64x64xf32, #T>
  }
  tile.store %p, %sum : (tensor<64x64x!tile.ptr<f32>, #T>, tensor<64x64xf32, #T>) -> ()
  return
}

// 16 bits: 96 registers fit beside a sum of 32.
// CHECK-LABEL: func.func @with_room
// CHECK: scf.for
// CHECK: tile.shared_load
// CHECK: tile.shared_load
// CHECK: tile.shared_load
// CHECK: tile.dot
// CHECK-NOT: tile.shared_load
// CHECK: return
func.func @with_room(%n: i32, %p: tensor<64x64x!tile.ptr<f16>, #T>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x64xf16, #T>
  %sa = tile.shared_alloc : !tile.shared<64x64xf16, #S>
  %sb = tile.shared_alloc : !tile.shared<64x64xf16, #S>
  %sc = tile.shared_alloc : !tile.shared<64x64xf16, #S>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x64xf16, #T>) : i32 {
    %a = tile.shared_load %sa : !tile.shared<64x64xf16, #S> to tensor<64x64xf16, #T>
    %b = tile.shared_load %sb : !tile.shared<64x64xf16, #S> to tensor<64x64xf16, #T>
    %c = tile.shared_load %sc : !tile.shared<64x64xf16, #S> to tensor<64x64xf16, #T>
    %d = tile.dot %a, %b, %acc instruction = 15 : (tensor<64x64xf16, #T>, tensor<64x64xf16, #T>, tensor<64x64xf16, #T>) -> tensor<64x64xf16, #T>
    %f = tile.dot %c, %b, %d instruction = 15 : (tensor<64x64xf16, #T>, tensor<64x64xf16, #T>, tensor<64x64xf16, #T>) -> tensor<64x64xf16, #T>
    scf.yield %f : tensor<64x64xf16, #T>
  }
  tile.store %p, %sum : (tensor<64x64x!tile.ptr<f16>, #T>, tensor<64x64xf16, #T>) -> ()
  return
}

// 64 registers each, beside a sum of 64: one stays in front of the loop.
// CHECK-LABEL: func.func @two_tiles
// CHECK: tile.shared_load
// CHECK-NOT: tile.shared_load
// CHECK: scf.for
// CHECK: tile.shared_load
// CHECK-NOT: tile.shared_load
// CHECK: return
func.func @two_tiles(%x: tensor<64x64xf32, #O>, %y: tensor<64x64xf32, #O>, %n: i32, %p: tensor<64x64x!tile.ptr<f32>, #T>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x64xf32, #T>
  %a = tile.convert_layout %x : tensor<64x64xf32, #O> to tensor<64x64xf32, #T>
  %b = tile.convert_layout %y : tensor<64x64xf32, #O> to tensor<64x64xf32, #T>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x64xf32, #T>) : i32 {
    %d = arith.addf %acc, %a : tensor<64x64xf32, #T>
    %e = arith.mulf %d, %b : tensor<64x64xf32, #T>
    scf.yield %e : tensor<64x64xf32, #T>
  }
  tile.store %p, %sum : (tensor<64x64x!tile.ptr<f32>, #T>, tensor<64x64xf32, #T>) -> ()
  return
}
}
