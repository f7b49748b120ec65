// dot.mlir - tile.dot in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @dot_kinds
func.func @dot_kinds(%a: tensor<16x32xf16>, %b: tensor<32x8xf16>, %c: tensor<16x8xf32>, %i: tensor<2x16x32xi8>, %j: tensor<2x32x8xi8>, %k: tensor<2x16x8xi32>, %x: tensor<16x32xf8E5M2>, %y: tensor<32x8xf8E4M3FN>) {
  // CHECK: %{{[^ ,]+}} = tile.dot %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} : (tensor<16x32xf16>, tensor<32x8xf16>, tensor<16x8xf32>) -> tensor<16x8xf32>
  %0 = tile.dot %a, %b, %c : (tensor<16x32xf16>, tensor<32x8xf16>, tensor<16x8xf32>) -> tensor<16x8xf32>
  // CHECK: %{{[^ ,]+}} = tile.dot %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} : (tensor<2x16x32xi8>, tensor<2x32x8xi8>, tensor<2x16x8xi32>) -> tensor<2x16x8xi32>
  %1 = tile.dot %i, %j, %k : (tensor<2x16x32xi8>, tensor<2x32x8xi8>, tensor<2x16x8xi32>) -> tensor<2x16x8xi32>
  // CHECK: %{{[^ ,]+}} = tile.dot %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} precision = ieee max_imprecise = 32 instruction = 1 : (tensor<16x32xf8E5M2>, tensor<32x8xf8E4M3FN>, tensor<16x8xf32>) -> tensor<16x8xf32>
  %2 = tile.dot %x, %y, %c precision = ieee max_imprecise = 32 instruction = 1 : (tensor<16x32xf8E5M2>, tensor<32x8xf8E4M3FN>, tensor<16x8xf32>) -> tensor<16x8xf32>
  return
}
