# launch.py - the hook that records launches
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tessera.profiler.hooks.hook import Hook

COMPUTE_METADATA_SCOPE_NAME = "__proton_launch_metadata"


class LaunchHook(Hook):
    """``start(hook="triton")``'s. Every session records launches here, with it and without it: it has nothing left to do."""

    priority = 100
    flops_width = [8, 16, 32, 64]
    metrics = [*(f"flops{width}" for width in flops_width), "bytes", "flops"]
    _instance = None

    def __new__(cls):
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def init_handle(self, module, function, name, metadata_group, hash):
        pass

    def enter(self, metadata):
        pass

    exit = enter

    def activate(self):
        pass

    deactivate = activate
