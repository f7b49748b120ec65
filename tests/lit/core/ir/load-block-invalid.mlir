// load-block-invalid.mlir - what tile.load_block refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @load_block_c1(%b: !tile.block_ptr<tensor<4x8xf32>>) {
  // expected-error @+1 {{result must have the type of the block}}
  %0 = tile.load_block %b : (!tile.block_ptr<tensor<4x8xf32>>) -> tensor<8x4xf32>
  return
}

// -----
func.func @load_block_c2(%b: !tile.block_ptr<tensor<4x8xf32>>) {
  // expected-error @+1 {{boundary_check must hold distinct dims from 0 to 1, got [2]}}
  %0 = tile.load_block %b boundary_check = [2] : (!tile.block_ptr<tensor<4x8xf32>>) -> tensor<4x8xf32>
  return
}

// -----
func.func @load_block_c3(%b: !tile.block_ptr<tensor<4xi32>>) {
  // expected-error @+1 {{padding nan needs a block of floats}}
  %0 = tile.load_block %b padding = nan : (!tile.block_ptr<tensor<4xi32>>) -> tensor<4xi32>
  return
}

// -----
func.func @load_block_c4(%b: !tile.block_ptr<tensor<4x8xf32>>) {
  // expected-error @+1 {{cache modifier 'wb' does not exist}}
  %0 = tile.load_block %b cache = wb : (!tile.block_ptr<tensor<4x8xf32>>) -> tensor<4x8xf32>
  return
}
