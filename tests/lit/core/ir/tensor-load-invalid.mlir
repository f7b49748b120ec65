// tensor-load-invalid.mlir - what tile.tensor_load refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_load_c1(%s: !S, %m: !tile.ptr<i8>, %on: i1, %i: i32) {
  // expected-error @+1 {{barrier must be a shared tensor of 1xi64}}
  tile.tensor_load %s, %m, %s, %on, %i, %i : (!S, !tile.ptr<i8>, !S, i1, i32, i32) -> ()
  return
}

// -----
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_load_c2(%s: !S, %b: !B, %m: !tile.ptr<f16>, %on: i1, %i: i32) {
  // expected-error @+1 {{map must be the ptr<i8> of a tensor_map}}
  tile.tensor_load %s, %m, %b, %on, %i, %i : (!S, !tile.ptr<f16>, !B, i1, i32, i32) -> ()
  return
}

// -----
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_load_c3(%s: !S, %b: !B, %m: !tile.ptr<i8>, %on: i1, %i: i32) {
  // expected-error @+1 {{a coordinate a dim of}}
  tile.tensor_load %s, %m, %b, %on, %i : (!S, !tile.ptr<i8>, !B, i1, i32) -> ()
  return
}
