// NvidiaDriver.cpp - registers the NVIDIA driver; no LLVM in this library
// SPDX-License-Identifier: Apache-2.0
#define TSR_PLUGIN_VENDOR "The Tessera authors"
#define TSR_PLUGIN_RANK 100
#include "plugins/sdk/plugin.hpp"

#include "backends/nvidia/driver/NvidiaDriver.h"
#include "backends/nvidia/target/NvidiaTarget.h"

TSR_PLUGIN("nvidia", "0.1.0", tessera::nvidia::NvidiaTarget, void, tessera::nvidia::NvidiaDriver)
