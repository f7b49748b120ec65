# _names.py - placeholders for names of Gluon
# SPDX-License-Identifier: Apache-2.0
"""Every module and every name below ``gluon`` exists, so that programs which only mention Gluon can be imported."""
from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types

PACKAGE = __name__.rpartition(".")[0]


class Placeholder:
    """Something of Gluon: it can be named, decorated with and put in annotations, not used in a kernel that runs."""

    def __init__(self, name):
        self.__name__ = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Placeholder(f"{self.__name__}.{name}")

    def __call__(self, *args, **kwargs):
        return Placeholder(f"{self.__name__}(…)")

    def __repr__(self):
        return f"<{self.__name__}>"


class PlaceholderModule(types.ModuleType):
    """A module in which every name exists; those of the portable language are the real ones."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        import tessera.language as tl
        return getattr(tl, name) if hasattr(tl, name) else Placeholder(f"{self.__name__}.{name}")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):

    def find_spec(self, fullname, path=None, target=None):
        if fullname.startswith(PACKAGE + ".") and not fullname.endswith("._names"):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        return PlaceholderModule(spec.name, "Names of Gluon; see tessera.experimental.gluon.")

    def exec_module(self, module):
        module.__path__ = []


def install():
    sys.meta_path.append(_Finder())
