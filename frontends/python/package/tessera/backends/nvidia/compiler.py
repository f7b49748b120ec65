# compiler.py - the compiler class of NVIDIA's backend, by the name that programs know
# SPDX-License-Identifier: Apache-2.0
from tessera.backends.native import compiler_of
from tessera.compiler.options import Options as CUDAOptions

CUDABackend = compiler_of("cuda")


def sm_arch_from_capability(capability):
    """The assembler's name of a compute capability, which is ten times the major number and the minor: 80 is "sm_80", 90 "sm_90a"."""
    return f"sm_{capability}{'a' if capability >= 90 else ''}"


__all__ = ["CUDABackend", "CUDAOptions", "sm_arch_from_capability"]
