// types-invalid.mlir - what the types and the layout attribute refuse
// RUN: %tessera-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{a pointer must point to integers or floats, got '!tile.ptr<f32>'}}
func.func private @pointer_to_pointer(!tile.ptr<!tile.ptr<f32>>)

// -----
// expected-error @+1 {{the address space of a pointer must be 1 (global) or 3 (shared), got 2}}
func.func private @address_space(!tile.ptr<f32, 2>)

// -----
// expected-error @+1 {{a shared tensor must have extents of at least 1}}
func.func private @shared_extent(!tile.shared<0xf32>)

// -----
// expected-error @+1 {{the layout of a shared tensor must have its shape}}
func.func private @shared_layout(!tile.shared<4xf32, #tile.linear<[2], offset = [[1]]>>)

// -----
// expected-error @+1 {{the extents of a layout must be powers of two}}
func.func private @layout_extent(tensor<3xf32, #tile.linear<[3], register = []>>)

// -----
// expected-error @+1 {{a basis of a layout must lie inside its dim of extent 2, got 2}}
func.func private @layout_basis(tensor<2xf32, #tile.linear<[2], register = [[2]]>>)

// -----
// expected-error @+1 {{each bit of 'register' must have 1 indices, got 2}}
func.func private @layout_rank(tensor<2xf32, #tile.linear<[2], register = [[1, 1]]>>)

// -----
// expected-error @+1 {{a layout names input dim "lane" twice}}
func.func private @layout_names(tensor<2xf32, #tile.linear<[2], lane = [[1]], lane = []>>)

// -----
// expected-error @+1 {{the layout of a tensor must have its shape}}
func.func private @layout_shape(tensor<4xf32, #tile.linear<[2], lane = [[1]]>>)
