# compiler.py - the compiler class of NVIDIA's backend, by the name that programs know
# SPDX-License-Identifier: Apache-2.0
from tessera.backends.native import compiler_of
from tessera.compiler.options import Options as CUDAOptions

CUDABackend = compiler_of("cuda")
__all__ = ["CUDABackend", "CUDAOptions"]
