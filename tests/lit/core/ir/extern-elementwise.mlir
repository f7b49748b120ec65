// extern-elementwise.mlir - tile.extern_elementwise in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @extern_elementwise
func.func @extern_elementwise(%x: tensor<8xf32>, %i: tensor<8xi32>, %s: f64) {
  // CHECK: %{{[^ ,]+}} = tile.extern_elementwise "fast_ldexp" library = "fast" path = "/fast.bc" pure of %{{[^ ,]+}}, %{{[^ ,]+}} : (tensor<8xf32>, tensor<8xi32>) -> tensor<8xf32>
  %0 = tile.extern_elementwise "fast_ldexp" library = "fast" path = "/fast.bc" pure of %x, %i : (tensor<8xf32>, tensor<8xi32>) -> tensor<8xf32>
  // CHECK: %{{[^ ,]+}} = tile.extern_elementwise "f" of %{{[^ ,]+}} : (f64) -> i32
  %1 = tile.extern_elementwise "f" of %s : (f64) -> i32
  return
}
