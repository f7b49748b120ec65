// Guards: roles that nobody asked for. They go to a loop of products in a loop over tiles where shared memory or registers have room for one block alone, in a nest that
// says flatten too; not to one that a program enters once, not where two blocks fit, not to products that something scales, not where the module says 0; with
// a slot less than asked for (SHORT) only where a group has one row of instructions. An attention of two groups gets them, one of a single group does
// not; of its loops a second one goes on with the first one's rings. Other kernels of two loops get none.
// RUN: %tessera-opt %s -split-input-file --tile-layout-pipeline="matrix-shared=true tensor-copies=true roles=true shared-bytes=22528" | FileCheck %s
// RUN: %tessera-opt %s -split-input-file --tile-layout-pipeline="matrix-shared=true tensor-copies=true roles=true shared-bytes=26624" | FileCheck %s --check-prefix=SHORT

// CHECK-LABEL: func.func @persistent
// CHECK: tile.roles warps = 1
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @persistent(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32, %tiles: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %st = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<64x32xf32>
  %half = arith.constant dense<0.5> : tensor<64x32xf32>
  scf.for %t = %zero to %tiles step %c1 : i32 {
    %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<64x32xf32>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%t, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x16xf16>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x32xf16>
      %d = tile.dot %x, %y, %sum : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
      scf.yield %d : tensor<64x32xf32>
    }
    tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%t, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  }
  return
}
}

// -----
// CHECK-LABEL: func.func @once
// CHECK-NOT: tile.roles
// CHECK: return
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @once(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32, %tiles: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %st = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<64x32xf32>
  %half = arith.constant dense<0.5> : tensor<64x32xf32>
    %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<64x32xf32>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x16xf16>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x32xf16>
      %d = tile.dot %x, %y, %sum : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
      scf.yield %d : tensor<64x32xf32>
    }
    tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  return
}
}

// -----
// CHECK-LABEL: func.func @two_blocks
// CHECK-NOT: tile.roles
// CHECK: return
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @two_blocks(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32, %tiles: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %st = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<64x32xf32>
  %half = arith.constant dense<0.5> : tensor<64x32xf32>
  scf.for %t = %zero to %tiles step %c1 : i32 {
    %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<64x32xf32>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%t, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x16xf16>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x32xf16>
      %d = tile.dot %x, %y, %sum : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
      scf.yield %d : tensor<64x32xf32>
    } {tile.num_stages = 2 : i32}
    tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%t, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  }
  return
}
}

// -----
// CHECK-LABEL: func.func @flattened
// CHECK: tile.roles warps = 1
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @flattened(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32, %tiles: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %st = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<64x32xf32>
  %half = arith.constant dense<0.5> : tensor<64x32xf32>
  scf.for %t = %zero to %tiles step %c1 : i32 {
    %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<64x32xf32>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%t, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x16xf16>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x32xf16>
      %d = tile.dot %x, %y, %sum : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
      scf.yield %d : tensor<64x32xf32>
    }
    tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%t, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  } {tile.loop_flags = 1 : i32}
  return
}
}

// -----
// CHECK-LABEL: func.func @scaled
// CHECK-NOT: tile.roles
// CHECK: return
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @scaled(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32, %tiles: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %st = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<64x32xf32>
  %half = arith.constant dense<0.5> : tensor<64x32xf32>
  scf.for %t = %zero to %tiles step %c1 : i32 {
    %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<64x32xf32>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%t, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x16xf16>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x32xf16>
      %less = arith.mulf %sum, %half : tensor<64x32xf32>
      %d = tile.dot %x, %y, %less : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
      scf.yield %d : tensor<64x32xf32>
    }
    tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%t, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  }
  return
}
}

// -----
// CHECK-LABEL: func.func @off
// CHECK-NOT: tile.roles
// CHECK: return
module attributes {tile.options = {num_warps = 4 : i64, auto_warp_specialize = 0 : i64}} {
func.func @off(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32, %tiles: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %st = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<64x32xf32>
  %half = arith.constant dense<0.5> : tensor<64x32xf32>
  scf.for %t = %zero to %tiles step %c1 : i32 {
    %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<64x32xf32>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%t, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x16xf16>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x32xf16>
      %d = tile.dot %x, %y, %sum : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
      scf.yield %d : tensor<64x32xf32>
    }
    tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%t, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  }
  return
}
}

// -----
// SHORT-LABEL: func.func @one_row
// SHORT: tile.roles warps = 1
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @one_row(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32, %tiles: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %st = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<64x32xf32>
  %half = arith.constant dense<0.5> : tensor<64x32xf32>
  scf.for %t = %zero to %tiles step %c1 : i32 {
    %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<64x32xf32>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%t, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x16xf16>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x32xf16>
      %d = tile.dot %x, %y, %sum : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
      scf.yield %d : tensor<64x32xf32>
    } {tile.num_stages = 6 : i32}
    tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%t, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  }
  return
}
}

// -----
// SHORT-LABEL: func.func @two_rows
// SHORT-NOT: tile.roles
// SHORT: return
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @two_rows(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32, %tiles: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %st = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<128x16xf32>
  %half = arith.constant dense<0.5> : tensor<128x16xf32>
  scf.for %t = %zero to %tiles step %c1 : i32 {
    %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<128x16xf32>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%t, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<128x16xf16>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x16xf16>
      %d = tile.dot %x, %y, %sum : (tensor<128x16xf16>, tensor<16x16xf16>, tensor<128x16xf32>) -> tensor<128x16xf32>
      scf.yield %d : tensor<128x16xf32>
    }
    tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%t, %zero] : (tensor<128x16xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  }
  return
}
}

