# test_bad_input.py - what a program may get wrong: one clear exception of the right class each
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import tessera
import tessera.language as tl
from tessera import _tessera
from tessera.tools.tensor_descriptor import TensorDescriptor

from kernels import add_kernel

FOLDER = pathlib.Path(__file__).resolve().parent
HOSTILE = pathlib.Path(_tessera.library_folder()) / "hostile"


@tessera.jit
def copy_block(source, out, BLOCK: tl.constexpr):
    lane = tl.arange(0, BLOCK)
    tl.store(out + lane[:, None] * BLOCK + lane[None, :], source.load([0, 0]))


def test_descriptor_of_an_array_that_is_not_contiguous():
    whole = np.arange(32 * 64, dtype=np.float32).reshape(32, 64)
    with pytest.raises(AssertionError, match="must be contiguous"):
        TensorDescriptor.from_tensor(whole[:, ::4], [16, 16])
    # Rows that are cut out of an array are contiguous enough.
    out = np.ones((16, 16), np.float32)
    copy_block[(1, )](TensorDescriptor.from_tensor(whole[:, 16:32], [16, 16]), out, BLOCK=16)
    assert np.array_equal(out, whole[:16, 16:32])


def test_dtypes_that_kernels_do_not_have():
    x = np.zeros(16, np.float32)
    for dtype in (np.complex64, "U4", object):
        with pytest.raises(TypeError, match="dtype|Unsupported type"):
            add_kernel[(1, )](np.zeros(16, dtype), x, x, 16, BLOCK=16)

    # A framework's tensor, which is also asked for its device.
    class Complex:
        dtype, device = "complex64", object()

        def data_ptr(self):
            return x.ctypes.data

    with pytest.raises(TypeError, match="argument 'x' of add_kernel: tensors of dtype 'complex64' cannot be passed"):
        add_kernel[(1, )](Complex(), x, x, 16, BLOCK=16)


def test_dtype_that_the_kernel_cannot_use():

    @tessera.jit
    def shifts(x):
        tl.store(x, tl.load(x) << 1)

    with pytest.raises(tessera.CompilationError, match="invalid operands of type triton.language.float32"):
        shifts[(1, )](np.zeros(1, np.float32))


def test_int_beyond_64_bits():
    x = np.zeros(16, np.float32)
    with pytest.raises(OverflowError):
        add_kernel[(1, )](x, x, x, 1 << 64, BLOCK=16)


# ---- the cache -------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys, warnings
sys.path.insert(0, sys.argv[1])
import numpy as np
from kernels import add_kernel
from tessera import knobs
x = np.ones(16, np.float32)
for n in (16, 1, 8):
    out = np.zeros(16, np.float32)
    add_kernel[(1, )](x, x, out, n, BLOCK=16)
    assert out.sum() == 2 * n, out
print("ran")
"""


def run_with_cache(folder, **more):
    environment = {**os.environ, "TESSERA_CACHE_DIR": str(folder), **more}
    return subprocess.run([sys.executable, "-c", PROGRAM, str(FOLDER)], capture_output=True, text=True, env=environment)


def test_full_cache_folder(tmp_path):
    """A folder whose file system takes no byte more: kernels run, and it is said once."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    folder = tmp_path / "cache"
    folder.mkdir()
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    done = subprocess.run([sys.executable, "-c", limited + PROGRAM, str(FOLDER)], capture_output=True, text=True,
                          env={**os.environ, "TESSERA_CACHE_DIR": str(folder), "TESSERA_COMPILE_IN_PROCESS": "1"})
    # Standard output is a pipe: the limit is for files.
    assert done.returncode == 0 and done.stdout == "ran\n", done.stderr
    assert done.stderr.count("compiled kernels cannot be kept in") == 1, done.stderr


def test_cache_path_that_is_a_file(tmp_path):
    (tmp_path / "cache").write_text("not a folder")
    done = run_with_cache(tmp_path / "cache")
    assert done.returncode == 0 and done.stdout == "ran\n", done.stderr
    assert done.stderr.count("compiled kernels cannot be kept in") == 1, done.stderr


