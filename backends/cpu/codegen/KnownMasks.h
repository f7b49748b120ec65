// KnownMasks.h - masked accesses whose mask the compiler knows, for some lanes or for all
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TESSERA_BACKENDS_CPU_CODEGEN_KNOWNMASKS_H
#define TESSERA_BACKENDS_CPU_CODEGEN_KNOWNMASKS_H

namespace llvm {
class Module;
}

namespace tessera::cpu {

// Rewrites masked loads and stores of `m`: of what is wider than a register of `vectorBits` bits, registers whose lanes are all on become plain
// accesses and registers whose lanes are all off none; stores under a constant mask with all lanes or one lane on become plain ones.
void resolveKnownMasks(llvm::Module &m, unsigned vectorBits);

} // namespace tessera::cpu

#endif
