// hint-invalid.mlir - what tile.hint refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @hint_c1(%x: i32) {
  // expected-error @+1 {{must promise at least one fact}}
  %0 = tile.hint %x : (i32) -> i32
  return
}

// -----
func.func @hint_c2(%x: tensor<4x8xi32>) {
  // expected-error @+1 {{divisibility must have one entry a dim, 2, got 1}}
  %0 = tile.hint %x divisibility = [16] : (tensor<4x8xi32>) -> tensor<4x8xi32>
  return
}

// -----
func.func @hint_c3(%x: i32) {
  // expected-error @+1 {{constancy must be at least 1, got 0}}
  %0 = tile.hint %x constancy = [0] : (i32) -> i32
  return
}

// -----
func.func @hint_c4(%x: i32) {
  // expected-error @+1 {{result must have the type of source}}
  %0 = tile.hint %x divisibility = [4] : (i32) -> i64
  return
}
