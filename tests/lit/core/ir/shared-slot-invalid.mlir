// shared-slot-invalid.mlir - what tile.shared_slot refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
func.func @shared_slot_c1(%ring: !S, %i: i64) {
  // expected-error @+1 {{must be 32-bit signless integer}}
  %0 = "tile.shared_slot"(%ring, %i) : (!S, i64) -> !S
  return
}

// -----
!S = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[0, 1], [0, 2], [0, 4], [1, 1], [2, 2], [4, 4]]>>
!T = !tile.shared<8x8xf16, #tile.linear<[8, 8], offset = [[1, 0], [2, 0], [4, 0], [1, 1], [2, 2], [4, 4]]>>
func.func @shared_slot_c2(%ring: !S, %i: i32) {
  // expected-error @+1 {{the result must have the ring's type}}
  %0 = tile.shared_slot %ring, %i : (!S, i32) -> !T
  return
}
