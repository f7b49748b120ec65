# test_devices.py - drivers: facts, tensors where they belong, a device with memory of its own
# SPDX-License-Identifier: Apache-2.0
import gc
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import tessera
from tessera import _tessera
from tessera.backends.compiler import GPUTarget
from tessera.runtime.driver import DeviceDriver, driver, target_text

from kernels import add_kernel
from software_devices import active


class DeviceArray:
    """Memory of a device that the host cannot reach."""

    def __init__(self, device, array):
        self.device, self.dtype, self.array = device, array.dtype, array
        self.buffer = _tessera.Buffer(device, array.nbytes)
        self.buffer.write(array.tobytes())

    def data_ptr(self):
        return self.buffer.address

    def fetch(self):
        self.buffer.read(self.array)
        return self.array


@pytest.fixture
def mock():
    driver.set_active(DeviceDriver("mock"))
    yield driver.active
    driver.reset_active()


def test_facts_of_the_processor():
    active = driver.active
    target = active.get_current_target()
    assert target.backend == "cpu" and target.arch.startswith("x86-64-v") and target.warp_size == 1
    assert target_text(target) == f"cpu/{target.arch}"
    assert active.get_current_device() == 0 and active.get_current_stream(0) == 0
    properties = active.utils.get_device_properties(0)
    assert properties["multiprocessor_count"] >= 1 and properties["max_shared_mem"] > 0
    assert {"max_num_regs", "warpSize", "sm_clock_rate", "mem_clock_rate", "mem_bus_width"} <= set(properties)
    assert active.map_python_to_cpp_type("*fp32") == "void*" and active.map_python_to_cpp_type("i64") == "int64_t"
    active.set_current_device(0)
    with pytest.raises(ValueError):
        active.set_current_device(7)


def test_targets_as_the_compiler_spells_them():
    assert target_text(GPUTarget("cuda", 90, 32)) == "nvidia/sm_90a"
    assert target_text(GPUTarget("cuda", 80, 32)) == "nvidia/sm_80"
    assert target_text(GPUTarget("hip", "gfx942", 64)) == "amd/gfx942"


def test_active_torch_device():
    torch = pytest.importorskip("torch")
    assert driver.active.get_active_torch_device() == torch.device("cpu")


def test_events_measure():
    interface = driver.active.get_device_interface()
    start, end = interface.Event(enable_timing=True), interface.Event(enable_timing=True)
    x = np.zeros(1 << 20, np.float32)
    start.record()
    add_kernel[(1024, )](x, x, x, x.size, BLOCK=1024)
    end.record()
    interface.synchronize()
    assert 0 < start.elapsed_time(end) < 10000


def test_no_such_device():
    with pytest.raises(RuntimeError, match="nonesuch"):
        DeviceDriver("nonesuch").device


def test_a_device_with_its_own_memory(mock):
    x, y = np.arange(64, dtype=np.float32), np.full(64, 2, np.float32)
    dx, dy, out = (DeviceArray(mock.device, a.copy()) for a in (x, y, np.zeros(64, np.float32)))
    compiled = add_kernel[(1, )](dx, dy, out, 64, BLOCK=64)
    mock.device.synchronize()
    assert np.array_equal(out.fetch(), x + y)
    assert compiled.metadata.target.backend == "mock"


def test_a_device_flushes_its_own_cache_and_measures_on_its_stream(mock):
    flush = mock.get_empty_cache_for_benchmark()
    assert isinstance(flush._buffer, _tessera.Buffer) and flush._buffer.bytes >= 256 << 20
    assert flush.zero_() is flush
    small = _tessera.Buffer(mock.device, 16)
    read = bytearray(16)
    small.fill(7)
    mock.device.synchronize()
    small.read(read)
    assert read == b"\x07" * 16
    interface = mock.get_device_interface()
    stream = interface.Stream()
    start, end = interface.Event(), interface.Event()
    with mock.on_stream(stream):
        assert mock.launch_stream() is stream
        start.record()
        small.fill(9, mock.launch_stream())
        end.record()
    assert mock.launch_stream() is None and start.elapsed_time(end) >= 0