def test_cache_that_is_switched_off(tmp_path):
    """Nothing is kept, and there is nothing to say about it."""
    done = run_with_cache(tmp_path, TESSERA_CACHE_LIMIT="0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")
    assert {path.name for path in tmp_path.iterdir()} <= {"vetted"}  # that plugins loaded once is kept, and no kernel


# ---- plugins ---------------------------------------------------------------------------------------------------------


def hostile(tmp_path, rule):
    """The environment in which plugin `hostile` is that of the rule: tests/abi/hostile."""
    library = HOSTILE / f"libhostile_{rule}.so"
    if not library.exists():
        pytest.skip("the hostile plugins are not built")
    folder = tmp_path / "plugins.d"
    folder.mkdir(exist_ok=True)
    (folder / "hostile.tessera.json").write_text(json.dumps(
        {"format": 1, "name": "hostile", "version": "1.0", "compiler": str(library), "driver": str(library),
         "targets": [{"name": "hostile"}]}))
    return {**os.environ, "TESSERA_ADD_PLUGINS": str(folder / "hostile.tessera.json"), "TESSERA_CACHE_DIR": str(tmp_path / "cache")}


COMPILE = """
import sys
sys.path.insert(0, sys.argv[1])
import tessera
from tessera.backends.compiler import GPUTarget
from tessera.compiler import ASTSource
from kernels import add_kernel
source = ASTSource(add_kernel, {"x": "*fp32", "y": "*fp32", "out": "*fp32", "n": "i32", "BLOCK": "constexpr"}, {"BLOCK": 64})
try:
    tessera.compile(source, target=GPUTarget("hostile", "hostile", 0))
except Exception as error:
    print(type(error).__name__, str(error))
# The process is alive, and so is its worker pool.
assert tessera.compile(source, target=GPUTarget("cpu", "x86-64-v3", 0)).kernel
print("alive")
"""


