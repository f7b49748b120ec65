# hooks - what programs do at launches while the profiler records
# SPDX-License-Identifier: Apache-2.0
from tessera.profiler.hooks.hook import Hook, HookManager
from tessera.profiler.hooks.instrumentation import InstrumentationHook
from tessera.profiler.hooks.launch import LaunchHook

__all__ = ["Hook", "HookManager", "InstrumentationHook", "LaunchHook"]
