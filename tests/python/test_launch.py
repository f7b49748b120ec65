# test_launch.py - the launch path: binding, specialisation, packing, grids, hooks, errors
# SPDX-License-Identifier: Apache-2.0
import ctypes

import numpy as np
import pytest

import tessera
import tessera.language as tl
from tessera import _tessera, knobs
from tessera.runtime.driver import driver

from kernels import add_kernel, fill_kernel, forward_kernel, grid_kernel, plain_kernel, scale_kernel, strided_kernel


def aligned(n, dtype=np.float32, offset=0):
    """n elements whose address is `offset` elements beyond a multiple of 64."""
    raw = np.zeros(n * np.dtype(dtype).itemsize + 128, np.uint8)
    start = -raw.ctypes.data % 64 + offset * np.dtype(dtype).itemsize
    return raw[start:start + n * np.dtype(dtype).itemsize].view(dtype)



def test_vector_add():
    n = 1000
    x, y, out = np.random.rand(n).astype(np.float32), np.random.rand(n).astype(np.float32), np.zeros(n, np.float32)
    compiled = add_kernel[(tessera.cdiv(n, 256), )](x, y, out, n, BLOCK=256)
    assert np.array_equal(out, x + y)
    assert compiled.metadata.name == compiled.name == "add_kernel"
    assert compiled.metadata.target == driver.active.get_current_target()


@pytest.mark.parametrize("value, expected", [
    (None, ("constexpr", None)), (True, ("u1", None)), (1, ("constexpr", 1)), (0, ("i32", "D")), (7, ("i32", "")),
    (16, ("i32", "D")), (-16, ("i32", "D")), (2**31 - 1, ("i32", "")), (2**31, ("i64", "D")), (-2**31, ("i32", "D")),
    (-2**31 - 1, ("i64", "")), (2**63 - 1, ("i64", "")), (2**63, ("u64", "D")), (2**64 - 1, ("u64", "")), (1.0, ("fp32", None)),
    (np.int32(5), ("i32", "")), (np.float32(1), ("fp32", None)), (np.float64(1), ("fp32", None)), ((1, 2.0, (None, 32)), (("constexpr", "fp32", ("constexpr", "i32")), (1, None, (None, "D")))),
])
def test_specialisation_of_numbers(value, expected):
    assert _tessera.specialization(value) == expected


@pytest.mark.parametrize("dtype, name", [(np.float16, "fp16"), (np.float32, "fp32"), (np.float64, "fp64"), (np.int8, "i8"),
                                         (np.int64, "i64"), (np.uint16, "u16"), (np.uint32, "u32"), (np.bool_, "i1")])
def test_specialisation_of_arrays(dtype, name):
    assert _tessera.specialization(aligned(4, dtype)) == ("*" + name, "D")
    assert _tessera.specialization(aligned(4, dtype), True) == ("*k" + name, "D")
    if np.dtype(dtype).itemsize < 16:
        assert _tessera.specialization(aligned(4, dtype, 1)) == ("*" + name, "")
    assert _tessera.specialization(aligned(4, dtype), False, False) == ("*" + name, None)
    assert _tessera.specialization(aligned(4, dtype), False, True, False) == ("*" + name, "")


def test_a_negative_multiple_of_16_says_nothing():
    """Strides of which a kernel knows that 16 divides them may be those of tensor copies, which go forward only."""
    x, out = np.arange(64, dtype=np.float32), np.zeros(4, np.float32)
    forward = strided_kernel[(1, )](x, out, 16, BLOCK=4)
    assert out.tolist() == [0, 16, 32, 48] and "tile.divisibility" in _parameter(forward, "stride")
    backward = strided_kernel[(1, )](x[48:], out, -16, BLOCK=4)
    assert out.tolist() == [48, 32, 16, 0] and "tile.divisibility" not in _parameter(backward, "stride")


def _parameter(compiled, name):
    """What the kernel's IR says of a parameter."""
    return next(text for text in compiled.asm["ttir"].split("{") if f'tile.name = "{name}"' in text)


def test_specialisation_options():
    assert _tessera.specialization(1, False, False) == ("i32", None)
    assert _tessera.specialization(16, False, True, False) == ("i32", "")


