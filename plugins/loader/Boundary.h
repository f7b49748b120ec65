// Boundary.h - calls into a plugin that no C++ exception leaves
//
// SPDX-License-Identifier: Apache-2.0
//
// A plugin must not throw across the ABI (R6). One that does brings its own unwinder as a rule (-static-libgcc), and a host's
// catch (...) then aborts inside of a second unwinder that was never set up. So the call goes through a frame with a
// personality of its own, which leaves with longjmp as soon as the search for a handler gets there: no frame of the
// plugin is unwound, what it held is leaked, and the process lives. For calls where nanoseconds do not count.
#pragma once

#include "plugins/abi/plugin.h"

namespace tessera::plugin {

// Runs function(argument); false: an exception tried to leave it. The function holds nothing that needs a destructor.
// Nests, also through callbacks; per thread.
bool callAcrossBoundary(void (*function)(void *), void *argument);

// Runs `call`, which returns a status. An exception becomes TSR_E_INTERNAL and sets *threw.
template <typename Call> tsr_status contain(Call &&call, bool *threw = nullptr) {
  struct Frame {
    Call &call;
    tsr_status status;
  } frame{call, TSR_E_INTERNAL};
  bool returned =
      callAcrossBoundary([](void *f) { static_cast<Frame *>(f)->status = static_cast<Frame *>(f)->call(); }, &frame);
  if (threw)
    *threw = !returned;
  return returned ? frame.status : TSR_E_INTERNAL;
}

} // namespace tessera::plugin
