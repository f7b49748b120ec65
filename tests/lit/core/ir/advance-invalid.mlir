// advance-invalid.mlir - what tile.advance refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @advance_c1(%b: !tile.block_ptr<tensor<4x8xf32>>, %i: i32) {
  // expected-error @+1 {{offsets must have one entry for each of the 2 dims, got 1}}
  %0 = tile.advance %b, [%i] : (!tile.block_ptr<tensor<4x8xf32>>, i32) -> !tile.block_ptr<tensor<4x8xf32>>
  return
}

// -----
func.func @advance_c2(%b: !tile.block_ptr<tensor<4x8xf32>>, %i: i32) {
  // expected-error @+1 {{result must have the type of ptr}}
  %0 = tile.advance %b, [%i, %i] : (!tile.block_ptr<tensor<4x8xf32>>, i32, i32) -> !tile.block_ptr<tensor<8x4xf32>>
  return
}
