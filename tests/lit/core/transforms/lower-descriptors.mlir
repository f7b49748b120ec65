// Guards: accesses by descriptor become block pointers, except those that a target can do as tensor copies.
// RUN: %tessera-opt %s --tile-lower-descriptors | FileCheck %s
// RUN: sed 's/module attributes.*/module {/' %s | %tessera-opt --tile-lower-descriptors | FileCheck %s --check-prefix=NONE

// NONE-NOT: tile.descriptor
// NONE-COUNT-17: tile.load_block
module attributes {tile.tensor_copy_bytes = 4096 : i64} {

// CHECK-LABEL: @kept
// CHECK: tile.descriptor_load
// CHECK-NEXT: tile.descriptor_store
func.func @kept(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %pid = tile.program_id 0
  %c16 = arith.constant 16 : i32
  %at = arith.muli %pid, %c16 : i32
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%at, %at] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// Base 16 bytes on, extents that are computed.
// CHECK-LABEL: @computed
// CHECK: tile.descriptor_load
func.func @computed(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %pid = tile.program_id 0
  %c16 = arith.constant 16 : i32
  %at = arith.muli %pid, %c16 : i32
  %c8 = arith.constant 8 : i32
  %b = tile.addptr %x, %c8 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>
  %e = arith.subi %m64, %one : i64
  %v = tile.descriptor_load %b shape[%e, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%e, %n64] strides[%s, %one] offsets[%at, %at] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// CHECK-LABEL: @base_between
// CHECK: tile.load_block
func.func @base_between(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %c4 = arith.constant 4 : i32
  %b = tile.addptr %x, %c4 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>
  %v = tile.descriptor_load %b shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// Rows of the box must begin at 16 bytes.
// CHECK-LABEL: @column_between
// CHECK: tile.load_block
// CHECK: tile.store_block
func.func @column_between(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 4 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// CHECK-LABEL: @stride_between
// CHECK: tile.load_block
// CHECK: tile.store_block
func.func @stride_between(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %c4 = arith.constant 4 : i64
  %s4 = arith.addi %s, %c4 : i64
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s4, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s4, %one] offsets[%i, %i] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// CHECK-LABEL: @base_of_the_program
// CHECK: tile.load_block
func.func @base_of_the_program(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %pid = tile.program_id 0
  %c64 = arith.constant 64 : i32
  %at = arith.muli %pid, %c64 : i32
  %b = tile.addptr %x, %at : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>
  %v = tile.descriptor_load %b shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// 16 KiB.
// CHECK-LABEL: @large
// CHECK: tile.load_block
func.func @large(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<128x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (tensor<128x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// The lanes order memory by themselves.
// CHECK-LABEL: @barrier
// CHECK: tile.load_block
func.func @barrier(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  tile.barrier
  return
}

// Other values are stored to the array through pointers.
// CHECK-LABEL: @stored
// CHECK: tile.load_block
// CHECK: tile.descriptor_store
func.func @stored(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %pid = tile.program_id 0
  %c16 = arith.constant 16 : i32
  %at = arith.muli %pid, %c16 : i32
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%at, %at] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  %h = arith.constant 1.0 : f16
  tile.store %x, %h : (!tile.ptr<f16>, f16) -> ()
  return
}

// To another one.
// CHECK-LABEL: @stored_elsewhere
// CHECK: tile.descriptor_load
func.func @stored_elsewhere(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %pid = tile.program_id 0
  %c16 = arith.constant 16 : i32
  %at = arith.muli %pid, %c16 : i32
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%at, %at] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  %h = arith.constant 1.0 : f16
  tile.store %y, %h : (!tile.ptr<f16>, f16) -> ()
  return
}

// A store must not begin in front of the array, along any dim; a load may.
// CHECK-LABEL: @row_of_any_sign
// CHECK: tile.descriptor_load
// CHECK: tile.store_block
func.func @row_of_any_sign(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %pid = tile.program_id 0
  %c16 = arith.constant 16 : i32
  %at = arith.muli %pid, %c16 : i32
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %y shape[%m64, %n64] strides[%s, %one] offsets[%i, %at] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// CHECK-LABEL: @column_before
// CHECK: tile.descriptor_load
// CHECK: tile.store_block
func.func @column_before(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %pid = tile.program_id 0
  %c16 = arith.constant 16 : i32
  %at = arith.muli %pid, %c16 : i32
  %before = arith.subi %at, %c16 : i32
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %y shape[%m64, %n64] strides[%s, %one] offsets[%at, %before] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// A parameter that multiplies an index is a size.
// CHECK-LABEL: @sizes
// CHECK: tile.descriptor_load
// CHECK: tile.descriptor_store
func.func @sizes(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %pid = tile.program_id 0
  %c16 = arith.constant 16 : i32
  %at = arith.muli %pid, %c16 : i32
  %batch = tile.program_id 1
  %rows = arith.muli %m, %i : i32
  %of = arith.muli %batch, %rows : i32
  %row = arith.addi %of, %at : i32
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%row, %at] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// What the program promises, and what a loop counts from 0.
// CHECK-LABEL: @promised
// CHECK: tile.descriptor_load
// CHECK: tile.descriptor_store
func.func @promised(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %is = arith.cmpi sge, %i, %zero : i32
  tile.assume %is : i1
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  return
}

// CHECK-LABEL: @counted
// CHECK: tile.descriptor_load
// CHECK: tile.descriptor_store
func.func @counted(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16>, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i32
  %c64 = arith.constant 64 : i32
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  scf.for %j = %zero to %m step %c64 : i32 {
    tile.descriptor_store %v, %x shape[%m64, %n64] strides[%s, %one] offsets[%j, %j] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  }
  return
}

// A tile that is counted beside the loop, one round behind: what is added has made good for what was taken away.
// CHECK-LABEL: @counted_beside
// CHECK: tile.descriptor_load
// CHECK: tile.descriptor_store
func.func @counted_beside(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %c16 = arith.constant 16 : i32
  %n = arith.constant 132 : i32
  %pid = tile.program_id 0
  %before = arith.subi %pid, %n : i32
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  %last = scf.for %t = %pid to %m step %n iter_args(%old = %before) -> (i32) : i32 {
    %tile = arith.addi %old, %n : i32
    %group = arith.divsi %tile, %m : i32
    %inside = arith.remsi %tile, %m : i32
    %first = arith.muli %group, %c16 : i32
    %sum = arith.addi %first, %inside : i32
    %row = arith.muli %sum, %c16 : i32
    tile.descriptor_store %v, %y shape[%m64, %n64] strides[%s, %one] offsets[%row, %row] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
    scf.yield %tile : i32
  }
  return
}

// CHECK-LABEL: @one_round_too_early
// CHECK: tile.descriptor_load
// CHECK: tile.store_block
func.func @one_round_too_early(%x: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %y: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %m: i32, %i: i32 {tile.divisibility = 16 : i64}, %s: i64 {tile.divisibility = 16 : i64}) {
  %m64 = arith.extsi %m : i32 to i64
  %n64 = arith.constant 512 : i64
  %one = arith.constant 1 : i64
  %c16 = arith.constant 16 : i32
  %n = arith.constant 132 : i32
  %pid = tile.program_id 0
  %before = arith.subi %pid, %n : i32
  %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x64xf16>
  %last = scf.for %t = %pid to %m step %n iter_args(%old = %before) -> (i32) : i32 {
    %tile = arith.addi %old, %n : i32
    %group = arith.divsi %old, %m : i32
    %inside = arith.remsi %old, %m : i32
    %first = arith.muli %group, %c16 : i32
    %sum = arith.addi %first, %inside : i32
    %row = arith.muli %sum, %c16 : i32
    tile.descriptor_store %v, %y shape[%m64, %n64] strides[%s, %one] offsets[%row, %row] : (tensor<16x64xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
    scf.yield %tile : i32
  }
  return
}
}
