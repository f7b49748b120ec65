// bitcast.mlir - tile.bitcast in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @bitcast_kinds
func.func @bitcast_kinds(%p: !tile.ptr<f32>, %x: tensor<4xf16>) {
  // CHECK: %{{[^ ,]+}} = tile.bitcast %{{[^ ,]+}} : !tile.ptr<f32> to !tile.ptr<i8>
  %0 = tile.bitcast %p : !tile.ptr<f32> to !tile.ptr<i8>
  // CHECK: %{{[^ ,]+}} = tile.bitcast %{{[^ ,]+}} : tensor<4xf16> to tensor<4xi16>
  %1 = tile.bitcast %x : tensor<4xf16> to tensor<4xi16>
  return
}
