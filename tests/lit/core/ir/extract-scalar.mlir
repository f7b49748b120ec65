// extract_scalar.mlir - tile.extract_scalar in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @extract_scalar_plain
func.func @extract_scalar_plain(%x: tensor<1x1xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.extract_scalar %{{[^ ,]+}} : (tensor<1x1xf32>) -> f32
  %0 = tile.extract_scalar %x : (tensor<1x1xf32>) -> f32
  return
}
