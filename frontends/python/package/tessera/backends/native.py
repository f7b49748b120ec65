# native.py - the plugins as backends: backends["cpu"], …
# SPDX-License-Identifier: Apache-2.0
"""Each kind of device that a plugin offers is a backend under the name that programs know it by."""
from __future__ import annotations

from tessera.compiler.compiler import Backend
from tessera.runtime.driver import DeviceDriver, driver


def backend_names():
    """The backends whose plugin is there: "cpu", and that of the machine's device."""
    return sorted({"cpu", driver.default.get_current_target().backend})


def compiler_of(name):
    """The compiler class of a backend."""

    def supports_target(target):
        return target.backend == name

    return type(f"{name.title()}Backend", (Backend,), {"supports_target": staticmethod(supports_target)})


def driver_of(name):
    """The driver class of a backend."""

    def is_active(cls):
        return driver.default.get_current_target().backend == name

    return type(f"{name.title()}Driver", (DeviceDriver,), {"is_active": classmethod(is_active)})
