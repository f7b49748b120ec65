// descriptor-store.mlir - tile.descriptor_store in text form
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s

// CHECK-LABEL: func.func @descriptor_store_forms
func.func @descriptor_store_forms(%v: tensor<4x8xf16>, %p: !tile.ptr<f16>, %n: i64, %i: i32, %b: i1) {
  %one = arith.constant 1 : i64
  // CHECK: tile.descriptor_store %{{[^ ,]+}}, %{{[^ ,]+}} shape[%{{[^ ,]+}}, %{{[^ ,]+}}] strides[%{{[^ ,]+}}, %{{[^ ,]+}}] offsets[%{{[^ ,]+}}, %{{[^ ,]+}}] : (
  tile.descriptor_store %v, %p shape[%n, %n] strides[%n, %one] offsets[%i, %i] : (tensor<4x8xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ()
  // CHECK: offsets[%{{[^ ,]+}}, %{{[^ ,]+}}] overlaps %{{[^ ,]+}} : ({{.*}}, i1) -> ()
  tile.descriptor_store %v, %p shape[%n, %n] strides[%n, %one] offsets[%i, %i] overlaps %b : (tensor<4x8xf16>, !tile.ptr<f16>, i64, i64, i64, i64, i32, i32, i1) -> ()
  return
}
