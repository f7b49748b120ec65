# test_interpret.py - TESSERA_INTERPRET=1: kernels in the reference interpreter
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np, tessera, tessera.language as tl
from tessera.runtime.interpreter import InterpretedFunction, InterpreterError

@tessera.jit
def add_one(out, x, n, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + place, tl.load(x + place, mask=place < n) + 1, mask=place < n)

@tessera.jit
def careless(out, x, BLOCK: tl.constexpr):
    place = tl.arange(0, BLOCK)
    tl.store(out + place, tl.load(x + place))

@tessera.jit
def talking(x):
    tl.device_print("value", tl.load(x))

@tessera.jit
def asserting(x):
    tl.device_assert(tl.load(x) == 1, "must be one")

assert isinstance(add_one, InterpretedFunction)
"""


def run(code, variable="TESSERA_INTERPRET", tmp=None):
    path = tmp / "program.py"
    path.write_text(PROGRAM + code)
    result = subprocess.run([sys.executable, str(path)], env={**os.environ, variable: "1"}, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("variable", ["TESSERA_INTERPRET", "TRITON_INTERPRET"])
def test_runs(variable, tmp_path):
    run("""
x = np.arange(100, dtype=np.float32)
out = np.zeros_like(x)
add_one[lambda meta: (tessera.cdiv(100, meta["BLOCK"]),)](out, x, 100, BLOCK=32)
assert np.array_equal(out, x + 1)
add_one[(1,)](out[1:], x[::1], 1, BLOCK=32)
assert out[1] == 1
""", variable, tmp_path)


def test_descriptors_of_the_host(tmp_path):
    run("""
from tessera.runtime.driver import DeviceDriver, driver
from tessera.tools.tensor_descriptor import TensorDescriptor

@tessera.jit
def moved(source, target, row):
    target.store([row, 0], source.load([0, 8]) + 1)

for device in ("cpu", "mock"):  # also where kernels could not reach that memory
    driver.set_active(DeviceDriver(device))
    x, out = np.arange(64, dtype=np.int32).reshape(4, 16), np.zeros((4, 16), np.int32)
    moved[(1,)](TensorDescriptor.from_tensor(x, [2, 16]), TensorDescriptor(out, [3, 8], [16, 1], [2, 16]), 2)
    want = np.zeros_like(out)
    want[2, :8] = x[0, 8:] + 1
    assert np.array_equal(out, want)
""", tmp=tmp_path)


def test_out_of_bounds_has_the_line(tmp_path):
    out = run("""
x, out = np.zeros(100, np.float32), np.zeros(128, np.float32)
try:
    careless[(1,)](out, x, BLOCK=128)
except InterpreterError as error:
    print(error.line, error.file.endswith("program.py"), error.id)
    print(error)
""", tmp=tmp_path)
    first, rest = out.split("\n", 1)
    line = PROGRAM.split("\n").index("    tl.store(out + place, tl.load(x + place))") + 1
    assert first == f"{line} True E0603"
    assert "load out of bounds: element 100 of `x`" in rest and "tl.load(x + place)" in rest and "^" in rest


def test_what_prints_at_compile_time(tmp_path):
    out = run("""
@tessera.jit
def shown(x, N: tl.constexpr):
    tl.static_print("N is", N)
    tl.static_assert(N == 2)

shown[(3,)](np.zeros(1, np.float32), 2)
try:
    shown[(3,)](np.zeros(1, np.float32), 4)
except tessera.CompilationError:
    print("refused")
""", tmp=tmp_path)
    assert out.splitlines() == ["N is 2", "N is 4", "refused"]


def test_print_and_assert(tmp_path):
    out = run("""
talking[(1,)](np.full(1, 42, np.int32))
asserting[(1,)](np.ones(1, np.int32))
try:
    asserting[(1,)](np.zeros(1, np.int32))
except InterpreterError as error:
    print("caught", error)
""", tmp=tmp_path)
    assert "pid (0, 0, 0) idx () value: 42" in out and "caught" in out and "must be one" in out


def test_integers_wrap_outside_of_debug_builds(tmp_path):
    out = run("""
@tessera.jit
def hashed(out, x):
    place = tl.arange(0, 4)
    tl.store(out + place, (tl.load(x + place).to(tl.uint32) * 2654435761 - 1) ^ (place > 1).to(tl.uint32))

x, out = np.arange(4, dtype=np.int32), np.zeros(4, np.uint32)
hashed[(1,)](out, x)
assert np.array_equal(out, (x.astype(np.uint64) * 2654435761 - 1).astype(np.uint32) ^ (x > 1)), out
for options in ({"debug": True}, {"debug": True, "sanitize_overflow": False}):
    try:
        hashed[(1,)](out, x, **options)
        print("wraps")
    except InterpreterError as error:
        print("overflow" in str(error))
""", tmp=tmp_path)
    assert out.split() == ["True", "wraps"]


def test_torch_storage_bounds(tmp_path):
    pytest.importorskip("torch")
    run("""
import torch
x = torch.zeros(4, 8)
careless[(1,)](torch.zeros(16), x[1], BLOCK=16)       # inside of the storage
try:
    careless[(1,)](torch.zeros(16), x[3], BLOCK=16)
    raise SystemExit("no error")
except InterpreterError:
    pass
""", tmp=tmp_path)
