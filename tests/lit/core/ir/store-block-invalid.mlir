// store-block-invalid.mlir - what tile.store_block refuses
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

func.func @store_block_c1(%b: !tile.block_ptr<tensor<4x8xf32>>, %x: tensor<8xf32>) {
  // expected-error @+1 {{value must have the type of the block}}
  tile.store_block %b, %x : (!tile.block_ptr<tensor<4x8xf32>>, tensor<8xf32>) -> ()
  return
}

// -----
func.func @store_block_c2(%b: !tile.block_ptr<tensor<4x8xf32>>, %x: tensor<4x8xf32>) {
  // expected-error @+1 {{boundary_check must hold distinct dims}}
  tile.store_block %b, %x boundary_check = [0, 0] : (!tile.block_ptr<tensor<4x8xf32>>, tensor<4x8xf32>) -> ()
  return
}

// -----
func.func @store_block_c3(%b: !tile.block_ptr<tensor<4x8xf32>>, %x: tensor<4x8xf32>) {
  // expected-error @+1 {{cache modifier 'ca' does not exist}}
  tile.store_block %b, %x cache = ca : (!tile.block_ptr<tensor<4x8xf32>>, tensor<4x8xf32>) -> ()
  return
}
