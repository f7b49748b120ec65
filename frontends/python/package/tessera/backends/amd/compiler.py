# compiler.py - the compiler class of AMD's backend, by the name that programs know
# SPDX-License-Identifier: Apache-2.0
from tessera.backends.native import compiler_of
from tessera.compiler.options import Options as HIPOptions

HIPBackend = compiler_of("hip")
__all__ = ["HIPBackend", "HIPOptions"]
