// tensor-map-invalid.mlir - what tile.tensor_map refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_map_c1(%p: !tile.ptr<f16>, %n: i64) {
  // expected-error @+1 {{takes a pointer, 1 to 5 extents and a stride less}}
  %a = tile.tensor_map %p, %n, %n box = [16] : (!tile.ptr<f16>, i64, i64) -> !tile.ptr<i8>
  return
}

// -----
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_map_c2(%p: !tile.ptr<f16>, %n: i64) {
  // expected-error @+1 {{box must have 1 entries from 1 to 256}}
  %a = tile.tensor_map %p, %n box = [512] : (!tile.ptr<f16>, i64) -> !tile.ptr<i8>
  return
}

// -----
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_map_c3(%p: !tile.ptr<f16>, %n: i64) {
  // expected-error @+1 {{swizzle must be 0, 32, 64 or 128, got 16}}
  %a = tile.tensor_map %p, %n box = [16] swizzle = 16 : (!tile.ptr<f16>, i64) -> !tile.ptr<i8>
  return
}

// -----
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_map_c4(%p: !tile.ptr<i32>, %n: i64) {
  // expected-error @+1 {{fill must be 0, or 1 for floats}}
  %a = tile.tensor_map %p, %n box = [16] fill = 1 : (!tile.ptr<i32>, i64) -> !tile.ptr<i8>
  return
}

// -----
#S8 = #tile.linear<[8, 16], offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0]]>
!S = !tile.shared<8x16xf16, #S8>
!B = !tile.shared<1xi64, #tile.linear<[1], offset = []>>
func.func @tensor_map_c5(%p: !tile.ptr<f16>, %n: i64) {
  // expected-error @+1 {{the result must be ptr<i8>}}
  %a = tile.tensor_map %p, %n box = [16] : (!tile.ptr<f16>, i64) -> !tile.ptr<f16>
  return
}
