# instrumentation.py - the hook that records inside of kernels, by name
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tessera.profiler.hooks.hook import Hook


class InstrumentationHook(Hook):
    """Nothing is recorded inside of kernels here: NotImplementedError when it is made."""

    def __init__(self, *args, **kwargs):
        raise NotImplementedError("the profiler records scopes and launches; it has no instrumentation inside of kernels")
