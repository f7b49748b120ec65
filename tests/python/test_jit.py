# test_jit.py - jit functions: sources, keys, globals, what compiles are told and give back
# SPDX-License-Identifier: Apache-2.0
import json
import linecache
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import tessera
import tessera.language as tl
from tessera import knobs
from tessera.runtime.driver import driver
from tessera.runtime.jit import JITFunction

SIZE = tl.constexpr(16)
OFFSET = tl.constexpr(3)
annotated: tl.constexpr = 3
plain_number = 5


@tessera.jit
def helper(x):
    return x + 1


@tessera.jit
def uses_helper(out, x, BLOCK: tl.constexpr):
    place = tl.arange(0, BLOCK)
    tl.store(out + place, helper(tl.load(x + place)))


@tessera.jit
def uses_globals(out):
    place = tl.arange(0, SIZE)
    tl.store(out + place, place + OFFSET)


@tessera.jit
def uses_plain_global(out):
    tl.store(out, plain_number)


def kernels_of(kernel):
    return kernel.device_caches[driver.active.get_current_device()][0]


def run(kernel, *args, n=16, **kwargs):
    out = np.zeros(n, np.int32)
    kernel[(1, )](out, *args, **kwargs)
    return out


def reparsed(kernel, old, new):
    """Another jit function: the kernel's source with a text replaced."""
    other = JITFunction(kernel.fn)
    other._unsafe_update_src(kernel.src.replace(old, new))
    return other


def test_calls_and_globals():
    x = np.arange(16, dtype=np.int32)
    assert list(run(uses_helper, x, BLOCK=16)) == list(x + 1)
    assert list(run(uses_globals)) == list(np.arange(16) + 3)


@tessera.jit
def uses_annotated_global(out):
    tl.store(out, annotated)


def test_plain_global_is_refused():
    for kernel, name in ((uses_plain_global, "plain_number"), (uses_annotated_global, "annotated")):
        with pytest.raises(tessera.CompilationError) as caught:
            run(kernel)
        assert name in str(caught.value) and "constexpr" in str(caught.value)


def test_plain_global_allowed_on_request():
    with knobs.compilation.scope():
        knobs.compilation.allow_non_constexpr_globals = True
        assert run(uses_plain_global)[0] == 5


def test_changed_global():
    namespace = globals()

    @tessera.jit
    def kernel(out):
        tl.store(out, CHANGING)

    namespace["CHANGING"] = tl.constexpr(1)
    assert run(kernel)[0] == 1
    namespace["CHANGING"] = tl.constexpr(1)
    assert run(kernel)[0] == 1
    namespace["CHANGING"] = tl.constexpr(2)
    with pytest.raises(RuntimeError, match="Global variable CHANGING has changed since we compiled this kernel, from .*1.* to .*2"):
        run(kernel)
    del namespace["CHANGING"]
    with pytest.raises(RuntimeError, match="Global variable CHANGING has changed"):
        run(kernel)


def test_nested_function_and_closure():

    def make(number):
        amount = tl.constexpr(number)

        @tessera.jit
        def kernel(out):
            tl.store(out, amount)

        return kernel

    three, four = make(3), make(4)
    assert run(three)[0] == 3 and run(four)[0] == 4
    assert three.cache_key != four.cache_key


def test_changed_closure():
    amount = tl.constexpr(42)

    @tessera.jit
    def kernel(out):
        tl.store(out, amount)

    assert run(kernel)[0] == 42 and run(kernel)[0] == 42
    amount.value = 43
    with pytest.raises(RuntimeError, match=r"amount has changed since we compiled this kernel, from constexpr\[42\] to constexpr\[43\]"):
        run(kernel)


def test_constexpr_with_do_not_specialize():

    @tessera.jit(do_not_specialize=["N"])
    def kernel(out, N: tl.constexpr):
        pass

    with pytest.raises(tessera.CompilationError, match="N marked as constexpr and listed in do_not_specialize"):
        run(kernel, 4)


def test_source_of_exec_is_found_in_linecache():
    text = textwrap.dedent("""
        @tessera.jit
        def generated(out):
            tl.store(out, 42)
    """)
    name = "<generated kernel>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    namespace = {"tessera": tessera, "tl": tl}
    exec(compile(text, name, "exec"), namespace)
    assert run(namespace["generated"])[0] == 42


def test_source_that_cannot_be_found():
    namespace = {"tessera": tessera, "tl": tl}
    with pytest.raises(ValueError, match="should be defined in a Python file"):
        exec("@tessera.jit\ndef nowhere(out):\n    tl.store(out, 1)\n", namespace)


def test_lambda_is_refused():
    with pytest.raises(ValueError, match="lambda"):
        tessera.jit(lambda out: None)


