// roles.mlir - tile.roles in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>

module attributes {tile.level = "layout"} {
// CHECK-LABEL: func.func @roles_forms
func.func @roles_forms(%n: i32) {
  %b = tile.shared_alloc offset = 0 bytes = 16 slots = 2 : !B
  tile.copy_barrier_init %b arrivals = 4 : !B
  tile.barrier
  // CHECK: tile.roles warps = 4 registers = [40, 232] copies {
  // CHECK:   tile.copy_barrier_wait
  // CHECK: } work {
  // CHECK:   tile.copy_arrive
  // CHECK: }
  tile.roles warps = 4 registers = [40, 232] copies {
    tile.copy_barrier_wait %b, %n : (!B, i32) -> ()
  } work {
    %on = arith.constant true
    tile.copy_arrive %b, %on : (!B, i1) -> ()
  }
  return
}

// CHECK-LABEL: func.func @roles_plain
func.func @roles_plain(%n: i32) {
  // CHECK: tile.roles warps = 1 copies {
  tile.roles warps = 1 copies {
  } work {
  }
  return
}
}
