#!/usr/bin/env python3
# check_wheel.py - the built wheel in a virtual environment of its own: nothing else installed, nothing of this tree visible
# SPDX-License-Identifier: Apache-2.0
"""usage: check_wheel.py WHEEL. Prints `N passed, N failed` last."""
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

KERNEL = '''
import array
import {package} as triton
import {package}.language as tl

@triton.jit
def double(x, n, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x + place, 2 * tl.load(x + place, mask=place < n), mask=place < n)

values = array.array("f", range(1000))
double[(triton.cdiv(1000, 256),)](values, 1000, BLOCK=256)
assert list(values) == [2.0 * i for i in range(1000)], values[:8]
print(triton.__version__)
'''
# Threads as the kernel counts them; devices and libraries as they are mapped.
IMPORT = '''
import os, sys, time
started = time.perf_counter()
import tessera
import tessera.language
milliseconds = 1000 * (time.perf_counter() - started)
assert len(os.listdir("/proc/self/task")) == 1 and "numpy" not in sys.modules and "torch" not in sys.modules
mapped = open("/proc/self/maps").read()
for library in ("libtessera_compiler", "libtessera_cpu", "libtessera_nvidia", "libcuda"):
    assert library not in mapped, library
print(milliseconds)
'''
# The processor's kernels need no other plugin's compiler (a driver is asked for its devices), and compiling for a device needs no device.
DEVICE_CODE = '''
import array, subprocess
import tessera, tessera.language as tl
from tessera.backends.compiler import GPUTarget

@tessera.jit
def double(x, n, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x + place, 2 * tl.load(x + place, mask=place < n), mask=place < n)

values = array.array("f", range(256))
double.warmup(values, 256, BLOCK=256, grid=(1,))
assert "libtessera_nvidia.so" not in open("/proc/self/maps").read()
source = tessera.compiler.ASTSource(double, signature={"x": "*fp32", "n": "i32", "BLOCK": "constexpr"}, constexprs={"BLOCK": 256})
ptx = tessera.compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]
assert ".target sm_90" in ptx and ".visible .entry double" in ptx, ptx
print("ok")
'''


class Checks:
    def __init__(self, folder):
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder / "home")}
        self.passed = self.failed = 0

    def run(self, *command):
        return subprocess.run([str(c) for c in command], capture_output=True, text=True, env=self.environment, cwd=self.folder, timeout=120)

    def expect(self, name, done, holds):
        ok = done.returncode == 0 and holds(done.stdout)
        self.passed += ok
        self.failed += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {name}" + ("" if ok else f"\n{done.stdout}{done.stderr}"))


def main(wheel):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        checks = Checks(folder)
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        subprocess.run([checks.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-index", wheel], check=True)
        for package in ("tessera", "triton"):
            (folder / f"{package}_kernel.py").write_text(KERNEL.format(package=package))
        checks.expect("a kernel on an array of the standard library", checks.run(checks.python, "tessera_kernel.py"), bool)
        checks.expect("the same program for triton", checks.run(checks.python, "-m", "tessera.triton", "triton_kernel.py"),
                      lambda out: out.startswith("3.6."))
        (folder / "device_code.py").write_text(DEVICE_CODE)
        checks.expect("PTX for sm_90a; the plugin is not loaded before", checks.run(checks.python, "device_code.py"), lambda out: out == "ok\n")
        command = folder / "venv/bin/tessera"
        checks.expect("the command line", checks.run(command, "targets"), lambda out: "x86-64-v3" in out and "sm_90a" in out)
        drivers = pathlib.Path("/dev/nvidiactl").exists()
        checks.expect("a device, or why there is none", checks.run(command, "targets"),
                      lambda out: drivers or "nvidia: no device here, it only compiles: no NVIDIA driver" in out)
        if shutil.which("c++"):
            (folder / "headers.cpp").write_text('#include "tessera.hpp"\nint main() { return tessera::Device("cpu").info().units ? 0 : 1; }\n')
            package = next((folder / "venv/lib").glob("python3*/site-packages/tessera"))
            built = checks.run("c++", "-std=c++17", "headers.cpp", "-I", package / "include", "-L", package / "lib", "-ltessera",
                               f"-Wl,-rpath,{package / 'lib'}", "-o", "headers")
            checks.expect("a C++ program builds with the wheel's headers", built, lambda _: True)
            checks.expect("and opens the processor", checks.run(folder / "headers"), lambda _: True)
        (folder / "import_time.py").write_text(IMPORT)
        runs = [checks.run(checks.python, "import_time.py") for _ in range(5)]
        times = [float(r.stdout) for r in runs if r.returncode == 0]
        checks.expect(f"import takes at most 50 ms: {times}", runs[0], lambda _: len(times) == 5 and statistics.median(times) <= 50)
        print(f"{checks.passed} passed, {checks.failed} failed")
        return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