def test_other_parses_during_a_parse():
    import ast
    import gc
    from tessera.runtime.source import parse

    class Garbage:
        parses = 0

        def __init__(self):
            self.me = self

        def __del__(self):
            Garbage.parses += 1
            ast.parse("total = first + second")

    text = "\n".join(f"y{i} = f(x, {i}) * [1, 2, {{'k': x}}]" for i in range(200))
    thresholds = gc.get_threshold()
    gc.set_threshold(10)
    try:
        for _ in range(20):
            gc.disable()
            kept = [Garbage() for _ in range(20)]
            del kept
            gc.enable()
            assert len(parse(text).body) == 200
    finally:
        gc.set_threshold(*thresholds)
        gc.enable()
    assert Garbage.parses == 400


def test_cache_key_follows_source_and_callees():
    key = uses_helper.cache_key
    assert reparsed(uses_helper, "BLOCK)", "BLOCK )").cache_key != key
    assert JITFunction(uses_helper.fn).cache_key == key
    source = helper.src
    try:
        helper._unsafe_update_src(source.replace("+ 1", "+ 2"))
        uses_helper.hash = None
        assert uses_helper.cache_key != key
        x = np.arange(16, dtype=np.int32)
        assert list(run(uses_helper, x, BLOCK=16)) == list(x + 1), "a compiled kernel stays until its cache is cleared"
        uses_helper.device_caches.clear()
        assert list(run(uses_helper, x, BLOCK=16)) == list(x + 2)
    finally:
        helper._unsafe_update_src(source)
        uses_helper.hash = None
        uses_helper.device_caches.clear()
    assert uses_helper.cache_key == key


def test_cache_key_follows_the_line(tmp_path):
    keys = []
    for lines in (1, 2):
        path = tmp_path / "shifted.py"
        path.write_text("import tessera\n" * lines + "@tessera.jit\ndef kernel(x):\n    pass\n")
        code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import shifted; print(shifted.kernel.cache_key)"
        keys.append(subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=True).stdout)
    assert keys[0] != keys[1]


def test_src_cannot_be_set():
    with pytest.raises(AttributeError, match="_unsafe_update_src"):
        helper.src = "def helper(x): return x"


def test_params():
    params = {p.name: p for p in uses_helper.params}
    assert list(params) == uses_helper.arg_names == ["out", "x", "BLOCK"]
    assert params["BLOCK"].is_constexpr and not params["x"].is_constexpr and uses_helper.constexprs == [2]
    assert params["BLOCK"].num == 2 and not params["BLOCK"].has_default

    @tessera.jit(do_not_specialize=["n"], do_not_specialize_on_alignment=[0])
    def kernel(a, n: tl.int64, c: tl.const, p: "*fp32", q: float = 1.0):
        pass

    a, n, c, p, q = kernel.params
    assert (a.do_not_specialize, a.do_not_specialize_on_alignment) == (False, True)
    assert n.do_not_specialize and n.annotation_type == "i64"
    assert c.is_const and c.annotation_type == "" and p.annotation_type == "*fp32"
    assert q.annotation_type == "fp32" and q.has_default and q.default == 1.0


def test_functions_as_constants():

    @tessera.jit
    def twice(x):
        return x * 2

    @tessera.jit
    def square(x):
        return x * x

    @tessera.jit
    def apply(out, x, fn: tl.constexpr):
        place = tl.arange(0, 16)
        tl.store(out + place, fn(tl.load(x + place)))

    x = np.arange(16, dtype=np.int32)
    assert list(run(apply, x, fn=twice)) == list(2 * x)
    assert list(run(apply, x, fn=square)) == list(x * x)
    twice._unsafe_update_src(twice.src.replace("* 2", "* 3"))
    assert list(run(apply, x, fn=twice)) == list(3 * x)


def test_tuples():
    from collections import namedtuple
    Pair = namedtuple("Pair", "first second")

    @tessera.jit
    def kernel(out, values, pair, SCALE: tl.constexpr):
        tl.store(out, values[0] + values[1][0])
        tl.store(out + 1, tl.load(pair.first) * pair.second)
        tl.store(out + 2, SCALE[0] + SCALE[1])

    x = np.full(1, 7, np.int32)
    out = run(kernel, (3, (4, None)), Pair(x, 5), SCALE=(20, 30))
    assert list(out[:3]) == [7, 35, 50]
    assert list(run(kernel, (1, (1, 2)), Pair(x, 1), SCALE=(1, 2))[:3]) == [2, 7, 3]


def test_constants_of_all_kinds():
    import enum

    class Mode(enum.Enum):
        ADD = 1
        MUL = 2

    @tessera.constexpr_function
    def total(values):
        return sum(values)

    @tessera.jit
    def kernel(out, dtype: tl.constexpr, mode: tl.constexpr, flag: tl.constexpr, name: tl.constexpr, values: tl.constexpr):
        x = tl.full([1], 3, dtype)
        if flag:
            if name == "yes":
                tl.store(out + tl.arange(0, 1), x.to(tl.int32) + total(values) + mode.value)

    Mode_ADD = Mode.ADD
    assert run(kernel, tl.float32, Mode_ADD, True, "yes", (1, 2))[0] == 7
    assert run(kernel, tl.int8, Mode.MUL, True, "yes", (1, 2))[0] == 8
    assert run(kernel, tl.int8, Mode.MUL, True, "no", (1, 2))[0] == 0
    assert run(kernel, tl.int8, Mode.MUL, 0, "yes", (1, 2))[0] == 0