def test_int_out_of_range():
    with pytest.raises(OverflowError):
        _tessera.specialization(2**64)
    with pytest.raises(OverflowError):
        add_kernel[(1, )](np.zeros(4, np.float32), np.zeros(4, np.float32), np.zeros(4, np.float32), 2**64, BLOCK=4)


class DataPtrTensor:
    """What a framework's tensor is at least."""

    def __init__(self, array, device="cpu"):
        self.array, self.dtype, self.device = array, array.dtype, device

    def data_ptr(self):
        return self.array.ctypes.data


class DlpackTensor:

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return 1, 0


class CudaTensor:

    def __init__(self):
        self.__cuda_array_interface__ = {"data": (4096, False), "typestr": "<f4", "shape": (4, ), "version": 3}


@pytest.mark.parametrize("wrap", [lambda a: a, DataPtrTensor, DlpackTensor, memoryview, lambda a: tessera.reinterpret(a, tessera.language.float32)])
def test_tensor_classes(wrap):
    x, y, out = (aligned(16) for _ in range(3))
    x[:], y[:] = np.arange(16), 5
    add_kernel[(1, )](wrap(x), wrap(y), wrap(out), 16, BLOCK=16)
    assert np.array_equal(out, x + y)


def test_array_of_ctypes():
    out = (ctypes.c_int32 * 8)()
    fill_kernel[(1, )](out, 7, BLOCK=8)
    assert list(out) == [7] * 8


def test_tensor_of_another_device():
    x = np.zeros(16, np.float32)
    with pytest.raises(ValueError, match=r"Pointer argument \(at 1\) cannot be accessed"):
        add_kernel[(1, )](x, CudaTensor(), x, 16, BLOCK=16)
    with pytest.raises(ValueError, match=r"Pointer argument \(at 0\) cannot be accessed"):
        add_kernel[(1, )](DataPtrTensor(x, "cuda:0"), x, x, 16, BLOCK=16)


def test_number_for_a_pointer():
    out = aligned(4, np.int32)
    fill_kernel[(1, )](out, 3, BLOCK=4)
    assert list(out) == [3] * 4
    with pytest.raises(TypeError, match="Unsupported type"):
        fill_kernel[(1, )]("text", 3, BLOCK=4)


def test_none_is_a_constant():
    out, x = np.zeros(1, np.int32), np.full(1, 9, np.int32)
    forward_kernel[(1, )](out, x)
    assert out[0] == 9
    forward_kernel[(1, )](out, None)
    assert out[0] == -1


def test_annotated_float_is_not_rounded():
    out, x = np.zeros(16), np.ones(16)
    scale_kernel[(1, )](out, x, 1 + 2**-40)
    assert out[3] == 1 + 2**-40
    scale_kernel[(1, )](out, x, 3)
    assert out[3] == 3


def test_do_not_specialize():
    plain_kernel.device_caches.clear()
    x = np.zeros(32, np.int32)
    for n in (1, 2, 16, 2**20):
        plain_kernel[(1, )](x, n)
        assert x[0] == n
    plain_kernel[(1, )](x[1:], 5)
    assert x[1] == 5
    assert len(plain_kernel.device_caches[driver.active.get_current_device()][0]) == 1


def test_kernels_per_specialisation():
    fill_kernel.device_caches.clear()
    out = aligned(64, np.int32)
    cache = fill_kernel.device_caches[driver.active.get_current_device()][0]
    for value, count in ((2, 1), (3, 1), (16, 2), (1, 3), (2**40, 3 + 1), (True, 5), (2.5, 6), (4, 6)):
        fill_kernel[(1, )](out, value, BLOCK=32)
        assert len(cache) == count, value
        assert out[0] == np.array(value).astype(np.int32)
    fill_kernel[(1, )](out, 2, BLOCK=64)
    assert len(cache) == 7
    fill_kernel[(1, )](out, 2, BLOCK=64, num_warps=8)
    assert len(cache) == 8


