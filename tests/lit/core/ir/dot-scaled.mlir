// dot_scaled.mlir - tile.dot_scaled in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @dot_scaled_plain
func.func @dot_scaled_plain(%a: tensor<16x32xi8>, %b: tensor<64x8xf8E5M2>, %c: tensor<16x8xf32>, %s: tensor<16x2xi8>, %t: tensor<8x2xi8>) {
  // CHECK: %{{[^ ,]+}} = tile.dot_scaled %{{[^ ,]+}} as e2m1 scale %{{[^ ,]+}}, %{{[^ ,]+}} as e5m2 scale %{{[^ ,]+}}, %{{[^ ,]+}} lhs_k_pack rhs_k_pack fast_math : (tensor<16x32xi8>, tensor<64x8xf8E5M2>, tensor<16x8xf32>, tensor<16x2xi8>, tensor<8x2xi8>) -> tensor<16x8xf32>
  %0 = tile.dot_scaled %a as e2m1 scale %s, %b as e5m2 scale %t, %c lhs_k_pack rhs_k_pack fast_math : (tensor<16x32xi8>, tensor<64x8xf8E5M2>, tensor<16x8xf32>, tensor<16x2xi8>, tensor<8x2xi8>) -> tensor<16x8xf32>
  return
}
