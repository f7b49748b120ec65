// philox.mlir - tile.philox in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @philox_both
func.func @philox_both(%k: i32, %t: tensor<8xi64>) {
  // CHECK: %{{[^ ,]+}} = tile.philox %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} : i32
  %0:4 = tile.philox %k, %k, %k, %k, %k, %k : i32
  // CHECK: %{{[^ ,]+}} = tile.philox %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}}, %{{[^ ,]+}} {num_rounds = 7 : i32} : tensor<8xi64>
  %1:4 = tile.philox %t, %t, %t, %t, %t, %t {num_rounds = 7 : i32} : tensor<8xi64>
  return
}
