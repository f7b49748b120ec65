// RunOnSimt.h - the device of RunBoth.h: a LAYOUT module through the lane emitter, its grid on lanes of the host
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/unit/layout/RunBoth.h"

namespace tessera::simt {

struct RunOptions {
  bool warpReductions = false;
  std::function<void(const std::string &line)> print = {};
};

// Compiles and runs the module's first kernel. Messages of the compiler start with "compile", unsupported ops with "unsupported".
LayoutDevice lanesOfTheHost(RunOptions options = {});

} // namespace tessera::simt
