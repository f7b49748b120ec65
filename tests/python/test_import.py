# test_import.py - importing the package costs and starts nothing
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_import_is_quick_and_loads_nothing():
    # The quickest of five: the machine may be busy, the import is not slower for it.
    code = """
import sys, time, threading
before = set(sys.modules)
start = time.perf_counter()
import tessera
print((time.perf_counter() - start) * 1000, threading.active_count(), *sorted(set(sys.modules) - before))
"""
    runs = [python(code) for _ in range(5)]
    assert min(float(run[0]) for run in runs) <= 50
    assert runs[0][1] == "1"
    assert [name for name in runs[0][2:] if name.partition(".")[0] in ("numpy", "torch", "threading") or "_tessera" in name] == []


def test_the_language_loads_without_the_compiler_or_arrays():
    loaded = python("import sys, tessera.language; print(*sys.modules)")
    assert "tessera.language.core" in loaded
    assert not {"numpy", "torch", "tessera._tessera", "tessera.runtime"} & set(loaded)
