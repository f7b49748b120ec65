# test_leaks.py - launches and compiles give back what they take
# SPDX-License-Identifier: Apache-2.0
import gc
import os
import sys

import numpy as np

import tessera
from tessera import knobs
from tessera.compiler import ASTSource
from tessera.runtime.jit import JITFunction

from kernels import add_kernel, scale_kernel


def resident():
    gc.collect()
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(work, rounds=2):
    """Bytes by which the process grew, the least of some rounds: what leaks grows in each of them."""
    grown = []
    for _ in range(rounds):
        before = resident()
        work()
        grown.append(resident() - before)
    return min(grown)


def test_launches():
    x = np.zeros(16, np.float32)
    def launch(n):
        for i in range(n):
            add_kernel[(1, )](x, x, x, i, BLOCK=16)
            add_kernel[lambda meta: (1, )](x, x, x, i, BLOCK=16, num_warps=2)
            scale_kernel[[1]](x, x, 1.5 * i)

    launch(500)
    gc.collect()
    counted, held = len(gc.get_objects()), sys.getrefcount(x)
    assert growth(lambda: launch(10000)) < 1 << 20
    assert len(gc.get_objects()) - counted < 100 and sys.getrefcount(x) == held

def test_failed_launches():
    x = np.zeros(16, np.float32)

    def launch(n):
        for _ in range(n):
            for bad in (lambda: add_kernel[(1, )](x, x, x), lambda: add_kernel[(-1, )](x, x, x, 1, BLOCK=16),
                        lambda: add_kernel[(1, )](x, "text", x, 1, BLOCK=16)):
                try:
                    bad()
                except (TypeError, ValueError):
                    pass

    launch(200)
    held = sys.getrefcount(x)
    assert growth(lambda: launch(3000)) < 1 << 20 and sys.getrefcount(x) == held


def test_compiles(tmp_path):

    def compile_some(n):
        for i in range(n):
            kernel = JITFunction(scale_kernel.fn)
            compiled = tessera.compile(ASTSource(kernel, {"out": "*fp64", "x": "*fp64", "factor": "fp64", "BLOCK": "constexpr"},
                                                 {"BLOCK": 16}), options={"num_stages": 1 + i % 7})
            x = np.ones(16)
            compiled[(1, 1, 1)](x, x, 2.0, 16)
            assert x[0] == 2

    with knobs.cache.scope(), knobs.compilation.scope():
        knobs.cache.dir = str(tmp_path)
        knobs.compilation.always_compile = True
        compile_some(30)
        gc.collect()
        counted = len(gc.get_objects())
        assert growth(lambda: compile_some(100)) / 100 < 20 << 10, "bytes a compile"
        assert len(gc.get_objects()) - counted < 200


def test_a_dropped_kernel_is_freed():
    import weakref

    def make():

        @tessera.jit
        def kernel(x):
            pass

        kernel[(1, )](np.zeros(1, np.float32))
        return weakref.ref(kernel.fn), weakref.ref(kernel.device_caches)

    refs = make()
    gc.collect()
    assert [r() for r in refs if r() is not None] == []
