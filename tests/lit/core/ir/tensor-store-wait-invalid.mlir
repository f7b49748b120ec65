// tensor-store-wait-invalid.mlir - what tile.tensor_store_wait refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_store_wait_c1() {
  // expected-error @+1 {{pending must not be negative and complete 0 or 1, got 0 and 2}}
  tile.tensor_store_wait 0 complete = 2
  return
}
