// Module.cpp - tessera._tessera
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/Compiler.h"
#include "frontends/python/extension/Launcher.h"
#include "frontends/python/extension/Runtime.h"

namespace {

using namespace tessera::python;

int execute(PyObject *module) {
  if (!makeNames() || !addRuntimeTypes(module) || !addLauncherType(module) ||
      PyModule_AddFunctions(module, launcherFunctions) < 0 || PyModule_AddFunctions(module, compilerFunctions) < 0 ||
      PyModule_AddStringConstant(module, "__version__", tsr_version()) < 0)
    return -1;
  return 0;
}

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void *>(&execute)}, {0, nullptr}};
PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "tessera._tessera",
                          "The launch path and the compiler's entry points; `tessera.runtime` is what programs use.",
                          0,
                          nullptr,
                          slots,
                          nullptr,
                          nullptr,
                          nullptr};

} // namespace

// The name is the interpreter's choice.
// NOLINTNEXTLINE(bugprone-reserved-identifier, readability-identifier-naming)
PyMODINIT_FUNC PyInit__tessera() { return PyModuleDef_Init(&definition); }
