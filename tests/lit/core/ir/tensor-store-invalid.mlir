// tensor-store-invalid.mlir - what tile.tensor_store refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_store_c1(%s: !S, %m: !tile.ptr<f16>, %i: i32) {
  // expected-error @+1 {{map must be the ptr<i8> of a tensor_map}}
  tile.tensor_store %s, %m, %i, %i : (!S, !tile.ptr<f16>, i32, i32) -> ()
  return
}

// -----
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_store_c2(%s: !S, %m: !tile.ptr<i8>, %i: i32) {
  // expected-error @+1 {{a coordinate a dim of}}
  tile.tensor_store %s, %m, %i : (!S, !tile.ptr<i8>, i32) -> ()
  return
}
