# test_user_code.py - what programs build on the language: aggregates, builtins of their own, constexpr methods, older spellings
# SPDX-License-Identifier: Apache-2.0
import enum

import numpy as np
import pytest
import tessera
import tessera.language as tl

X = np.arange(8, dtype=np.float32)


def launch(kernel, *constants, **options):
    out = np.zeros(8, np.float32)
    kernel[(1,)](X, out, *constants, **options)
    return out


def test_bitwise_atomics_of_floats_take_their_bits():

    @tessera.jit
    def kernel(x, out, B: tl.constexpr):
        i = tl.arange(0, B)
        old = tl.atomic_xor(out + i, tl.load(x + i), mask=i != 3)
        tl.atomic_or(out + i, 1.5)
        tl.atomic_and(out + i, -7.5)
        tl.store(out + B + i, old, mask=i != 3)

    out = np.full(16, 2.5, np.float32)
    kernel[(1,)](X, out, 8)
    one, half, mask = (np.float32(c).view(np.int32) for c in (2.5, 1.5, -7.5))
    mixed = np.where(X == 3, one, X.view(np.int32) ^ one)
    np.testing.assert_array_equal(out[:8].view(np.int32), (mixed | half) & mask)
    np.testing.assert_array_equal(out[8:], np.full(8, 2.5))


def test_stores_through_pointers_to_bools():

    @tessera.jit
    def kernel(x, out, B: tl.constexpr):
        i = tl.arange(0, B)
        tl.store(out + i, tl.load(x + i) * 0.25)
        tl.store(out + B + i, i * 85)
        tl.store(out + 2 * B + i, i > 3)
        tl.store(out + 3 * B, 0.75)
        tl.store(out + 3 * B + 1, 2)
        tl.store(out + 3 * B + 2, True)

    out = np.zeros(27, np.bool_)
    kernel[(1,)](X, out, 8)
    # Triton 3.6's bytes: what is no bool is stored as an int8.
    expected = [0, 0, 0, 0, 1, 1, 1, 1, 0, 85, 170, 255, 84, 169, 254, 83, 0, 0, 0, 0, 1, 1, 1, 1, 0, 2, 1]
    assert out.view(np.uint8).tolist() == expected


def test_the_best_of_a_number_that_is_no_power_of_two():

    @tessera.jit
    def kernel(x, out, B: tl.constexpr):
        best = tl.topk(tl.load(x + tl.arange(0, B)), 7)
        tl.static_assert(best.shape[0] == 4)
        tl.store(out + tl.arange(0, 4), best)

    np.testing.assert_array_equal(launch(kernel, 8), [7, 6, 5, 4, 0, 0, 0, 0])


@tl.core._aggregate
class Pair:
    first: tl.tensor
    second: tl.tensor
    scale: tl.constexpr

    def __init__(self, first, second, scale):
        self.first = first
        self.second = second
        self.scale = scale

    @tessera.jit
    def total(self, factor):
        return (self.first + self.second) * factor * self.scale


def test_aggregates():

    @tessera.jit
    def kernel(x, out, B: tl.constexpr):
        i = tl.arange(0, B)
        value = tl.load(x + i)
        pair = Pair(value, value * 10, 2)
        tl.store(out + i, pair.total(3))

    np.testing.assert_array_equal(launch(kernel, 8), X * 66)


def test_aggregates_are_carried_by_loops():

    @tessera.jit
    def kernel(x, out, B: tl.constexpr):
        i = tl.arange(0, B)
        value = tl.load(x + i)
        pair = Pair(value, value, 1)
        for _ in range(3):
            pair = Pair(pair.second, pair.first + pair.second, 1)
        tl.store(out + i, pair.second)

    np.testing.assert_array_equal(launch(kernel, 8), X * 5)


def test_aggregates_check_their_fields():
    with pytest.raises(AttributeError, match="has no attribute 'third'"):
        Pair._get_instance().third = 1
    with pytest.raises(TypeError, match="for attribute 'first', got <class 'int'>"):
        Pair(1, 2, 3)

    @tl.core._aggregate
    class Half:
        a: tl.constexpr
        b: tl.constexpr

        def __init__(self):
            self.a = 1

    with pytest.raises(AttributeError, match="did not initialize attribute 'b'"):
        Half()
    assert Half.hash_attrs and Half.__name__ == "Half"


@tl.core.builtin
def twice(x, _semantic=None):
    return tl.add(x, x, _semantic=_semantic)


