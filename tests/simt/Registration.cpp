// Registration.cpp - the two exported symbols; both roles in one library
//
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Wire.h"
#define TSR_PLUGIN_VENDOR "Tessera"
#define TSR_PLUGIN_RANK 0
#define TSR_PLUGIN_IR_MAX TSR_IR_VERSION(tessera::tbc::kMajor, tessera::tbc::kMinor)
#include "plugins/sdk/plugin.hpp"
#include "tests/simt/SimtCompiler.h"
#include "tests/simt/SimtDriver.h"
#include "tests/simt/SimtTarget.h"

TSR_PLUGIN("simt", "0.1.0", tessera::simt::SimtTarget, tessera::simt::SimtCompiler, tessera::simt::SimtDriver)
