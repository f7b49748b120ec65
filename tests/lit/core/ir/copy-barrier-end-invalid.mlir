// copy-barrier-end-invalid.mlir - what tile.copy_barrier_end refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @copy_barrier_end_c1(%b: !S) {
  // expected-error @+1 {{barrier must be a shared tensor of 1xi64}}
  tile.copy_barrier_end %b : !S
  return
}
