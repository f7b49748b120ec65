// find-tensor-stores.mlir - which stores through pointers become accesses by descriptor, and why others stay
// RUN: %tessera-opt %s --tile-find-tensor-copies -split-input-file | FileCheck %s
// RUN: %tessera-opt %s --tile-find-tensor-copies=remarks=true -split-input-file --mlir-disable-threading -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

module attributes {tile.tensor_copy_bytes = 65536 : i64} {
// Rows of ldc elements; what the mask ends is the array's extent.
// CHECK-LABEL: func.func @ends
// CHECK: %[[ROW:.*]] = arith.muli %{{.*}}, %c64_i32 : i32
// CHECK: %[[M:.*]] = arith.extsi %arg3 : i32 to i64
// CHECK: %[[LDC:.*]] = arith.extsi %arg4 : i32 to i64
// CHECK: tile.descriptor_store %{{.*}}, %arg2 shape[%[[M]], %c2147483647_i64] strides[%[[LDC]], %c1_i64] offsets[%[[ROW]], %c0_i32]
// CHECK-NOT: tile.store
func.func @ends(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %c: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %m: i32,
                %ldc: i32 {tile.divisibility = 16 : i64}) {
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %c64 = arith.constant 64 : i32
  %d = tile.dot %a, %b, %zero : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %v = tile.fptofp %d : tensor<64x64xf32> to tensor<64x64xf16>
  %pid = tile.program_id 0
  %first = arith.muli %pid, %c64 : i32
  %index = tile.arange 0 to 64 : tensor<64xi32>
  %firsts = tile.splat %first : (i32) -> tensor<64xi32>
  %rows = arith.addi %firsts, %index : tensor<64xi32>
  %row = tile.expand_dims %rows axis = 1 : (tensor<64xi32>) -> tensor<64x1xi32>
  %column = tile.expand_dims %index axis = 0 : (tensor<64xi32>) -> tensor<1x64xi32>
  %ldcs = tile.splat %ldc : (i32) -> tensor<64x1xi32>
  %from = arith.muli %row, %ldcs : tensor<64x1xi32>
  %froms = tile.broadcast %from : (tensor<64x1xi32>) -> tensor<64x64xi32>
  %columns = tile.broadcast %column : (tensor<1x64xi32>) -> tensor<64x64xi32>
  %at = arith.addi %froms, %columns : tensor<64x64xi32>
  %base = tile.splat %c : (!tile.ptr<f16>) -> tensor<64x64x!tile.ptr<f16>>
  %p = tile.addptr %base, %at : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xi32>) -> tensor<64x64x!tile.ptr<f16>>
  %ms = tile.splat %m : (i32) -> tensor<64x1xi32>
  %in = arith.cmpi slt, %row, %ms : tensor<64x1xi32>
  %mask = tile.broadcast %in : (tensor<64x1xi1>) -> tensor<64x64xi1>
  tile.store %p, %v mask %mask : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>, tensor<64x64xi1>) -> ()
  return
}
}

// -----
module attributes {tile.tensor_copy_bytes = 65536 : i64} {
// REMARK: remark: the store stays by pointer: elements at which its index wraps may be needed
// CHECK-LABEL: func.func @wraps
// CHECK: tile.store
func.func @wraps(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %c: !tile.ptr<f16> {tile.divisibility = 16 : i64}, %m: i32) {
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %d = tile.dot %a, %b, %zero : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %v = tile.fptofp %d : tensor<64x64xf32> to tensor<64x64xf16>
  %index = tile.arange 0 to 64 : tensor<64xi32>
  %all = tile.expand_dims %index axis = 1 : (tensor<64xi32>) -> tensor<64x1xi32>
  %ms = tile.splat %m : (i32) -> tensor<64x1xi32>
  %row = arith.remsi %all, %ms : tensor<64x1xi32>
  %c64 = arith.constant dense<64> : tensor<64x1xi32>
  %from = arith.muli %row, %c64 : tensor<64x1xi32>
  %froms = tile.broadcast %from : (tensor<64x1xi32>) -> tensor<64x64xi32>
  %column = tile.expand_dims %index axis = 0 : (tensor<64xi32>) -> tensor<1x64xi32>
  %columns = tile.broadcast %column : (tensor<1x64xi32>) -> tensor<64x64xi32>
  %at = arith.addi %froms, %columns : tensor<64x64xi32>
  %base = tile.splat %c : (!tile.ptr<f16>) -> tensor<64x64x!tile.ptr<f16>>
  %p = tile.addptr %base, %at : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xi32>) -> tensor<64x64x!tile.ptr<f16>>
  tile.store %p, %v : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>) -> ()
  return
}
}