@tl.core.extern
def plus_by_operators(x, y, _semantic=None):
    return (x + y).to(tl.float32)


@tl.core.builtin
def through_semantic(x, _semantic=None):
    return _semantic.where(_semantic.greater_than(x, _semantic.to_tensor(3.0)), x, _semantic.minus(x))


def test_builtins_of_the_program():

    @tessera.jit
    def kernel(x, out, B: tl.constexpr):
        i = tl.arange(0, B)
        value = tl.load(x + i)
        tl.store(out + i, plus_by_operators(twice(value), 3) + through_semantic(value))

    np.testing.assert_array_equal(launch(kernel, 8), 2 * X + 3 + np.where(X > 3, X, -X))


class Mode(enum.Enum):
    DOUBLE = 2
    TRIPLE = 3


class Shape:

    def __init__(self, n):
        self.n = n

    @tessera.constexpr_function
    def times(self, mode):
        return self.n * mode.value


def test_host_objects_as_constants():

    @tessera.jit
    def kernel(x, out, shape: tl.constexpr, mode: tl.constexpr, B: tl.constexpr):
        i = tl.arange(0, B)
        if mode.value == 2:
            tl.store(out + i, tl.load(x + i) * shape.times(mode))
        else:
            tl.store(out + i, tl.load(x + i) + shape.times(mode))

    np.testing.assert_array_equal(launch(kernel, Shape(5), Mode.DOUBLE, 8), X * 10)
    np.testing.assert_array_equal(launch(kernel, Shape(5), Mode.TRIPLE, 8), X + 15)


def test_the_value_of_a_constexpr_that_holds_a_member():
    whole = tl.constexpr(Mode.TRIPLE)

    @tessera.jit
    def kernel(x, out, mode: tl.constexpr, B: tl.constexpr):
        tl.static_assert(mode.value.name == "DOUBLE" and mode.name == "DOUBLE")
        tl.static_assert(whole.value.name == "TRIPLE" and whole.value.value == 3)
        tl.store(out + tl.arange(0, B), tl.load(x + tl.arange(0, B)) * mode.value.value)

    np.testing.assert_array_equal(launch(kernel, Mode.DOUBLE, 8), X * 2)
    np.testing.assert_array_equal(launch(kernel, tl.constexpr(Mode.DOUBLE), 8), X * 2)


