// Failure.h - how a driver function says why it failed
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/abi/plugin.h"

#include <string>

namespace tessera::cpu {

// Keeps `text` as this thread's last error and gives `status` back: `return fail(TSR_E_INVALID, "…")`.
tsr_status fail(tsr_status status, std::string text);
// This thread's last error; valid until its next `fail`.
const std::string &lastErrorText();

// Hands one diagnostic to a sink; nothing where there is no sink.
void report(const tsr_sink *sink, int32_t severity, const std::string &message, const std::string &kernel = {});

// As `fail`, and tells the sink.
tsr_status fail(const tsr_sink *sink, tsr_status status, std::string text);

} // namespace tessera::cpu