// -----
module attributes {tile.tensor_copy_bytes = 65536 : i64} {
// Columns that are contiguous; and a sum that no product goes into; and one of f32.
// REMARK: remark: the store stays by pointer: its rows are not contiguous
// REMARK: remark: the store stays by pointer: it stores no product
// REMARK: remark: the store stays by pointer: its elements are not of 1 or 2 bytes
// CHECK-LABEL: func.func @down
func.func @down(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %c: !tile.ptr<f16> {tile.divisibility = 16 : i64}) {
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %d = tile.dot %a, %b, %zero : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %v = tile.fptofp %d : tensor<64x64xf32> to tensor<64x64xf16>
  %index = tile.arange 0 to 64 : tensor<64xi32>
  %row = tile.expand_dims %index axis = 1 : (tensor<64xi32>) -> tensor<64x1xi32>
  %column = tile.expand_dims %index axis = 0 : (tensor<64xi32>) -> tensor<1x64xi32>
  %c64 = arith.constant dense<64> : tensor<1x64xi32>
  %from = arith.muli %column, %c64 : tensor<1x64xi32>
  %rows = tile.broadcast %row : (tensor<64x1xi32>) -> tensor<64x64xi32>
  %froms = tile.broadcast %from : (tensor<1x64xi32>) -> tensor<64x64xi32>
  %at = arith.addi %froms, %rows : tensor<64x64xi32>
  %base = tile.splat %c : (!tile.ptr<f16>) -> tensor<64x64x!tile.ptr<f16>>
  %p = tile.addptr %base, %at : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xi32>) -> tensor<64x64x!tile.ptr<f16>>
  tile.store %p, %v : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>) -> ()
  return
}
func.func @sum(%v: tensor<64x64xf16>, %p: tensor<64x64x!tile.ptr<f16>>) {
  %w = arith.addf %v, %v : tensor<64x64xf16>
  tile.store %p, %w : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>) -> ()
  return
}
func.func @wide(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %p: tensor<64x64x!tile.ptr<f32>>) {
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %d = tile.dot %a, %b, %zero : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf32>) -> tensor<64x64xf32>
  tile.store %p, %d : (tensor<64x64x!tile.ptr<f32>>, tensor<64x64xf32>) -> ()
  return
}
}

// -----
module attributes {tile.tensor_copy_bytes = 65536 : i64} {
// Order of memory: what comes behind, what is used behind, other writes, loops.
// REMARK: remark: the store stays by pointer: the program loads something behind it
// REMARK: remark: the store stays by pointer: what the program loads before it is used behind it
// REMARK: remark: the store stays by pointer: the program stores several tiles
// REMARK: remark: the store stays by pointer: the program stores several tiles
// REMARK: remark: the store stays by pointer: the program writes memory by other means too
// REMARK: remark: the loop over tiles keeps its pointers: its array is not known before the launch
// REMARK: remark: the store stays by pointer: it stands in a loop
// CHECK-LABEL: func.func @behind
func.func @behind(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %p: tensor<64x64x!tile.ptr<f16>>, %o: !tile.ptr<i32>) {
  %zero = arith.constant dense<0.0> : tensor<64x64xf16>
  %v = tile.dot %a, %b, %zero : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf16>) -> tensor<64x64xf16>
  tile.store %p, %v : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>) -> ()
  %x = tile.load %o : (!tile.ptr<i32>) -> i32
  tile.print "x" signed = 1 %x : i32
  return
}
func.func @used(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %p: tensor<64x64x!tile.ptr<f16>>, %o: !tile.ptr<i32>) {
  %zero = arith.constant dense<0.0> : tensor<64x64xf16>
  %v = tile.dot %a, %b, %zero : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf16>) -> tensor<64x64xf16>
  %x = tile.load %o : (!tile.ptr<i32>) -> i32
  tile.store %p, %v : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>) -> ()
  tile.print "x" signed = 1 %x : i32
  return
}
func.func @several(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %p: tensor<64x64x!tile.ptr<f16>>, %q: tensor<64x64x!tile.ptr<f16>>) {
  %zero = arith.constant dense<0.0> : tensor<64x64xf16>
  %v = tile.dot %a, %b, %zero : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf16>) -> tensor<64x64xf16>
  tile.store %p, %v : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>) -> ()
  tile.store %q, %v : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>) -> ()
  return
}
func.func @atomic(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %p: tensor<64x64x!tile.ptr<f16>>, %o: !tile.ptr<i32>, %n: i32) {
  %zero = arith.constant dense<0.0> : tensor<64x64xf16>
  %v = tile.dot %a, %b, %zero : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf16>) -> tensor<64x64xf16>
  tile.store %p, %v : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>) -> ()
  %old = tile.atomic_rmw add, %o, %n : (!tile.ptr<i32>, i32) -> i32
  return
}
func.func @again(%a: tensor<64x64xf16>, %b: tensor<64x64xf16>, %p: tensor<64x64x!tile.ptr<f16>>, %n: i32) {
  %zero = arith.constant dense<0.0> : tensor<64x64xf16>
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %n step %c1 : i32 {
    %v = tile.dot %a, %b, %zero : (tensor<64x64xf16>, tensor<64x64xf16>, tensor<64x64xf16>) -> tensor<64x64xf16>
    tile.store %p, %v : (tensor<64x64x!tile.ptr<f16>>, tensor<64x64xf16>) -> ()
  }
  return
}
}
