// DriverTable.h - the CPU driver as the plugin ABI sees it
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/abi/plugin.h"

namespace tessera::cpu {

// The table, static. Without: stream_wrap, native (there is no other runtime to share with), graphs, descriptors, occupancy.
const tsr_driver_api *driverTable();

// For tsr_plugin_api.last_error.
tsr_str driverLastError();

} // namespace tessera::cpu
