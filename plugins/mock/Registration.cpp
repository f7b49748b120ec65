// Registration.cpp - the two exported symbols; both roles in one library
// SPDX-License-Identifier: Apache-2.0
#define TSR_PLUGIN_VENDOR "Tessera"
#define TSR_PLUGIN_RANK 0
#include "plugins/mock/MockCompiler.h"
#include "plugins/mock/MockDriver.h"
#include "plugins/sdk/plugin.hpp"

TSR_PLUGIN("mock", "0.1.0", tessera::mock::MockTarget, tessera::mock::MockCompiler, tessera::mock::MockDriver)
