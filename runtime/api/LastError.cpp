// LastError.cpp - the last error of a thread, names of status values
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/api/LastError.h"

#include "runtime/api/tessera.h"

namespace tessera::runtime {

LastError &lastError() {
  static thread_local LastError error;
  return error;
}

tsr_status failed(tsr_status status, std::string message, std::vector<std::string> diagnostics) {
  LastError &error = lastError();
  error.message = std::move(message);
  error.diagnostics = std::move(diagnostics);
  return status;
}

tsr_status failed(const plugin::Failure &failure) {
  tsr_status status = TSR_E_INTERNAL;
  switch (failure.id) {
  case DiagId::PluginMissing:
  case DiagId::UnknownTarget:
  case DiagId::AmbiguousTarget:
    status = TSR_E_NOT_FOUND;
    break;
  case DiagId::PluginRefused:
  case DiagId::PluginFailed:
    status = TSR_E_UNAVAILABLE;
    break;
  default:
    break;
  }
  std::string_view help = failure.help.empty() ? diagDefaultHelp(failure.id) : std::string_view(failure.help);
  return failed(status, failure.message + (help.empty() ? "" : "; " + std::string(help)));
}

tsr_status nullArgument(const char *what) { return failed(TSR_E_INVALID, std::string(what) + " is NULL"); }

} // namespace tessera::runtime

using namespace tessera::runtime;

const char *tsr_status_name(tsr_status status) {
  switch (status) {
#define TSR_NAME(name)                                                                                                 \
  case name:                                                                                                           \
    return #name;
    TSR_NAME(TSR_OK)
    TSR_NAME(TSR_NOT_READY)
    TSR_NAME(TSR_E_INVALID)
    TSR_NAME(TSR_E_UNSUPPORTED)
    TSR_NAME(TSR_E_NOT_FOUND)
    TSR_NAME(TSR_E_OOM_HOST)
    TSR_NAME(TSR_E_OOM_DEVICE)
    TSR_NAME(TSR_E_TOO_NEW)
    TSR_NAME(TSR_E_TOO_OLD)
    TSR_NAME(TSR_E_CAPTURE)
    TSR_NAME(TSR_E_CANCELLED)
    TSR_NAME(TSR_E_TIMEOUT)
    TSR_NAME(TSR_E_DEVICE_LOST)
    TSR_NAME(TSR_E_LAUNCH_FAILED)
    TSR_NAME(TSR_E_UNAVAILABLE)
    TSR_NAME(TSR_E_BAD_ARTIFACT)
    TSR_NAME(TSR_E_ASSERT)
#undef TSR_NAME
  default:
    return status > 0 ? "TSR_NOT_READY" : "TSR_E_INTERNAL";
  }
}

const char *tsr_error_message(void) { return lastError().message.c_str(); }

const char *tsr_error_diagnostic(uint32_t index) {
  const auto &list = lastError().diagnostics;
  return index < list.size() ? list[index].c_str() : nullptr;
}

const char *tsr_version(void) { return "0.1.0"; }
