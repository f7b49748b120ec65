// MockCompiler.h - LAYOUT bytecode, checked, is the machine code of the mock device
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/mock/MockTarget.h"
#include "plugins/sdk/Compiler.hpp"

namespace tessera::mock {

// The artifact is a magic and the bytecode as it came: the device decodes it at module load.
inline constexpr char kArtifactMagic[8] = {'T', 'S', 'R', 'M', 'O', 'C', 'K', '1'};

class MockCompiler final : public sdk::Compiler {
public:
  void compile(sdk::CompileJob &job) override;
};

} // namespace tessera::mock
