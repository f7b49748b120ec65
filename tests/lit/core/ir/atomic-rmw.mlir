// atomic_rmw.mlir - tile.atomic_rmw in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @atomic_rmw_kinds
func.func @atomic_rmw_kinds(%p: !tile.ptr<i32>, %x: i32, %q: tensor<4x!tile.ptr<f32>>, %y: tensor<4xf32>, %m: tensor<4xi1>) {
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw add, %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<i32>, i32) -> i32
  %0 = tile.atomic_rmw add, %p, %x : (!tile.ptr<i32>, i32) -> i32
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw max, %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<i32>, i32) -> i32
  %1 = tile.atomic_rmw max, %p, %x : (!tile.ptr<i32>, i32) -> i32
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw min, %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<i32>, i32) -> i32
  %2 = tile.atomic_rmw min, %p, %x : (!tile.ptr<i32>, i32) -> i32
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw umax, %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<i32>, i32) -> i32
  %3 = tile.atomic_rmw umax, %p, %x : (!tile.ptr<i32>, i32) -> i32
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw umin, %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<i32>, i32) -> i32
  %4 = tile.atomic_rmw umin, %p, %x : (!tile.ptr<i32>, i32) -> i32
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw and, %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<i32>, i32) -> i32
  %5 = tile.atomic_rmw and, %p, %x : (!tile.ptr<i32>, i32) -> i32
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw or, %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<i32>, i32) -> i32
  %6 = tile.atomic_rmw or, %p, %x : (!tile.ptr<i32>, i32) -> i32
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw xor, %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<i32>, i32) -> i32
  %7 = tile.atomic_rmw xor, %p, %x : (!tile.ptr<i32>, i32) -> i32
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw xchg, %{{[^ ,]+}}, %{{[^ ,]+}} : (!tile.ptr<i32>, i32) -> i32
  %8 = tile.atomic_rmw xchg, %p, %x : (!tile.ptr<i32>, i32) -> i32
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw fadd, %{{[^ ,]+}}, %{{[^ ,]+}} mask %{{[^ ,]+}} sem = relaxed scope = cta : (tensor<4x!tile.ptr<f32>>, tensor<4xf32>, tensor<4xi1>) -> tensor<4xf32>
  %90 = tile.atomic_rmw fadd, %q, %y mask %m sem = relaxed scope = cta : (tensor<4x!tile.ptr<f32>>, tensor<4xf32>, tensor<4xi1>) -> tensor<4xf32>
  // CHECK: %{{[^ ,]+}} = tile.atomic_rmw max, %{{[^ ,]+}}, %{{[^ ,]+}} : (tensor<4x!tile.ptr<f32>>, tensor<4xf32>) -> tensor<4xf32>
  %91 = tile.atomic_rmw max, %q, %y : (tensor<4x!tile.ptr<f32>>, tensor<4xf32>) -> tensor<4xf32>
  return
}
