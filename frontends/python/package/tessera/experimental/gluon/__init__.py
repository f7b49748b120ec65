# gluon - import-time names of Triton's lower-level language
# SPDX-License-Identifier: Apache-2.0
"""Gluon programs place layouts and shared memory by hand for one vendor's device. Tessera does not compile them: modules can
be imported and kernels defined, and a launch raises NotImplementedError."""
from __future__ import annotations

from tessera.experimental.gluon import _names
from tessera.language._function import constexpr_function
from tessera.language.core import must_use_result

_names.install()
_MESSAGE = "Gluon kernels are not supported by Tessera; write the kernel in triton.language"


class GluonJITFunction:
    """A kernel in Gluon: it has a name and a source, and cannot run."""

    def __init__(self, fn):
        self.fn = fn
        self.__name__ = fn.__name__
        self.__doc__ = fn.__doc__
        self.__module__ = fn.__module__
        self.arg_names = list(fn.__code__.co_varnames[:fn.__code__.co_argcount])

    def run(self, *args, **kwargs):
        raise NotImplementedError(_MESSAGE)

    __call__ = warmup = run

    def __getitem__(self, grid):
        return self.run


def jit(fn=None, **options):
    """Defines a Gluon kernel, which cannot be launched."""
    return GluonJITFunction(fn) if fn is not None else lambda f: jit(f, **options)


def __getattr__(name):
    if name in ("language", "nvidia", "amd"):
        import importlib
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["constexpr_function", "jit", "must_use_result", "nvidia", "amd", "language"]
