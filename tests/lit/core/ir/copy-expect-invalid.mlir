// copy-expect-invalid.mlir - what tile.copy_expect refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @copy_expect_c1(%b: !S, %on: i1) {
  // expected-error @+1 {{barrier must be a shared tensor of 1xi64}}
  tile.copy_expect %b, %on bytes = 8 : (!S, i1) -> ()
  return
}

// -----
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @copy_expect_c2(%b: !B, %on: i1) {
  // expected-error @+1 {{bytes must be at least 1, got 0}}
  tile.copy_expect %b, %on bytes = 0 : (!B, i1) -> ()
  return
}
