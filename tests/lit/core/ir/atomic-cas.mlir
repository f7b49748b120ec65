// atomic_cas.mlir - tile.atomic_cas in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @atomic_cas_kinds
func.func @atomic_cas_kinds(%p: !tile.ptr<i32>, %x: i32) {
  // CHECK: %{{[^ ,]+}} = tile.atomic_cas %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<i32>, i32, i32) -> i32
  %0 = tile.atomic_cas %p, %x, %x : (!tile.ptr<i32>, i32, i32) -> i32
  // CHECK: %{{[^ ,]+}} = tile.atomic_cas %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} sem = acquire scope = sys : (!tile.ptr<i32>, i32, i32) -> i32
  %1 = tile.atomic_cas %p, %x, %x sem = acquire scope = sys : (!tile.ptr<i32>, i32, i32) -> i32
  return
}
