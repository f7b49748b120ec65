# libtriton - names that programs import from Triton's native module
# SPDX-License-Identifier: Apache-2.0
"""The compiler here is another one; what exists only to drive Triton's MLIR raises NotImplementedError when it is used."""
from __future__ import annotations

import os
from types import SimpleNamespace

from tessera._C.libtriton import cublas
from tessera.language.core import PropagateNan
from tessera.runtime.jit import native_specialize_impl

# What changes compiled code from the environment.
_INVALIDATING = ("TRITON_F32_DEFAULT", "TRITON_DEFAULT_FP_FUSION", "TRITON_DISABLE_LINE_INFO", "TRITON_ENABLE_ASAN",
                 "TRITON_INSTRUMENTATION_MODE", "DISABLE_LLVM_OPT", "DISABLE_PTXAS_OPT", "PTXAS_OPTIONS", "USE_IR_LOC")


def getenv(key, default=None):
    return os.environ.get(key, default)


def getenv_bool(key, default=False):
    value = os.environ.get(key)
    return default if value is None else value.lower() in ("1", "true", "on", "yes", "y")


def get_cache_invalidating_env_vars():
    """The set variables that are part of every cache key."""
    return {name: os.environ[name] for name in _INVALIDATING if name in os.environ}


class _Missing:
    """Something of Triton's compiler: it can be named, not used."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Missing(f"{self._name}.{name}")

    def __call__(self, *args, **kwargs):
        raise NotImplementedError(f"{self._name} belongs to Triton's own compiler; kernels here are compiled by Tessera "
                                  "(CompiledKernel.asm shows its stages)")

    def __repr__(self):
        return f"<{self._name}: not part of Tessera>"


ir = _Missing("triton._C.libtriton.ir")
ir.PROPAGATE_NAN = PropagateNan
# Programs make one to call ASTSource.make_ir, which has no use for it.
ir.context = SimpleNamespace
ir.load_dialects = lambda context: None
passes = _Missing("triton._C.libtriton.passes")
llvm = _Missing("triton._C.libtriton.llvm")
nvidia = _Missing("triton._C.libtriton.nvidia")
nvidia.cublas = cublas
amd = _Missing("triton._C.libtriton.amd")
proton = _Missing("triton._C.libtriton.proton")
gluon_ir = _Missing("triton._C.libtriton.gluon_ir")
interpreter = _Missing("triton._C.libtriton.interpreter")
env = SimpleNamespace(getenv=getenv, getenv_bool=getenv_bool)
