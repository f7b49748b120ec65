// descriptor-store-invalid.mlir - what tile.descriptor_store refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @descriptor_store_c1(%v: tensor<8xf16>, %p: !tile.ptr<f32>, %n: i64, %i: i32) {
  // expected-error @+1 {{base must be a pointer to 'f16'}}
  tile.descriptor_store %v, %p shape[%n] strides[%n] offsets[%i] : (tensor<8xf16>, !tile.ptr<f32>, i64, i64, i32) -> ()
  return
}

// -----
func.func @descriptor_store_c2(%v: tensor<8xf16>, %p: !tile.ptr<f16>, %n: i64, %i: i32) {
  // expected-error @+1 {{shape must be i64, got 'i32'}}
  tile.descriptor_store %v, %p shape[%i] strides[%n] offsets[%i] : (tensor<8xf16>, !tile.ptr<f16>, i32, i64, i32) -> ()
  return
}
