// Guards what passes say that read layouts, of IR that has none: an error with its place.
// RUN: %tessera-opt %s --tile-remove-layout-conversions -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-specialize-roles -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-pipeline-loops -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-lower-tensor-copies -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-hoist-loads -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-lower-conversions-to-shared -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-copy-large-loads -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-delay-store-waits -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-allocate-shared-memory -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-insert-barriers -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-annotate-accesses -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-compare-runs-once -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-sink-into-branches -split-input-file -verify-diagnostics -o /dev/null
// RUN: %tessera-opt %s --tile-sink-masks -split-input-file -verify-diagnostics -o /dev/null

// expected-error@+1 {{a tile has no layout: 'tensor<16x16xf16>'; --tile-assign-layouts gives every tile one}}
func.func @arguments(%a: tensor<16x16xf16>, %b: tensor<16x16xf16>, %c: tensor<16x16xf32>) {
  %d = tile.dot %a, %b, %c : (tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>) -> tensor<16x16xf32>
  return
}

// -----

func.func @results(%p: !tile.ptr<f32>, %n: index) {
  // expected-error@+1 {{a tile has no layout: 'tensor<16xi32>'}}
  %i = tile.arange 0 to 16 : tensor<16xi32>
  return
}

// -----

func.func @scalars(%n: i32) -> i32 {
  %m = arith.addi %n, %n : i32
  return %m : i32
}
