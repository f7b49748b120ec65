# native.py - the plugins as backends: backends["cpu"], …
# SPDX-License-Identifier: Apache-2.0
"""Each kind of device that a plugin offers is a backend under its plugin's name, which is Triton's too ("nvidia"; "cuda" is what its
targets say)."""
from __future__ import annotations

import pathlib
import sys

from tessera import _tessera
from tessera.compiler.compiler import Backend
from tessera.runtime.driver import BACKENDS, PLUGINS, DeviceDriver, driver


def backend_names():
    """The backends that kernels can be compiled for here: "cpu", and those whose plugin is installed. Which of them has a device their
    driver class says, so that a process that only looks opens none."""
    folder = pathlib.Path(_tessera.library_folder())
    return ["cpu", *(name for name in BACKENDS if (folder / f"libtessera_{name}.so").exists())]


def compiler_of(name):
    """The compiler class of a backend, by its plugin's name or its targets'."""
    wanted = BACKENDS.get(name, name)

    def supports_target(target):
        return target.backend == wanted

    return type(f"{wanted.title()}Backend", (Backend,), {"supports_target": staticmethod(supports_target)})


class _OfPlugin(type(DeviceDriver)):
    """Classes whose instances are the drivers of one plugin, however they were made; made without arguments it is always the same one, so
    that a program that asks anew each time, as Inductor does, opens a device once and keeps the kernels that it has there."""

    def __instancecheck__(cls, instance):
        return super().__instancecheck__(instance) or (isinstance(instance, DeviceDriver) and instance.opened_plugin == cls.plugin)

    def __call__(cls, *args, **kwargs):
        if args or kwargs:
            return super().__call__(*args, **kwargs)
        if cls._only is None:
            cls._only = super().__call__(cls.plugin)
        return cls._only


def driver_of(name):
    """The driver class of a backend, by its plugin's name or its targets'."""
    plugin = PLUGINS.get(name, name)
    return _OfPlugin(f"{plugin.title()}Driver", (DeviceDriver,), {"plugin": plugin, "_only": None, "is_active": classmethod(_is_active)})


def _is_active(cls):
    # Opens no device where PyTorch knows: a process that only compiles asks this too, and one that will fork.
    default = driver.default
    torch = sys.modules.get("torch")
    if default.opened_plugin is None and cls.plugin == "nvidia" and torch is not None:
        return torch.cuda.is_available() and torch.version.hip is None
    return default.device.plugin == cls.plugin
