# software_devices.py - devices that run in software, as the one that launches of a test go to
# SPDX-License-Identifier: Apache-2.0
import contextlib

import pytest
from tessera.backends.compiler import GPUTarget
from tessera.runtime.driver import DeviceDriver, driver


class OnTarget(DeviceDriver):
    """A device as one of its plugin's targets: `simt-copies` is plugin simt."""

    def __init__(self, name):
        super().__init__(name.partition("-")[0])
        self.target = name

    def get_current_target(self):
        target = super().get_current_target()
        return GPUTarget(target.backend, self.target, target.warp_size)


@contextlib.contextmanager
def active(name):
    """The device ("mock", "simt", or another target of theirs), to which launches go meanwhile. Skips the test where its plugin is not built."""
    chosen = OnTarget(name) if "-" in name else DeviceDriver(name)
    try:
        device = chosen.device
    except RuntimeError:
        pytest.skip(f"{name} is not built")
    driver.set_active(chosen)
    try:
        yield device
    finally:
        driver.reset_active()
