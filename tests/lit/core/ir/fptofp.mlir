// fptofp.mlir - tile.fptofp in text form and through the bytecode
// RUN: %tessera-opt %s | %tessera-opt | FileCheck %s
// RUN: %tessera-opt --tile-bytecode-round-trip %s | FileCheck %s

// CHECK-LABEL: func.func @fptofp_kinds
func.func @fptofp_kinds(%x: tensor<4xf32>) {
  // CHECK: %{{[^ ,]+}} = tile.fptofp %{{[^ ,]+}} : tensor<4xf32> to tensor<4xf8E5M2>
  %0 = tile.fptofp %x : tensor<4xf32> to tensor<4xf8E5M2>
  // CHECK: %{{[^ ,]+}} = tile.fptofp %{{[^ ,]+}} : tensor<4xf32> to tensor<4xf8E4M3FN>
  %1 = tile.fptofp %x : tensor<4xf32> to tensor<4xf8E4M3FN>
  // CHECK: %{{[^ ,]+}} = tile.fptofp %{{[^ ,]+}} : tensor<4xf32> to tensor<4xf8E4M3FNUZ>
  %2 = tile.fptofp %x : tensor<4xf32> to tensor<4xf8E4M3FNUZ>
  // CHECK: %{{[^ ,]+}} = tile.fptofp %{{[^ ,]+}} : tensor<4xf32> to tensor<4xf8E5M2FNUZ>
  %3 = tile.fptofp %x : tensor<4xf32> to tensor<4xf8E5M2FNUZ>
  // CHECK: %{{[^ ,]+}} = tile.fptofp %{{[^ ,]+}} : tensor<4xf32> to tensor<4x!tile.f8e4b15>
  %4 = tile.fptofp %x : tensor<4xf32> to tensor<4x!tile.f8e4b15>
  // CHECK: %{{[^ ,]+}} = tile.fptofp %{{[^ ,]+}} : tensor<4xf32> to tensor<4xf16>
  %5 = tile.fptofp %x : tensor<4xf32> to tensor<4xf16>
  // CHECK: %{{[^ ,]+}} = tile.fptofp %{{[^ ,]+}} : tensor<4xf32> to tensor<4xbf16>
  %6 = tile.fptofp %x : tensor<4xf32> to tensor<4xbf16>
  // CHECK: %{{[^ ,]+}} = tile.fptofp %{{[^ ,]+}} : tensor<4xf32> to tensor<4xf64>
  %7 = tile.fptofp %x : tensor<4xf32> to tensor<4xf64>
  // CHECK: %{{[^ ,]+}} = tile.fptofp %{{[^ ,]+}} rounding = towards_zero : tensor<4xf32> to tensor<4xf16>
  %90 = tile.fptofp %x rounding = towards_zero : tensor<4xf32> to tensor<4xf16>
  // CHECK: %{{[^ ,]+}} = tile.fptofp %{{[^ ,]+}} rounding = nearest_saturating : tensor<4xf32> to tensor<4xf8E4M3FN>
  %91 = tile.fptofp %x rounding = nearest_saturating : tensor<4xf32> to tensor<4xf8E4M3FN>
  return
}
