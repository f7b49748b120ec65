// copy-arrive-invalid.mlir - what tile.copy_arrive refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

!I = !tile.shared<1xi32, #tile.linear<[1], offset = []>>
func.func @copy_arrive_c1(%b: !I, %on: i1) {
  tile.roles warps = 4 copies {
  } work {
    // expected-error @+1 {{barrier must be a shared tensor of 1xi64}}
    tile.copy_arrive %b, %on : (!I, i1) -> ()
  }
  return
}

// -----
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @copy_arrive_c2(%b: !B, %on: i1) {
  // expected-error @+1 {{must stand in the work of tile.roles}}
  tile.copy_arrive %b, %on : (!B, i1) -> ()
  return
}
