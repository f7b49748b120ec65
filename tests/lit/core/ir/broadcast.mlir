// broadcast.mlir - tile.broadcast in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @broadcast_plain
func.func @broadcast_plain(%x: tensor<4x1xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.broadcast %{{[^ ,]+}} : (tensor<4x1xf32>) -> tensor<4x8xf32>
  %0 = tile.broadcast %x : (tensor<4x1xf32>) -> tensor<4x8xf32>
  return
}
