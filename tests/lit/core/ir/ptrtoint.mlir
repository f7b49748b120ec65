// ptrtoint.mlir - tile.ptrtoint in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @ptrtoint_kinds
func.func @ptrtoint_kinds(%p: !tile.ptr<f32>, %t: tensor<4x!tile.ptr<f32>>) {
  // CHECK: %{{[^ ,]+}} = tile.ptrtoint %{{[^ ,]+}} : !tile.ptr<f32> to i64
  %0 = tile.ptrtoint %p : !tile.ptr<f32> to i64
  // CHECK: %{{[^ ,]+}} = tile.ptrtoint %{{[^ ,]+}} : tensor<4x!tile.ptr<f32>> to tensor<4xi64>
  %1 = tile.ptrtoint %t : tensor<4x!tile.ptr<f32>> to tensor<4xi64>
  return
}
