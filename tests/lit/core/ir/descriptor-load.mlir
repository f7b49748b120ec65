// descriptor-load.mlir - tile.descriptor_load in text form
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s

// CHECK-LABEL: func.func @descriptor_load_forms
func.func @descriptor_load_forms(%p: !tile.ptr<f16>, %n: i64, %i: i32) {
  %one = arith.constant 1 : i64
  // CHECK: tile.descriptor_load %{{[^ ,]+}} shape[%{{[^ ,]+}}, %{{[^ ,]+}}] strides[%{{[^ ,]+}}, %{{[^ ,]+}}] offsets[%{{[^ ,]+}}, %{{[^ ,]+}}] : (
  %0 = tile.descriptor_load %p shape[%n, %n] strides[%n, %one] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<4x8xf16>
  // CHECK: padding = nan : (
  %1 = tile.descriptor_load %p shape[%n, %n] strides[%n, %one] offsets[%i, %i] padding = nan : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<4x8xf16>
  return
}
