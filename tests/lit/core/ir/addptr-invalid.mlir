// addptr-invalid.mlir - what tile.addptr refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @addptr_c1(%p: i64, %i: i64) {
  // expected-error @+1 {{ptr must be a pointer or a tensor of pointers, got}}
  %0 = tile.addptr %p, %i : (i64, i64) -> i64
  return
}

// -----
func.func @addptr_c2(%p: !tile.ptr<f32>, %i: i8) {
  // expected-error @+1 {{offset must hold i32 or i64, got 'i8'}}
  %0 = tile.addptr %p, %i : (!tile.ptr<f32>, i8) -> !tile.ptr<f32>
  return
}

// -----
func.func @addptr_c3(%p: tensor<4x!tile.ptr<f32>>, %i: tensor<8xi32>) {
  // expected-error @+1 {{offset must have the shape of ptr (shape 4), got shape 8}}
  %0 = tile.addptr %p, %i : (tensor<4x!tile.ptr<f32>>, tensor<8xi32>) -> tensor<4x!tile.ptr<f32>>
  return
}

// -----
func.func @addptr_c4(%p: !tile.ptr<f32>, %i: i32) {
  // expected-error @+1 {{result must have the type of ptr}}
  %0 = tile.addptr %p, %i : (!tile.ptr<f32>, i32) -> !tile.ptr<f16>
  return
}
