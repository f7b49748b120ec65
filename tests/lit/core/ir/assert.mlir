// assert.mlir - tile.assert in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @assert_plain
func.func @assert_plain(%x: i1, %t: tensor<4xi1>) {
  // CHECK: tile.assert %{{[^ ,]+}}, "positive" : (i1) -> ()
  tile.assert %x, "positive" : (i1) -> ()
  // CHECK: tile.assert %{{[^ ,]+}}, "small" mask %{{[^ ,]+}} : (tensor<4xi1>, tensor<4xi1>) -> ()
  tile.assert %t, "small" mask %t : (tensor<4xi1>, tensor<4xi1>) -> ()
  return
}