def test_spellings_of_older_documents():

    @tessera.jit
    def kernel(x, out, B: tl.constexpr):
        i = tessera.program_id(0) * B + tessera.arange(0, B)
        value = tessera.load(x + i)
        soft = tl.softmax(tl.reshape(value, (2, B // 2)), axis=-1)
        tessera.store(out + i, tl.ravel(soft))

    rows = X.reshape(2, 4)
    wanted = np.exp(rows - rows.max(1, keepdims=True))
    np.testing.assert_allclose(launch(kernel, 8).reshape(2, 4), wanted / wanted.sum(1, keepdims=True), rtol=1e-5)


def test_combine_functions_of_the_library_and_of_the_program():

    @tessera.jit
    def larger(a, b):
        return tl.where(a > b, a, b)

    @tessera.jit
    def kernel(x, out, B: tl.constexpr):
        i = tl.arange(0, B)
        value = tl.load(x + i)
        total = tl.reduce(value, 0, tl.standard._sum_combine)
        tl.store(out + i, tl.associative_scan(value % 3, 0, larger) + total)

    np.testing.assert_array_equal(launch(kernel, 8), np.maximum.accumulate(X % 3) + X.sum())


@pytest.mark.parametrize("base, exponent, common", [("float32", "int64", "float32"), ("float32", "float16", "float32"),
                                                    ("int32", "float32", "float32"), ("int64", "float64", "float64")])
def test_libdevice_arguments_promote_where_no_overload_takes_them(base, exponent, common):
    libdevice = tl.extra.libdevice

    @tessera.jit
    def kernel(x, y, out, B: tl.constexpr):
        i = tl.arange(0, B)
        tl.store(out + i, libdevice.pow(tl.load(x + i), tl.load(y + i)))

    x, y, out = np.arange(1, 9).astype(base), (np.arange(8) % 4).astype(exponent), np.zeros(8, common)
    kernel[(1, )](x, y, out, 8)
    np.testing.assert_allclose(out, x.astype(common)**y.astype(common), rtol=1e-6)


def test_libdevice_arguments_without_an_overload_are_refused():
    libdevice = tl.extra.libdevice

    @tessera.jit
    def kernel(x, out, B: tl.constexpr):
        i = tl.arange(0, B)
        half = tl.load(x + i).to(tl.float16)
        tl.store(out + i, libdevice.pow(half, half))

    with pytest.raises(tessera.CompilationError, match=r"Expect one of .*, got \(fp16, fp16\)"):
        launch(kernel, 8)


@tessera.jit
def halves(x, m: tl.constexpr, B: tl.constexpr):
    """Of every run of 2 * m elements the first m, and the last m, each twice."""
    shape: tl.constexpr = [B // (2 * m), 2, m]
    y = tl.reshape(x, shape)
    which = tl.arange(0, 2)[None, :, None].to(x.dtype)
    first = tl.broadcast_to(tl.sum(y * (1 - which), 1)[:, None, :], shape).to(x.dtype)
    last = tl.broadcast_to(tl.sum(y * which, 1)[:, None, :], shape).to(x.dtype)
    return tl.reshape(first, [B]), tl.reshape(last, [B])


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "float16", "float32", "float64"])
def test_runs_of_a_tile_meet_each_other(dtype):
    B = 128

    @tessera.jit
    def kernel(x, first_out, last_out, turned_out, m: tl.constexpr, B: tl.constexpr):
        i = tl.arange(0, B)
        value = tl.load(x + i)
        first, last = halves(value, m, B)
        tl.store(first_out + i, first)
        tl.store(last_out + i, last)
        turned = tl.permute(tl.reshape(value, [B // (2 * m), 2, m]), [1, 0, 2])
        tl.store(turned_out + i, tl.reshape(turned, [B]))

    x = (np.arange(B) % 100).astype(dtype)
    for m in (1, 2, 4, 8, 16, 32, 64):
        outs = [np.zeros(B, dtype) for _ in range(3)]
        kernel[(1, )](x, *outs, m, B)
        runs = x.reshape(-1, 2, m)
        expected = [np.broadcast_to(runs[:, :1], runs.shape), np.broadcast_to(runs[:, 1:], runs.shape), runs.transpose(1, 0, 2)]
        for out, want in zip(outs, expected):
            np.testing.assert_array_equal(out, want.ravel(), err_msg=f"runs of {m}")


@pytest.mark.parametrize("dtype, B", [("int32", 16), ("float32", 64), ("int64", 32)])
def test_a_sorting_network_of_reshapes(dtype, B):

    @tessera.jit
    def kernel(x, out, B: tl.constexpr, LOG: tl.constexpr):
        i = tl.arange(0, B)
        value = tl.load(x + i)
        for stage in tl.static_range(1, LOG + 1):
            for step in tl.static_range(stage):
                first, last = halves(value, 2**(stage - 1 - step), B)
                up = ((i >> stage) & 1) == 0
                low = ((i >> (stage - 1 - step)) & 1) == 0
                value = tl.where(low == up, tl.minimum(first, last), tl.maximum(first, last))
        tl.store(out + i, value)

    x = np.random.default_rng(7).permutation(B).astype(dtype)
    out = np.zeros(B, dtype)
    kernel[(1, )](x, out, B, B.bit_length() - 1)
    np.testing.assert_array_equal(out, np.arange(B))


@pytest.mark.parametrize("lines, advice", [
    ("half = N // 2\n    tl.arange(0, half // 2)", "write the assignment as `name: tl.constexpr = …`"),
    ("half = N // 2\n    tl.zeros((half, ), tl.float32)", "write the assignment as `name: tl.constexpr = …`"),
    ("half = N // 2\n    tl.arange(0, triton.next_power_of_2(half))", "write the assignment as `name: tl.constexpr = …`"),
    ("tl.arange(0, n * 2)", "declare the block size as `tl.constexpr`"),
    ("rows = []\n    rows.append(n)", r"t = t \+ \(x,\) adds to a tuple"),
])
def test_advice_for_block_sizes_and_lists(tmp_path, lines, advice):
    import importlib.util
    path = tmp_path / "kernels.py"
    path.write_text(f"import tessera as triton\nimport tessera.language as tl\n\n@triton.jit\ndef kernel(out, n, N: tl.constexpr):\n    {lines}\n")
    spec = importlib.util.spec_from_file_location("kernels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(tessera.CompilationError, match=advice) as caught:
        module.kernel[(1, )](np.zeros(8, np.float32), 5, 8)
    assert "help:" in str(caught.value)
