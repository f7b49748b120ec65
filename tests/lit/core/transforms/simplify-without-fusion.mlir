// simplify-without-fusion.mlir - sums beside products where products and sums are not fused
// RUN: %tessera-opt --tile-simplify %s | FileCheck %s

// Without fusion a bias stays outside, and what is summed over products does not.
module attributes {tile.options = {fp_fusion = 0 : i64}} {
  // CHECK-LABEL: func.func @add_bias_without_fusion
  func.func @add_bias_without_fusion(%a: tensor<16x32xf16>, %b: tensor<32x16xf16>, %x: tensor<16x16xf32>) -> tensor<16x16xf32> {
    // CHECK: %[[D:.+]] = tile.dot
    // CHECK: arith.addf %[[D]], %{{.+}}
    %zero = arith.constant dense<0.0> : tensor<16x16xf32>
    %d = tile.dot %a, %b, %zero precision = ieee : (tensor<16x32xf16>, tensor<32x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
    %s = arith.addf %d, %x : tensor<16x16xf32>
    return %s : tensor<16x16xf32>
  }
  // CHECK-LABEL: func.func @add_products_without_fusion
  func.func @add_products_without_fusion(%a: tensor<16x32xf16>, %b: tensor<32x16xf16>, %x: tensor<16x16xf32>) -> tensor<16x16xf32> {
    // CHECK-NOT: arith.addf
    %zero = arith.constant dense<0.0> : tensor<16x16xf32>
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c9 = arith.constant 9 : i32
    %r = scf.for %i = %c0 to %c9 step %c1 iter_args(%sum = %x) -> (tensor<16x16xf32>) : i32 {
      %d = tile.dot %a, %b, %zero precision = ieee : (tensor<16x32xf16>, tensor<32x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
      %s = arith.addf %sum, %d : tensor<16x16xf32>
      %e = tile.dot %a, %b, %zero precision = ieee : (tensor<16x32xf16>, tensor<32x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
      %t = arith.addf %s, %e : tensor<16x16xf32>
      scf.yield %t : tensor<16x16xf32>
    }
    return %r : tensor<16x16xf32>
  }
}
