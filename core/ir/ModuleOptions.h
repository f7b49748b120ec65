// ModuleOptions.h - a kernel's options, which its module carries
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TESSERA_CORE_IR_MODULEOPTIONS_H
#define TESSERA_CORE_IR_MODULEOPTIONS_H

#include "mlir/IR/BuiltinOps.h"

namespace tessera::tile {

// An option of the kernel's module ("num_warps", "fp_fusion"), or `otherwise`. `inside`: the module, or an op in one.
int64_t moduleOption(mlir::Operation *inside, llvm::StringRef name, int64_t otherwise);
void setModuleOption(mlir::ModuleOp module, llvm::StringRef name, int64_t value);

} // namespace tessera::tile

#endif
