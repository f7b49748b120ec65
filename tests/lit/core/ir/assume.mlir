// assume.mlir - tile.assume in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @assume_plain
func.func @assume_plain(%x: i1) {
  // CHECK: tile.assume %{{[^ ,]+}} : i1
  tile.assume %x : i1
  return
}