# Over the libcuda in software, which works a stream off only when somebody waits for it.
_ON_ONE_STREAM = """
from tessera import _tessera
from tessera.runtime.driver import driver
active = driver.active
interface = active.get_device_interface()
launches = _tessera.Stream(active.device, native=active.get_current_stream())
start, end = interface.Event(enable_timing=True), interface.Event(enable_timing=True)
flush = active.get_empty_cache_for_benchmark()
flush._buffer.fill(1)
active.device.synchronize()
start.record()
active.clear_cache(flush)
end.record()
launches.synchronize()
first = bytearray(flush._buffer.bytes)
flush._buffer.read(first)
print(start._event.elapsed_ns(end._event) > 0, first.count(0) == len(first))
for event in (start, end):
    event._event.record(launches)
interface.synchronize()
print(start._event.elapsed_ns(end._event) > 0)
"""


def words_on_fake_cuda(program):
    """What a program prints where libcuda is one in software."""
    fake = os.environ.get("TESSERA_FAKE_CUDA")
    if not fake:
        pytest.skip("TESSERA_FAKE_CUDA names no folder with a libcuda in software")
    environment = dict(os.environ, LD_LIBRARY_PATH=fake, TESSERA_DEVICE="nvidia")
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_events_flushes_and_waits_go_where_launches_go():
    assert words_on_fake_cuda(_ON_ONE_STREAM) == ["True"] * 3


_DROPPED = """
import ctypes
from tessera import _tessera
from tessera.runtime.driver import driver
device = driver.active.device
for stream in (None, _tessera.Stream(device), _tessera.Stream(device, native=0)):
    kept, dropped = _tessera.Buffer(device, 4), _tessera.Buffer(device, 4)
    kept.fill(9, stream)
    before = ctypes.string_at(kept.address, 1) == bytes([9])
    del dropped
    print(before, ctypes.string_at(kept.address, 1) == bytes([9]))
"""


def test_a_buffer_that_is_dropped_waits_for_every_stream():
    assert words_on_fake_cuda(_DROPPED) == ["False", "True"] * 3


_DROPPED_BEHIND_A_FAILURE = """
import sys
import numpy as np
import tessera
import tessera.language as tl
from tessera.runtime.driver import DeviceDriver, driver
from test_devices import DeviceArray

@tessera.jit
def failing(x):
    tl.device_assert(tl.program_id(0) == 1, "first")

driver.set_active(DeviceDriver(sys.argv[1]))
failing[(1, )](DeviceArray(driver.active.device, np.zeros(4, np.float32)), debug=True)  # the array ends here
try:
    driver.active.device.synchronize()
except RuntimeError as error:
    print("first" in str(error))
"""


@pytest.mark.parametrize("name", ("mock", "simt"))
def test_a_buffer_that_is_dropped_behind_a_failure_neither_waits_nor_tells_it(name):
    with active(name):
        pass
    here = os.path.dirname(__file__)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]))
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:  # kernels need a source
        file.write(_DROPPED_BEHIND_A_FAILURE)
        file.flush()
        done = subprocess.run([sys.executable, file.name, name], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True"]


def test_rates_that_models_of_candidates_divide_by():
    fake = os.environ.get("TESSERA_FAKE_CUDA")
    if not fake:
        pytest.skip("TESSERA_FAKE_CUDA names no folder with a libcuda in software")
    ask = """
import tessera
from tessera.runtime.driver import driver
from tessera.testing import get_dram_gbps
p = driver.active.utils.get_device_properties(0)
print(p["sm_clock_rate"], p["mem_clock_rate"], p["mem_bus_width"], get_dram_gbps(0) > 0)
"""
    environment = dict(os.environ, LD_LIBRARY_PATH=fake, TESSERA_DEVICE="nvidia")
    done = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1980000", "3201000", "6144", "True"]


_PRINTS_AT_ONCE = """
import ctypes
import tessera
import tessera.language as tl
from tessera import _tessera
from tessera.runtime.driver import driver

@tessera.jit
def nothing(LOUD: tl.constexpr):  # the one kernel of machine code that this libcuda knows
    if LOUD:
        tl.device_print("program", tl.program_id(0))

active = driver.active
launches = _tessera.Stream(active.device, native=active.get_current_stream())
for loud in (False, True):
    memory = _tessera.Buffer(active.device, 4)
    memory.fill(9, launches)
    nothing[(1, )](loud)
    print(ctypes.string_at(memory.address, 1) == bytes([9]))
"""


def test_prints_come_with_the_launch_on_a_stream_of_others(tmp_path):
    fake = os.environ.get("TESSERA_FAKE_CUDA")
    if not fake:
        pytest.skip("TESSERA_FAKE_CUDA names no folder with a libcuda in software")
    script = tmp_path / "prints.py"
    script.write_text(_PRINTS_AT_ONCE)
    environment = dict(os.environ, LD_LIBRARY_PATH=fake, TESSERA_DEVICE="nvidia")
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "True"]