@pytest.mark.parametrize("rule, kind, text", [
    ("aborts_in_compile", "RuntimeError", "signal 6 (SIGABRT)"),
    ("segfaults_in_compile", "RuntimeError", "signal 11 (SIGSEGV)"),
    ("aborts_in_negotiate", "RuntimeError", "crashed in stage 'load-plugin' of plugin hostile"),
    ("throws_in_compile", "RuntimeError", "threw a C++ exception"),
    ("loops_in_compile", "TimeoutError", "E0503"),
])
def test_plugin_that_takes_its_process_along(tmp_path, rule, kind, text):
    environment = hostile(tmp_path, rule)
    if rule.startswith("loops"):
        environment["TESSERA_COMPILE_TIMEOUT"] = "1"
    done = subprocess.run([sys.executable, "-c", COMPILE, str(FOLDER)], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0 and done.stdout.endswith("alive\n"), done.stdout + done.stderr
    assert done.stdout.startswith(kind) and text in done.stdout, done.stdout


OPEN = """
from tessera.runtime.driver import DeviceDriver
try:
    DeviceDriver("hostile").device
except Exception as error:
    print(type(error).__name__, str(error))
assert DeviceDriver("cpu").device.plugin == "cpu"
print("alive")
"""


def test_driver_that_aborts_is_found_out_in_a_worker(tmp_path):
    environment = hostile(tmp_path, "aborts_in_negotiate")
    done = subprocess.run([sys.executable, "-c", OPEN], capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and done.stdout.endswith("alive\n"), done.stdout + done.stderr
    assert done.stdout.startswith("RuntimeError") and "in stage 'load' of plugin hostile" in done.stdout, done.stdout
    # That of the processor is sound, and need not be looked at again.
    stamps = list((tmp_path / "cache" / "vetted").iterdir())
    assert [s.name.endswith("-driver") for s in stamps] == [True], stamps
    # On request it is loaded here, and takes the process along: what the worker saved the first one from.
    alone = subprocess.run([sys.executable, "-c", OPEN], capture_output=True, text=True, env={**environment, "TESSERA_COMPILE_IN_PROCESS": "1"})
    assert alone.returncode < 0, alone.stdout


@tessera.jit
def copy_first(pair, source, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(pair[1] + i, tl.load(source + i))


def test_memory_that_must_not_be_written():
    data = bytes(64)
    constant = np.frombuffer(data, np.float32)
    ones, out = np.ones(16, np.float32), np.zeros(16, np.float32)
    for _ in range(2):  # it is no better the second time
        with pytest.raises(ValueError, match="add_kernel writes through out, and the memory that was given for it is read-only"):
            add_kernel[(1, )](ones, ones, constant, 16, BLOCK=16)
        with pytest.raises(ValueError, match="writes through pair.1"):
            copy_first[(1, )]((out, constant), ones, BLOCK=16)
        with pytest.raises(ValueError, match="read-only"):
            copy_first[(1, )]((out, memoryview(data).cast("f")), ones, BLOCK=16)
    assert data == bytes(64)
    add_kernel[(1, )](constant, ones, out, 16, BLOCK=16)  # it may be read
    copy_first[(1, )]((constant, out), constant, BLOCK=16)
    assert not out.any()


@tessera.jit
def fill(x, n, BLOCK: tl.constexpr):
    tl.store(x + tl.arange(0, BLOCK), n)


def test_messages_name_the_argument():
    x = np.zeros(16, np.float32)
    with pytest.raises(TypeError, match="argument 'y' of add_kernel: Unsupported type <class 'str'>.*goes to a parameter declared `tl.constexpr`"):
        add_kernel[(1, )](x, "y", x, 16, BLOCK=16)
    with pytest.raises(TypeError, match=r"argument 'x' of add_kernel: tensors of dtype dtype\('O'\) cannot"):
        add_kernel[(1, )](np.array([None]), x, x, 16, BLOCK=16)
    with pytest.raises(OverflowError, match="argument 'n' of add_kernel: int too big"):
        add_kernel[(1, )](x, x, x, 1 << 70, BLOCK=16)
    with pytest.raises(TypeError, match="num_warps must be an int, not 'many'"):
        add_kernel[(1, )](x, x, x, 16, BLOCK=16, num_warps="many")
    with pytest.raises(tessera.CompilationError, match="this one is .*1.5.*, which is no int"):
        add_kernel[(1, )](x, x, x, 16, BLOCK=1.5)
    for kernel, text in ((add_kernel, "… of type ndarray"), (fill, "…, which is no int")):  # not the thousand elements
        with pytest.raises(tessera.CompilationError, match=text) as caught:
            kernel[(1, )](*[x] * (3 if kernel is add_kernel else 1), 16, BLOCK=np.zeros(1000))
        assert len(str(caught.value)) < 400


def host_only(x):
    return x


@tessera.jit
def kernel_calls_host(y, N: tl.constexpr):
    v = "é", host_only(1)
    tl.store(y + tl.arange(0, N), v[1])


@tessera.constexpr_function
def constant_calls_host(x):
    return host_only(x)


@tessera.jit
def kernel_calls_constant(y, N: tl.constexpr):
    tl.store(y + tl.arange(0, N), constant_calls_host(N))


@pytest.mark.parametrize("kernel, function, line, column", [
    (kernel_calls_host, kernel_calls_host, '    v = "é", host_only(1)', 14),
    (kernel_calls_constant, constant_calls_host, "    return host_only(x)", 12),
])
def test_function_of_the_host(kernel, function, line, column):
    with pytest.raises(RuntimeError) as caught:
        kernel[(1,)](np.zeros(16, np.float32), N=16)
    head, place, text, mark, help = str(caught.value).split("\n")
    assert head == f"Unsupported function referenced: {host_only}"
    number = function.fn.__code__.co_firstlineno + 2
    assert place == f"{__file__}:{number}:{column}: in {function.fn.__module__}.{function.fn.__name__}"
    assert text == line and mark == " " * (column - 1) + "^" * len("host_only")
    assert "triton.jit" in help and "triton.constexpr_function" in help


@tessera.jit
def store_at(address: tl.int64, v):
    tl.store(tl.cast(address, tl.pointer_type(tl.float32)), v)


@pytest.mark.parametrize("address", [0, 64])
def test_a_fault_names_the_address(address):
    with pytest.raises(RuntimeError, match=f"store_at.*access to address {address:#x}, which is not memory"):
        store_at[(1,)](address, 1.0)
