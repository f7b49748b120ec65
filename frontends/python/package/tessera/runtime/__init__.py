# runtime - jit, tuning, drivers, the cache
# SPDX-License-Identifier: Apache-2.0
from tessera.runtime.driver import driver
from tessera.runtime.errors import InterpreterError, OutOfResources
from tessera.runtime.jit import JITFunction, KernelInterface, MockTensor, TensorWrapper, reinterpret
from tessera.runtime.autotuner import Autotuner, Config, Heuristics, autotune, heuristics
from tessera.runtime.cache import RedisRemoteCacheBackend, RemoteCacheBackend

__all__ = ["autotune", "Autotuner", "Config", "driver", "Heuristics", "heuristics", "InterpreterError", "JITFunction",
           "KernelInterface", "MockTensor", "OutOfResources", "RedisRemoteCacheBackend", "reinterpret", "RemoteCacheBackend",
           "TensorWrapper"]
