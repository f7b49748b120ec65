# backends - targets by name: backends["cpu"], backends["nvidia"], …
# SPDX-License-Identifier: Apache-2.0
"""``backends`` maps a name to a ``Backend`` with its compiler and its driver class. Entry points of the group
``triton.backends`` (packages of others) are found the first time that the table is read."""
from __future__ import annotations

from dataclasses import dataclass

from tessera.backends.compiler import BaseBackend
from tessera.backends.driver import DriverBase


@dataclass(frozen=True)
class Backend:
    """A target's compiler class and driver class."""
    compiler: type
    driver: type


def _only_subclass(module, base):
    import inspect
    found = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, base) and not inspect.isabstract(c)]
    if len(found) != 1:
        raise RuntimeError(f"{module.__name__} must have one concrete subclass of {base.__name__}, it has {len(found)}")
    return found[0]


def _own_backends():
    from tessera.backends import native
    return {name: Backend(native.compiler_of(name), native.driver_of(name)) for name in native.backend_names()}


def _entry_point_backends():
    from importlib import import_module
    from importlib.metadata import entry_points
    found = {}
    for entry in entry_points(group="triton.backends"):
        found[entry.name] = Backend(_only_subclass(import_module(f"{entry.value}.compiler"), BaseBackend),
                                    _only_subclass(import_module(f"{entry.value}.driver"), DriverBase))
    return found


def __getattr__(name):
    if name == "backends":
        import os
        table = {} if os.environ.get("TRITON_BACKENDS_IN_TREE") == "1" else _entry_point_backends()
        table.update(_own_backends())
        globals()["backends"] = table
        return table
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
