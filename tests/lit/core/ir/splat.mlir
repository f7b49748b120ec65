// splat.mlir - tile.splat in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @splat_kinds
func.func @splat_kinds(%x: f32, %p: !tile.ptr<f32>) {
  // CHECK: %{{[^ ,]+}} = tile.splat %{{[^ ,]+}} : (f32) -> tensor<4x8xf32>
  %0 = tile.splat %x : (f32) -> tensor<4x8xf32>
  // CHECK: %{{[^ ,]+}} = tile.splat %{{[^ ,]+}} : (!tile.ptr<f32>) -> tensor<4x!tile.ptr<f32>>
  %1 = tile.splat %p : (!tile.ptr<f32>) -> tensor<4x!tile.ptr<f32>>
  return
}