def test_cleared_cache_compiles_again():
    calls = []
    out = np.zeros(16, np.int32)
    fill_kernel[(1, )](out, 3, BLOCK=16)
    knobs.runtime.jit_post_compile_hook = lambda **kwargs: calls.append(kwargs["fn"].name)
    try:
        fill_kernel[(1, )](out, 3, BLOCK=16)
        assert calls == []
        fill_kernel.device_caches.clear()
        fill_kernel[(1, )](out, 3, BLOCK=16)
        assert calls == ["fill_kernel"]
    finally:
        knobs.runtime.jit_post_compile_hook = None


def test_grids():
    for grid, size in (((2, 3, 4), (2, 3, 4)), ([5], (5, 1, 1)), (3, (3, 1, 1)), ((2, np.int64(2)), (2, 2, 1)),
                       (lambda meta: (7, ), (7, 1, 1)), (lambda meta: [1, meta["out"].size // 64], (1, 2, 1))):
        out = np.full(128, -1, np.int32)
        grid_kernel[grid](out)
        x, y, z = size
        expected = [i + 100 * j + 10000 * k for k in range(z) for j in range(y) for i in range(x)]
        assert list(out[:len(expected)]) == expected and (out[len(expected):] == -1).all()


def test_grid_sees_all_arguments():
    seen = {}

    def grid(meta):
        seen.update(meta)
        return (1, )

    x = np.zeros(16)
    scale_kernel[grid](x, x, factor=2.0)
    assert set(seen) == {"out", "x", "factor", "BLOCK"} and seen["BLOCK"] == 16 and seen["x"] is x


def test_zero_grid_launches_nothing():
    out = np.zeros(16, np.int32)
    for grid in ((0, ), (4, 0), lambda meta: (1, 1, 0)):
        assert fill_kernel[grid](out, 3, BLOCK=16).name == "fill_kernel"
    assert not out.any()


@pytest.mark.parametrize("grid, error, text", [
    ((-1, ), ValueError, "between 0 and 2147483647"), ((1, 2**31), ValueError, "between 0 and 2147483647"),
    ((1, 1, 1, 1), ValueError, "one to three"), ((), ValueError, "one to three"), ("x", TypeError, "up to three ints"),
    (None, TypeError, "a grid is"), ((1.5, ), TypeError, "up to three ints"), (lambda meta: None, TypeError, "a grid is")])
def test_bad_grids(grid, error, text):
    with pytest.raises(error, match=text):
        fill_kernel[grid](np.zeros(16, np.int32), 3, BLOCK=16)


def test_wrong_arguments():
    x = np.zeros(16, np.float32)
    with pytest.raises(TypeError, match=r"add_kernel\(\) missing 2 required positional arguments: 'n', 'BLOCK'"):
        add_kernel[(1, )](x, x, x)
    with pytest.raises(TypeError, match=r"add_kernel\(\) takes 5 positional arguments but 6 were given"):
        add_kernel[(1, )](x, x, x, 1, 2, 3)
    with pytest.raises(TypeError, match=r"multiple values for argument 'n'"):
        add_kernel[(1, )](x, x, x, 16, n=16, BLOCK=16)
    with pytest.raises(KeyError, match="Keyword argument num_wraps was specified but unrecognised"):
        add_kernel[(1, )](x, x, x, 16, BLOCK=16, num_wraps=4)
    for name in ("device", "stream", "device_type"):
        with pytest.raises(AssertionError, match="deprecated"):
            add_kernel[(1, )](x, x, x, 16, BLOCK=16, **{name: 0})
    with pytest.raises(AssertionError, match="num_warps must be a power of 2"):
        add_kernel[(1, )](x, x, x, 16, BLOCK=16, num_warps=3)
    with pytest.raises(RuntimeError, match="outside of the scope of a kernel"):
        add_kernel(x, x, x, 16, BLOCK=16)


def test_hooks():
    seen = []
    out = np.zeros(16, np.int32)
    enter, leave = (lambda meta: seen.append(("enter", meta.get()["name"]))), (lambda meta: seen.append(("exit", meta.get()["name"])))
    knobs.runtime.launch_enter_hook.add(enter)
    knobs.runtime.launch_exit_hook.add(leave)
    try:
        fill_kernel[(1, )](out, 3, BLOCK=16)
    finally:
        knobs.runtime.launch_enter_hook.remove(enter)
        knobs.runtime.launch_exit_hook.remove(leave)
    assert seen == [("enter", "fill_kernel"), ("exit", "fill_kernel")] and out[0] == 3
    fill_kernel[(1, )](out, 3, BLOCK=16)
    assert len(seen) == 2


def test_pre_run_hook():
    calls = []
    out = np.zeros(16, np.int32)
    fill_kernel.add_pre_run_hook(lambda *args, **kwargs: calls.append((len(args), kwargs)))
    try:
        fill_kernel[(1, )](out, 3, BLOCK=16)
    finally:
        fill_kernel.pre_run_hooks.clear()
    assert calls == [(2, {"BLOCK": 16})]


def test_warmup_launches_nothing():
    import tessera.language as tl
    compiled = fill_kernel.warmup(tl.int32, 3, BLOCK=32, grid=(1, ))
    out = aligned(32, np.int32)
    assert fill_kernel[(1, )](out, 3, BLOCK=32) is compiled
    assert out[31] == 3


def test_compiled_kernel_launches_with_all_parameters():
    x, y, out = np.ones(16, np.float32), np.ones(16, np.float32), np.zeros(16, np.float32)
    compiled = add_kernel.warmup(x, y, out, 16, BLOCK=16, grid=(1, ))
    compiled[(1, 1, 1)](x, y, out, 16, 16)
    assert out[0] == 2


def test_stream_runs_in_order():
    device = driver.active.device
    stream = _tessera.Stream(device, 0, True)
    out = np.zeros(16, np.int32)
    with driver.active.on_stream(stream):
        for value in range(2, 50):
            fill_kernel[(1, )](out, value, BLOCK=16)
    stream.synchronize()
    assert out[0] == 49


@tessera.jit
def slow_kernel(out, rounds):
    x = 0
    for i in range(rounds):
        x = (x * 1664525 + i) ^ (x >> 3)
    tl.store(out, x)


def test_a_buffer_waits_for_queued_work_before_it_goes():
    device = driver.active.device
    stream, other = _tessera.Stream(device, 0, True), _tessera.Stream(device, 0, True)
    buffer = _tessera.Buffer(device, 64)
    compiled = slow_kernel.warmup(np.zeros(16, np.int32), 5, grid=(1, ))
    for queued in (stream, other):
        compiled[(1, 1, 1)](buffer.address, 1 << 26, stream=queued)
    assert not stream.query() and not other.query()  # some hundred milliseconds of work
    del buffer
    assert stream.query() and other.query()


def test_threads_launch_at_once():
    import threading
    outs = [np.zeros(1024, np.int32) for _ in range(4)]

    def work(out, value):
        for _ in range(200):
            fill_kernel[(64, )](out, value, BLOCK=16)

    threads = [threading.Thread(target=work, args=(out, i + 2)) for i, out in enumerate(outs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [set(out) for out in outs] == [{2}, {3}, {4}, {5}]


def test_descriptors_are_flattened():
    from tessera.tools.tensor_descriptor import TensorDescriptor
    base = aligned(64 * 32, np.float16).reshape(64, 32)
    assert _tessera.specialization(TensorDescriptor.from_tensor(base, [16, 32])) == ("tensordesc<fp16[16, 32], whole>", None)
    assert _tessera.specialization(TensorDescriptor(base, [64, 31], [32, 1], [16, 32])) == ("tensordesc<fp16[16, 32]>", None)
    assert _tessera.specialization(TensorDescriptor(base, [64, 24], [32, 1], [16, 32]))[0] == "tensordesc<fp16[16, 32], whole>"
    nan = TensorDescriptor.from_tensor(base, [16, 32], padding="nan")
    assert _tessera.specialization(nan) == ("tensordesc<fp16[16, 32], nan, whole>", None)
    from tessera.runtime.jit import native_specialize_impl
    assert native_specialize_impl(None, nan, False, True, True) == ("tensordesc<fp16[16, 32], nan>", None)


def test_what_kernels_print_is_shown_at_once(capfd):
    import tessera.language as tl

    @tessera.jit
    def kernel(x):
        tl.device_print("value", tl.load(x))

    kernel[(1, )](np.full(1, 42, np.int32))
    assert capfd.readouterr().out == "pid (0, 0, 0) idx () value: 42\n"
