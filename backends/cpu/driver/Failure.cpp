// Failure.cpp - the last error of a thread, diagnostics to sinks
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/Failure.h"

namespace tessera::cpu {

static std::string &slot() {
  static thread_local std::string text;
  return text;
}

tsr_status fail(tsr_status status, std::string text) {
  slot() = std::move(text);
  return status;
}

const std::string &lastErrorText() { return slot(); }

void report(const tsr_sink *sink, int32_t severity, const std::string &message, const std::string &kernel) {
  if (!sink || !TSR_HAS(tsr_sink, sink, diag))
    return;
  tsr_diag d = {};
  d.h.size = sizeof(d);
  d.severity = severity;
  d.message = {message.data(), message.size()};
  d.ir_op = {kernel.data(), kernel.size()};
  sink->diag(sink->user, &d);
}

tsr_status fail(const tsr_sink *sink, tsr_status status, std::string text) {
  report(sink, TSR_SEV_ERROR, text);
  return fail(status, std::move(text));
}

} // namespace tessera::cpu
