// print.mlir - tile.print in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @print_plain
func.func @print_plain(%x: i32, %t: tensor<4xf32>, %p: !tile.ptr<f32>) {
  // CHECK: tile.print "hello" nothing
  tile.print "hello" nothing
  // CHECK: tile.print "x: " hex signed = 1 %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} : i32, tensor<4xf32>, !tile.ptr<f32>
  tile.print "x: " hex signed = 1 %x, %t, %p : i32, tensor<4xf32>, !tile.ptr<f32>
  return
}
