// copy-arrive.mlir - tile.copy_arrive in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @copy_arrive_forms
func.func @copy_arrive_forms(%on: i1) {
  %b = tile.shared_alloc offset = 0 bytes = 8 slots = 1 : !B
  tile.roles warps = 4 copies {
  } work {
    // CHECK: tile.copy_arrive %{{[^ ,]+}}, %{{[^ ,]+}} : (
    tile.copy_arrive %b, %on : (!B, i1) -> ()
  }
  return
}
}
