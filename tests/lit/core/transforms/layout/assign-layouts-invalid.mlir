// Guards: what has no layout is refused with its place.
// RUN: %tessera-opt %s -split-input-file --tile-assign-layouts -verify-diagnostics
func.func @odd_extent() {
  // expected-error @below {{the extents of a tile must be powers of two to have a layout, got 'tensor<12xi32>'}}
  %r = tile.arange 0 to 12 : tensor<12xi32>
  return
}

// -----

func.func @block_pointer(%p: !tile.block_ptr<tensor<16xf32>>) {
  // expected-error @below {{block pointers must be lowered before layouts are assigned}}
  %v = tile.load_block %p : (!tile.block_ptr<tensor<16xf32>>) -> tensor<16xf32>
  return
}

// -----

// expected-error @below {{num_warps must be a power of two, got 3}}
module attributes {tile.options = {num_warps = 3 : i64}} {
func.func @odd_warps() {
  return
}
}

// -----

// The target runs 1024 threads in a block: 32 subgroups of 32 lanes, and no more.
// expected-error @below {{num_warps = 64 needs 2048 threads, target generic-simt runs 1024 in a block (num_warps = 32)}}
module attributes {tile.options = {num_warps = 64 : i64}} {
func.func @too_many_warps() {
  return
}
}
