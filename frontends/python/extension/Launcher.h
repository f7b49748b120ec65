// Launcher.h - the base type of jit functions: kernel[grid](…) from the call to the launch
// SPDX-License-Identifier: Apache-2.0
//
// A call is bound to the parameters, its facts make a key, the key finds a compiled kernel in the function's own table, the
// kernel is launched. Only a key that is not there goes to Python: _resolve(bound, specialisation, options, warmup) gives a
// compiled kernel or None.
#pragma once

#include "frontends/python/extension/Arguments.h"

namespace tessera::python {

extern PyTypeObject *launcherType;

bool addLauncherType(PyObject *module);

// Functions of the module: set_launch_hooks, bump_epoch, set_active, …
extern PyMethodDef launcherFunctions[];

} // namespace tessera::python
