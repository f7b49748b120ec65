// SimtCompiler.h - the compiler role: checked LAYOUT bytecode through the lane emitter
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/sdk/Compiler.hpp"

namespace tessera::simt {

class SimtCompiler final : public sdk::Compiler {
public:
  void compile(sdk::CompileJob &job) override;
};

} // namespace tessera::simt
