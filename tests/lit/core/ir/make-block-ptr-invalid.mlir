// make-block-ptr-invalid.mlir - what tile.make_block_ptr refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @make_block_ptr_c1(%p: !tile.ptr<f16>, %n: i64, %i: i32) {
  // expected-error @+1 {{base must be a pointer to 'f32'}}
  %0 = tile.make_block_ptr %p shape[%n, %n] strides[%n, %n] offsets[%i, %n] order = [1, 0] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i64) -> !tile.block_ptr<tensor<4x8xf32>>
  return
}

// -----
func.func @make_block_ptr_c2(%p: !tile.ptr<f32>, %n: i64) {
  // expected-error @+1 {{shape must have one entry for each of the 2 dims, got 1}}
  %0 = tile.make_block_ptr %p shape[%n] strides[%n, %n] offsets[%n, %n] : (!tile.ptr<f32>, i64, i64, i64, i64, i64) -> !tile.block_ptr<tensor<4x8xf32>>
  return
}

// -----
func.func @make_block_ptr_c3(%p: !tile.ptr<f32>, %n: i64, %i: i32) {
  // expected-error @+1 {{shape must be i64, got 'i32'}}
  %0 = tile.make_block_ptr %p shape[%n, %i] strides[%n, %n] offsets[%n, %n] : (!tile.ptr<f32>, i64, i32, i64, i64, i64, i64) -> !tile.block_ptr<tensor<4x8xf32>>
  return
}

// -----
func.func @make_block_ptr_c4(%p: !tile.ptr<f32>, %n: i64, %i: i32) {
  // expected-error @+1 {{order must be a permutation of the 2 dims, got [1, 1]}}
  %0 = tile.make_block_ptr %p shape[%n, %n] strides[%n, %n] offsets[%i, %n] order = [1, 1] : (!tile.ptr<f32>, i64, i64, i64, i64, i32, i64) -> !tile.block_ptr<tensor<4x8xf32>>
  return
}
