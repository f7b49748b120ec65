// cat.mlir - tile.cat in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @cat_plain
func.func @cat_plain(%x: tensor<4xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.cat %{{[^ ,]+}}, %{{[^ ,]+}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  %0 = tile.cat %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  return
}
