// descriptor-load-invalid.mlir - what tile.descriptor_load refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @descriptor_load_c1(%p: !tile.ptr<f32>, %n: i64, %i: i32) {
  // expected-error @+1 {{base must be a pointer to 'f16'}}
  %0 = tile.descriptor_load %p shape[%n] strides[%n] offsets[%i] : (!tile.ptr<f32>, i64, i64, i32) -> tensor<8xf16>
  return
}

// -----
func.func @descriptor_load_c2(%p: !tile.ptr<f16>, %n: i64, %i: i32) {
  // expected-error @+1 {{strides must have one entry for each of the 2 dims, got 1}}
  %0 = tile.descriptor_load %p shape[%n, %n] strides[%n] offsets[%i, %i] : (!tile.ptr<f16>, i64, i64, i64, i32, i32) -> tensor<4x8xf16>
  return
}

// -----
func.func @descriptor_load_c2_offsets(%p: !tile.ptr<f16>, %n: i64) {
  // expected-error @+1 {{offsets must be i32, got 'i64'}}
  %0 = tile.descriptor_load %p shape[%n] strides[%n] offsets[%n] : (!tile.ptr<f16>, i64, i64, i64) -> tensor<8xf16>
  return
}

// -----
func.func @descriptor_load_c3(%p: !tile.ptr<i32>, %n: i64, %i: i32) {
  // expected-error @+1 {{padding must be zero, or nan for floats}}
  %0 = tile.descriptor_load %p shape[%n] strides[%n] offsets[%i] padding = nan : (!tile.ptr<i32>, i64, i64, i32) -> tensor<8xi32>
  return
}