def test_a_batch_of_samples_waits_for_the_device_once(mock, monkeypatch):
    from tessera.runtime import tuning
    order, waits = [], []
    sampler = tuning.Sampler()
    real = sampler._device.synchronize
    monkeypatch.setattr(sampler._device, "synchronize", lambda: (waits.append(len(order)), real()))
    times = sampler.batch(lambda: order.append("prepare"), lambda: order.append("launch"), lambda: order.append("finish"), 3)
    assert order == ["prepare", "launch", "finish"] * 3 and waits == [9]
    assert len(times) == 3 and min(times) >= 0


def test_a_sleeping_device_is_woken_until_its_times_are_steady(mock, monkeypatch):
    from tessera.runtime import tuning
    monkeypatch.setattr(tuning, "_STEADY_S", 0.02)
    sampler = tuning.Sampler()
    falling = iter([5.0, 4.0, 3.0, 2.0] + [2.0] * 100000)
    calls = []
    monkeypatch.setattr(sampler, "batch", lambda prepare, launch, finish, count: calls.append(count) or [next(falling)] * count)
    assert not sampler._awake
    sampler._wake(None, None, None)
    assert sampler._awake and len(calls) > 4 and set(calls) == {8}


def test_who_measures_next_finds_the_device_awake(mock, monkeypatch):
    from tessera.runtime import tuning
    wakings = []
    monkeypatch.setattr(tuning.Sampler, "_wake", lambda self, *work: wakings.append(self))
    monkeypatch.setattr(tuning.Sampler, "_worked", float("-inf"))
    nothing = (lambda: None, ) * 3
    first, second, late = (tuning.Sampler() for _ in range(3))
    for sampler in (first, second, late):  # this device's cache is evicted by hand, byte by byte
        sampler._flush = None
    first.quantiles(*nothing, float("inf"))
    second.quantiles(*nothing, float("inf"))
    monkeypatch.setattr(tuning, "_AWAKE_S", -1.0)
    late.quantiles(*nothing, float("inf"))
    assert wakings == [first, late]


def test_cpu_tensors_do_not_fit_it(mock):
    x = np.zeros(64, np.float32)
    dx = DeviceArray(mock.device, x.copy())
    with pytest.raises(ValueError, match=r"Pointer argument \(at 1\) cannot be accessed from Triton \(cpu tensor\?\)"):
        add_kernel[(1, )](dx, x, dx, 64, BLOCK=64)


def test_its_tensors_do_not_fit_the_processor():
    other = _tessera.Device("mock")
    x = DeviceArray(other, np.zeros(64, np.float32))
    with pytest.raises(ValueError, match=r"Pointer argument \(at 0\) cannot be accessed"):
        add_kernel[(1, )](x, x, x, 64, BLOCK=64)


def test_switching_devices_keeps_both_kernels(mock):
    arrays = [np.ones(16, np.float32) for _ in range(2)] + [np.zeros(16, np.float32)]
    on_device = [DeviceArray(mock.device, a.copy()) for a in arrays]
    for _ in range(2):
        driver.set_active(mock)
        add_kernel[(1, )](*on_device, 16, BLOCK=16)
        driver.reset_active()
        add_kernel[(1, )](*arrays, 16, BLOCK=16)
    mock.device.synchronize()
    assert arrays[2][0] == on_device[2].fetch()[0] == 2


