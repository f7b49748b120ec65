// Guards: what a loop loads for shared memory alone is copied there where its lanes have no room for it; a copy's run is one of the buffer, whatever lay there before.
// RUN: %tessera-opt %s --tile-copy-large-loads="roles=true async-copies=true" | FileCheck %s
// RUN: %tessera-opt %s --tile-copy-large-loads="roles=true" | FileCheck %s --check-prefix=NONE

#T = #tile.linear<[64, 64], register = [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16], [0, 32], [32, 0]], lane = [[1, 0], [2, 0], [4, 0], [8, 0], [16, 0]], warp = []>
#O = #tile.linear<[64, 64], register = [[1, 0], [2, 0], [4, 0], [8, 0], [16, 0], [32, 0], [0, 32]], lane = [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16]], warp = []>
#C = #tile.linear<[16, 4, 64], register = [[0, 0, 1], [0, 0, 2], [0, 0, 4], [0, 0, 8], [0, 0, 16], [0, 0, 32], [8, 0, 0]], lane = [[0, 1, 0], [0, 2, 0], [1, 0, 0], [2, 0, 0], [4, 0, 0]], warp = []>
#S = #tile.linear<[64, 64], offset = [[1, 0], [2, 0], [0, 1], [0, 2], [0, 4], [0, 8], [0, 16], [0, 32], [4, 0], [8, 0], [16, 0], [32, 0]]>
module attributes {tile.level = "layout", tile.options = {num_warps = 1 : i64}} {

// 128 registers beside a sum of 128; addresses of which nothing is known: runs of one element.
// NONE-NOT: async_load
// CHECK-LABEL: func.func @masked
// CHECK: scf.for
// CHECK-NEXT: %[[BUFFER:.+]] = tile.shared_alloc
// CHECK-NEXT: tile.async_load %[[BUFFER]], %arg1 mask %arg2 {tile.axis = 0 : i32, tile.width = 1 : i32}
// CHECK-NEXT: tile.async_commit
// CHECK-NEXT: tile.async_wait 0
// CHECK-NEXT: tile.shared_load %[[BUFFER]]
func.func @masked(%n: i32, %q: tensor<64x64x!tile.ptr<f32>, #T>, %m: tensor<64x64xi1, #T>, %p: tensor<64x64x!tile.ptr<f32>, #O>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x64xf32, #O>
  %none = arith.constant dense<0.000000e+00> : tensor<64x64xf32, #T>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x64xf32, #O>) : i32 {
    %x = tile.load %q mask %m other %none : (tensor<64x64x!tile.ptr<f32>, #T>, tensor<64x64xi1, #T>, tensor<64x64xf32, #T>) -> tensor<64x64xf32, #T>
    %s = tile.shared_alloc : !tile.shared<64x64xf32, #S>
    tile.shared_store %s, %x : (!tile.shared<64x64xf32, #S>, tensor<64x64xf32, #T>) -> ()
    %y = tile.shared_load %s : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #O>
    tile.shared_free %s : !tile.shared<64x64xf32, #S>
    %z = arith.addf %acc, %y : tensor<64x64xf32, #O>
    scf.yield %z : tensor<64x64xf32, #O>
  }
  tile.store %p, %sum : (tensor<64x64x!tile.ptr<f32>, #O>, tensor<64x64xf32, #O>) -> ()
  return
}

// A cube that becomes a matrix: addresses are reshaped in its place.
// CHECK-LABEL: func.func @cube
// CHECK: scf.for
// CHECK-NEXT: %[[CUBE:.+]] = tile.shared_alloc
// CHECK-NEXT: %[[AT:.+]] = tile.reshape %arg1
// CHECK-NEXT: tile.async_load %[[CUBE]], %[[AT]] {tile.axis
func.func @cube(%n: i32, %q: tensor<16x4x64x!tile.ptr<f32>, #C>, %p: tensor<64x64x!tile.ptr<f32>, #O>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x64xf32, #O>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x64xf32, #O>) : i32 {
    %c = tile.load %q : (tensor<16x4x64x!tile.ptr<f32>, #C>) -> tensor<16x4x64xf32, #C>
    %x = tile.reshape %c : (tensor<16x4x64xf32, #C>) -> tensor<64x64xf32, #T>
    %s = tile.shared_alloc : !tile.shared<64x64xf32, #S>
    tile.shared_store %s, %x : (!tile.shared<64x64xf32, #S>, tensor<64x64xf32, #T>) -> ()
    %y = tile.shared_load %s : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #O>
    tile.shared_free %s : !tile.shared<64x64xf32, #S>
    %z = arith.addf %acc, %y : tensor<64x64xf32, #O>
    scf.yield %z : tensor<64x64xf32, #O>
  }
  tile.store %p, %sum : (tensor<64x64x!tile.ptr<f32>, #O>, tensor<64x64xf32, #O>) -> ()
  return
}

// Stays: what is masked off is not 0; a value with another use; a store of global memory in between; halves, of which no run is known to have four bytes; without a sum there is room.
// CHECK-LABEL: func.func @stays
// CHECK-NOT: async_load
// CHECK-LABEL: func.func @room
// CHECK-NOT: async_load
func.func @stays(%n: i32, %q: tensor<64x64x!tile.ptr<f32>, #T>, %h: tensor<64x64x!tile.ptr<f16>, #T>, %m: tensor<64x64xi1, #T>, %w: tensor<64x64x!tile.ptr<f32>, #O>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.000000e+00> : tensor<64x64xf32, #O>
  %one = arith.constant dense<1.000000e+00> : tensor<64x64xf32, #T>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<64x64xf32, #O>) : i32 {
    %a = tile.load %q mask %m other %one : (tensor<64x64x!tile.ptr<f32>, #T>, tensor<64x64xi1, #T>, tensor<64x64xf32, #T>) -> tensor<64x64xf32, #T>
    %sa = tile.shared_alloc : !tile.shared<64x64xf32, #S>
    tile.shared_store %sa, %a : (!tile.shared<64x64xf32, #S>, tensor<64x64xf32, #T>) -> ()
    %ya = tile.shared_load %sa : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #O>
    tile.shared_free %sa : !tile.shared<64x64xf32, #S>
    %b = tile.load %q : (tensor<64x64x!tile.ptr<f32>, #T>) -> tensor<64x64xf32, #T>
    tile.store %q, %b : (tensor<64x64x!tile.ptr<f32>, #T>, tensor<64x64xf32, #T>) -> ()
    %sb = tile.shared_alloc : !tile.shared<64x64xf32, #S>
    tile.shared_store %sb, %b : (!tile.shared<64x64xf32, #S>, tensor<64x64xf32, #T>) -> ()
    %yb = tile.shared_load %sb : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #O>
    tile.shared_free %sb : !tile.shared<64x64xf32, #S>
    %c = tile.load %q : (tensor<64x64x!tile.ptr<f32>, #T>) -> tensor<64x64xf32, #T>
    tile.store %w, %yb : (tensor<64x64x!tile.ptr<f32>, #O>, tensor<64x64xf32, #O>) -> ()
    %sc = tile.shared_alloc : !tile.shared<64x64xf32, #S>
    tile.shared_store %sc, %c : (!tile.shared<64x64xf32, #S>, tensor<64x64xf32, #T>) -> ()
    %yc = tile.shared_load %sc : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #O>
    tile.shared_free %sc : !tile.shared<64x64xf32, #S>
    %d = tile.load %h : (tensor<64x64x!tile.ptr<f16>, #T>) -> tensor<64x64xf16, #T>
    %sd = tile.shared_alloc : !tile.shared<64x64xf16, #S>
    tile.shared_store %sd, %d : (!tile.shared<64x64xf16, #S>, tensor<64x64xf16, #T>) -> ()
    %yd = tile.shared_load %sd : !tile.shared<64x64xf16, #S> to tensor<64x64xf16, #O>
    tile.shared_free %sd : !tile.shared<64x64xf16, #S>
    %e = arith.extf %yd : tensor<64x64xf16, #O> to tensor<64x64xf32, #O>
    %z0 = arith.addf %acc, %ya : tensor<64x64xf32, #O>
    %z1 = arith.addf %z0, %yc : tensor<64x64xf32, #O>
    %z = arith.addf %z1, %e : tensor<64x64xf32, #O>
    scf.yield %z : tensor<64x64xf32, #O>
  }
  tile.store %w, %sum : (tensor<64x64x!tile.ptr<f32>, #O>, tensor<64x64xf32, #O>) -> ()
  return
}

func.func @room(%n: i32, %q: tensor<64x64x!tile.ptr<f32>, #T>, %w: tensor<64x64x!tile.ptr<f32>, #O>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %n step %c1 : i32 {
    %x = tile.load %q : (tensor<64x64x!tile.ptr<f32>, #T>) -> tensor<64x64xf32, #T>
    %s = tile.shared_alloc : !tile.shared<64x64xf32, #S>
    tile.shared_store %s, %x : (!tile.shared<64x64xf32, #S>, tensor<64x64xf32, #T>) -> ()
    %y = tile.shared_load %s : !tile.shared<64x64xf32, #S> to tensor<64x64xf32, #O>
    tile.shared_free %s : !tile.shared<64x64xf32, #S>
    tile.store %w, %y : (tensor<64x64x!tile.ptr<f32>, #O>, tensor<64x64xf32, #O>) -> ()
  }
  return
}
}