def test_builtin_with_semantic():

    @tl.core.builtin
    def plus_one(x, n, _semantic=None):
        assert isinstance(x, tl.tensor) and x.shape[0].value == 16
        return tl.add(x, n, _semantic=_semantic)

    @tessera.jit
    def kernel(out):
        place = tl.arange(0, 16)
        tl.store(out + place, plus_one(place, 2))

    assert list(run(kernel)) == list(np.arange(16) + 2)


def test_exception_of_host_code_is_the_cause():

    @tessera.constexpr_function
    def broken(x):
        raise KeyError("host trouble")

    @tessera.jit
    def kernel(out):
        tl.store(out, broken(1))

    with pytest.raises(tessera.CompilationError, match="host trouble") as caught:
        run(kernel)
    assert isinstance(caught.value.__cause__, KeyError)


def test_keyboard_interrupt_stops_a_compile():

    @tessera.constexpr_function
    def interrupted():
        raise KeyboardInterrupt

    @tessera.jit
    def kernel(out):
        tl.store(out, interrupted())

    with pytest.raises(KeyboardInterrupt):
        run(kernel)


def test_preload_compiles_what_a_hook_saw():
    seen = []

    def hook(**kwargs):
        seen.append(kwargs["compile"]["specialization_data"])

    knobs.runtime.jit_cache_hook = hook
    try:
        uses_helper.device_caches.clear()
        compiled = uses_helper.warmup(np.zeros(16, np.int32), tl.int32, BLOCK=16, grid=(1, ))
    finally:
        knobs.runtime.jit_cache_hook = None
    data = json.loads(seen[0])
    assert data["name"].endswith("uses_helper") and data["constant_vals"] == [16]
    uses_helper.device_caches.clear()
    loaded = uses_helper.preload(seen[0])
    assert loaded.hash == compiled.hash
    assert len(kernels_of(uses_helper)) == 1
    with pytest.raises(RuntimeError, match="trying to preload"):
        helper.preload(seen[0])


def test_cache_hook_can_take_a_compile_over():
    knobs.runtime.jit_cache_hook = lambda **kwargs: True
    try:
        uses_globals.device_caches.clear()
        assert uses_globals[(1, )](np.zeros(16, np.int32)) is None
    finally:
        knobs.runtime.jit_cache_hook = None


def test_kernels_are_pickled_by_name():
    assert pickle.loads(pickle.dumps(helper)) is helper

    @tessera.jit
    def local(x):
        pass

    with pytest.raises(pickle.PicklingError, match="module level"):
        pickle.dumps(local)


def test_binder():
    binder = uses_helper.device_caches[driver.active.get_current_device()][4]
    x = np.zeros(16, np.int32)
    bound, specialisation, options = binder(x, x, BLOCK=16, num_warps=2)
    assert list(bound) == ["out", "x", "BLOCK"] and bound["BLOCK"] == 16 and options == {"num_warps": 2}
    assert specialisation[2] == ("constexpr", 16) and specialisation[0][0] == "*i32"


def test_repr_of_a_kernel():

    @tessera.jit(repr=lambda specialization: "a name for tools")
    def kernel(x):
        pass

    assert kernel.repr({}) == "a name for tools" and helper.repr({}).endswith(".helper")
    compiled = kernel.warmup(np.zeros(16, np.float32), grid=(1, ))
    assert compiled.name == compiled.metadata.name == "a_name_for_tools" and "a_name_for_tools" in compiled.asm["ttir"]


def test_repr_sees_the_specialisation():

    def shown(specialization):
        ones = "_".join(name for name, value in specialization.constants.items() if value == 1)
        return f"store_{specialization.signature['value']}_{ones}_{specialization.constants['BLOCK']}"

    @tessera.jit(repr=shown)
    def store(out, value, one, BLOCK: tl.constexpr):
        at = tl.arange(0, BLOCK)
        tl.store(out + at, (at + value * one).to(tl.int64))

    out = np.zeros(16, np.int64)
    names = [store[(1, )](out, value, 1, BLOCK=16).name for value in (5, 2**40)]
    assert names == ["store_i32_one_16", "store_i64_one_16"] and out.tolist() == [2**40 + i for i in range(16)]


def test_variadic_functions_are_called_not_launched():

    @tessera.jit
    def total(first, *rest):
        for i in tl.static_range(len(rest)):
            first += rest[i]
        return first

    @tessera.jit
    def kernel(out, n, BLOCK: tl.constexpr):
        offsets = tl.arange(0, BLOCK)
        tl.store(out + offsets, total(offsets, n, 2 * n) + total(offsets))

    out = np.zeros(16, np.int32)
    kernel[(1, )](out, 5, BLOCK=16)
    assert list(out) == [2 * i + 15 for i in range(16)]
    with pytest.raises(TypeError, match=r"kernel total has a parameter \*rest: kernels take a fixed list of parameters"):
        total[(1, )](out, 1)
