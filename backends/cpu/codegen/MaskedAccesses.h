// MaskedAccesses.h - masked loads and stores that LLVM's code generator gets wrong, written so that it gets them right
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TESSERA_BACKENDS_CPU_CODEGEN_MASKEDACCESSES_H
#define TESSERA_BACKENDS_CPU_CODEGEN_MASKEDACCESSES_H

namespace llvm {
class Module;
}

namespace tessera::cpu {

// Rewrites masked loads and stores of `m` behind its last pass. byRegister: the target masks by vectors (AVX2), and accesses of more than one
// of its registers of 256 bits become one instruction a register.
void rewriteMaskedAccesses(llvm::Module &m, bool byRegister);

} // namespace tessera::cpu

#endif