// -----
// CHECK-LABEL: func.func @attention
// CHECK: tile.roles warps = 4
// CHECK: } work {
// CHECK: } {tile.loop_flags = 16 : i32
module attributes {tile.options = {num_warps = 8 : i64}} {
func.func @attention(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %st = arith.constant 32 : i32
  %none = arith.constant dense<0.0> : tensor<128x32xf32>
  %half = arith.constant dense<0.5> : tensor<128x32xf32>
  %q = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<128x32xf16>
  %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<128x32xf32>) : i32 {
    %kt = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %kk = tile.transpose %kt order = [1, 0] : (tensor<32x32xf16>) -> tensor<32x32xf16>
    %s = tile.dot %q, %kk, %none : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    %w = arith.truncf %s : tensor<128x32xf32> to tensor<128x32xf16>
    %v = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %st] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %less = arith.mulf %sum, %half : tensor<128x32xf32>
    %d = tile.dot %w, %v, %less : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    scf.yield %d : tensor<128x32xf32>
  } {tile.num_stages = 2 : i32}
  tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (tensor<128x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  return
}
}

// -----
// CHECK-LABEL: func.func @attention_of_one_group
// CHECK-NOT: tile.roles
// CHECK: return
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @attention_of_one_group(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %st = arith.constant 32 : i32
  %none = arith.constant dense<0.0> : tensor<128x32xf32>
  %half = arith.constant dense<0.5> : tensor<128x32xf32>
  %q = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<128x32xf16>
  %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<128x32xf32>) : i32 {
    %kt = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %kk = tile.transpose %kt order = [1, 0] : (tensor<32x32xf16>) -> tensor<32x32xf16>
    %s = tile.dot %q, %kk, %none : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    %w = arith.truncf %s : tensor<128x32xf32> to tensor<128x32xf16>
    %v = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %st] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %less = arith.mulf %sum, %half : tensor<128x32xf32>
    %d = tile.dot %w, %v, %less : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    scf.yield %d : tensor<128x32xf32>
  } {tile.num_stages = 2 : i32}
  tile.descriptor_store %r, %c shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (tensor<128x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  return
}
}

// -----
// CHECK-LABEL: func.func @products_twice
// CHECK-NOT: tile.roles
// CHECK: return
module attributes {tile.options = {num_warps = 4 : i64}} {
func.func @products_twice(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32, %tiles: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %st = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<64x32xf32>
  %half = arith.constant dense<0.5> : tensor<64x32xf32>
  scf.for %t = %zero to %tiles step %c1 : i32 {
    %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<64x32xf32>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%t, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x16xf16>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x32xf16>
      %d = tile.dot %x, %y, %sum : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
      scf.yield %d : tensor<64x32xf32>
    }
    %r2 = scf.for %i = %zero to %k step %st iter_args(%sum = %r) -> (tensor<64x32xf32>) : i32 {
      %x = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%t, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<64x16xf16>
      %y = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x32xf16>
      %d = tile.dot %x, %y, %sum : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>
      scf.yield %d : tensor<64x32xf32>
    }
    tile.descriptor_store %r2, %c shape[%n64, %n64] strides[%n64, %one] offsets[%t, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  }
  return
}
}

// -----
// CHECK-LABEL: func.func @attention_twice
// CHECK-COUNT-4: tile.copy_barrier_init
// CHECK-NOT: copy_barrier_init
// CHECK: tile.roles warps = 4
// CHECK: %[[FIRST:.*]]:2 = scf.for
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[FIRST]]#0, %{{.*}} = %[[FIRST]]#1)
// CHECK: } work {
module attributes {tile.options = {num_warps = 8 : i64}} {
func.func @attention_twice(%a: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %b: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %c: !tile.ptr<f32> {tile.divisibility = 16 : i64}, %k: i32) {
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %st = arith.constant 32 : i32
  %none = arith.constant dense<0.0> : tensor<128x32xf32>
  %half = arith.constant dense<0.5> : tensor<128x32xf32>
  %q = tile.descriptor_load %a shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<128x32xf16>
  %r = scf.for %i = %zero to %k step %st iter_args(%sum = %none) -> (tensor<128x32xf32>) : i32 {
    %kt = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %kk = tile.transpose %kt order = [1, 0] : (tensor<32x32xf16>) -> tensor<32x32xf16>
    %s = tile.dot %q, %kk, %none : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    %w = arith.truncf %s : tensor<128x32xf32> to tensor<128x32xf16>
    %v = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %st] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %less = arith.mulf %sum, %half : tensor<128x32xf32>
    %d = tile.dot %w, %v, %less : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    scf.yield %d : tensor<128x32xf32>
  } {tile.num_stages = 2 : i32}
  %r2 = scf.for %i = %zero to %k step %st iter_args(%sum = %r) -> (tensor<128x32xf32>) : i32 {
    %kt = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %zero] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %kk = tile.transpose %kt order = [1, 0] : (tensor<32x32xf16>) -> tensor<32x32xf16>
    %s = tile.dot %q, %kk, %none : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    %w = arith.truncf %s : tensor<128x32xf32> to tensor<128x32xf16>
    %v = tile.descriptor_load %b shape[%n64, %n64] strides[%n64, %one] offsets[%i, %st] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<32x32xf16>
    %less = arith.mulf %sum, %half : tensor<128x32xf32>
    %d = tile.dot %w, %v, %less : (tensor<128x32xf16>, tensor<32x32xf16>, tensor<128x32xf32>) -> tensor<128x32xf32>
    scf.yield %d : tensor<128x32xf32>
  } {tile.num_stages = 2 : i32}
  tile.descriptor_store %r2, %c shape[%n64, %n64] strides[%n64, %one] offsets[%zero, %zero] : (tensor<128x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()
  return
}
}
