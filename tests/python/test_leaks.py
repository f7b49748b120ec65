# test_leaks.py - launches and compiles give back what they take
# SPDX-License-Identifier: Apache-2.0
import gc
import linecache
import os
import sys

import numpy as np
import pytest

import tessera
from tessera import _tessera, knobs
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


# Compiles and launches in test_compiles: as many as issue 3 wants in the long run.
COMPILES = 10000 if os.environ.get("TESSERA_FULL_TESTS") == "1" else 200

TEXT = """
import tessera.language as tl

def kernel(out, x, factor, BLOCK: tl.constexpr):
    place = tl.arange(0, BLOCK)
    tl.store(out + place, tl.load(x + place) * factor + {number})
"""


def new_kernel(number):
    """A kernel whose source no other has."""
    name = f"<leak {number}>"
    text = TEXT.format(number=number)
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    space = {"__name__": "leaks"}
    exec(compile(text, name, "exec"), space)
    return JITFunction(space["kernel"]), name


def open_files():
    return len(os.listdir("/proc/self/fd"))


def mappings():
    with open("/proc/self/maps") as f:
        return len(f.readlines())


@pytest.mark.parametrize("in_process", [True, False])
def test_compiles(tmp_path, in_process, capsys):
    """Every compile is of a new source or of a new specialisation, loads its kernel, launches it and lets it go."""

    def compile_some(first, n):
        x = np.ones(16)
        for i in range(first, first + n):
            kernel, name = new_kernel(i % 2000)
            compiled = tessera.compile(ASTSource(kernel, {"out": "*fp64", "x": "*fp64", "factor": "fp64", "BLOCK": "constexpr"},
                                                 {"BLOCK": 16}), options={"num_stages": 1 + i % 7})
            out = np.zeros(16)
            compiled[(1, 1, 1)](out, x, 2.0, 16)
            assert out[0] == 2 + i % 2000
            del linecache.cache[name]

    with knobs.cache.scope(), knobs.compilation.scope():
        knobs.cache.dir = ""
        knobs.compilation.always_compile = True
        knobs.compilation.in_process = in_process
        # The first ones fill caches of a fixed size: parsed sources (1024), allocators' free lists.
        compile_some(0, min(COMPILES // 5, 1200))
        gc.collect()
        alive, counted, files, maps = _tessera.live_objects(), len(gc.get_objects()), open_files(), mappings()
        rounds = 2
        each = COMPILES // 2 // rounds
        grown = growth(lambda: compile_some(5000, each), rounds) / each
        with capsys.disabled():
            print(f"\nreport: {rounds * each} compiles and launches, {'in process' if in_process else 'in a worker'}: {grown:.0f} bytes each, "
                  f"live objects {_tessera.live_objects()} (before: {alive}), {mappings() - maps} mappings, {open_files() - files} files more", flush=True)
        assert _tessera.live_objects() == alive
        assert len(gc.get_objects()) - counted < 200 and open_files() <= files
        assert mappings() - maps < 32 + each // 100, "mapped images stay"
        assert grown < (16 << 10 if COMPILES < 1000 else 1 << 10), f"{grown} bytes a compile"


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
