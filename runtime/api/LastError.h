// LastError.h - why the calling thread's last call failed
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/abi/plugin.h"
#include "plugins/loader/Failure.h"

#include <string>
#include <vector>

namespace tessera::runtime {

struct LastError {
  std::string message;
  std::vector<std::string> diagnostics;
};
LastError &lastError();

// Keeps the message and gives the status back.
tsr_status failed(tsr_status status, std::string message, std::vector<std::string> diagnostics = {});
tsr_status failed(const plugin::Failure &failure);
tsr_status nullArgument(const char *what);

// Runs the body of a C function: no exception leaves it.
template <typename Body> tsr_status guarded(Body body) {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return failed(TSR_E_OOM_HOST, "out of memory");
  } catch (const std::exception &e) {
    return failed(TSR_E_INTERNAL, std::string("the runtime failed: ") + e.what());
  }
}

} // namespace tessera::runtime