def test_a_driver_that_is_gone_leaves_no_kernel_to_a_later_one():
    def added(chosen):
        driver.set_active(chosen)
        try:
            x, y = (DeviceArray(chosen.device, np.ones(16, np.float32)) for _ in range(2))
            add_kernel[(1, )](x, x, y, 16, BLOCK=16)
            chosen.device.synchronize()
            return y.fetch()[0]
        finally:
            driver.reset_active()

    def id_of_one_that_was_used():
        chosen = DeviceDriver("mock")
        assert added(chosen) == 2
        return id(chosen)

    # A driver that takes the place of an earlier one in memory has its id: most rounds make one, where drivers go at all.
    for _ in range(20):
        number = id_of_one_that_was_used()
        gc.collect()
        later = [DeviceDriver("simt") for _ in range(20)]
        assert added(next((d for d in later if id(d) == number), later[0])) == 2


_PINNED = """
import tessera

class Host:
    device, dtype = "cpu", "float32"

    def __init__(self, pinned):
        self.pinned = pinned

    def data_ptr(self):
        return 1 << 20

    def is_pinned(self):
        return self.pinned

@tessera.jit
def nothing(x):
    pass

for pinned in (True, False):
    try:
        nothing[(1,)](Host(pinned))
    except (RuntimeError, ValueError) as error:
        print(error)
"""


def test_locked_host_memory_is_memory_of_a_cuda_device(tmp_path):
    fake = os.environ.get("TESSERA_FAKE_CUDA")
    if not fake:
        pytest.skip("TESSERA_FAKE_CUDA names no folder with a libcuda in software")
    (tmp_path / "pinned.py").write_text(_PINNED)
    environment = dict(os.environ, LD_LIBRARY_PATH=fake, TESSERA_DEVICE="nvidia")
    done = subprocess.run([sys.executable, str(tmp_path / "pinned.py")], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # What the software driver does not run got as far as its launch.
    first, second = done.stdout.splitlines()
    assert "could not start" in first and second == "Pointer argument (at 0) cannot be accessed from Triton (cpu tensor?)"


_WITH_DRIVERS = """
import ctypes, re, sys
libcuda = ctypes.CDLL("libcuda.so.1")
libcuda.fake_cuda_control.restype = ctypes.POINTER(ctypes.c_int)
libcuda.fake_cuda_control()[0] = int(sys.argv[1])  # the driver's version comes first there

import tessera
import tessera.language as tl
from tessera.backends.compiler import GPUTarget
from tessera.runtime.driver import driver

@tessera.jit
def nothing(a, b, c, n, M: tl.constexpr):  # the one kernel of machine code that this libcuda knows
    m = tl.arange(0, M)
    sums = tl.zeros((M, M), dtype=tl.float32)
    for k in range(0, n, M):
        sums = tl.dot(tl.load(a + m[:, None] * n + k + m[None, :]), tl.load(b + (k + m)[:, None] * n + m[None, :]), sums)
    tl.store(c + m[:, None] * n + m[None, :], sums.to(tl.float16))

class Half:
    dtype = tl.float16
    def data_ptr(self):
        return 4096

def copies(kernel):
    return bool(re.search("cp[.]async[.]bulk[.]tensor", kernel.asm["ptx"]))

here = nothing.warmup(Half(), Half(), Half(), 256, M=64, grid=(1, ))
target = driver.active.get_current_target()
print(copies(here), here.metadata.target == target, target == GPUTarget("cuda", 90, 32), target.arch)
signature = dict(a="*fp16", b="*fp16", c="*fp16", n="i32", M="constexpr")
facts = {(i, ): [["tt.divisibility", 16]] for i in range(4)}
ahead = tessera.compile(tessera.compiler.ASTSource(nothing, signature, {"M": 64}, facts), target=GPUTarget("cuda", 90, 32))
print(copies(ahead), ahead.hash != here.hash)
"""


@pytest.mark.parametrize("version", [12020, 12040])
def test_kernels_for_a_device_have_no_copies_that_its_driver_lacks(tmp_path, version):
    fake = os.environ.get("TESSERA_FAKE_CUDA")
    if not fake:
        pytest.skip("TESSERA_FAKE_CUDA names no folder with a libcuda in software")
    (tmp_path / "drivers.py").write_text(_WITH_DRIVERS)
    environment = dict(os.environ, LD_LIBRARY_PATH=fake, TESSERA_DEVICE="nvidia")
    done = subprocess.run([sys.executable, str(tmp_path / "drivers.py"), str(version)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    new = version >= 12040
    assert done.stdout.splitlines() == [f"{new} True {new} 90", f"True {not new}"]
