# test_language_names.py - every name of the language exists, has its signature, and refuses to run on the host
# SPDX-License-Identifier: Apache-2.0
import inspect

import pytest
import tessera
import tessera.language as tl


def test_all_names_exist():
    assert len(tl.__all__) == 140
    assert [name for name in tl.__all__ if not hasattr(tl, name)] == []
    assert [name for name in tessera.__all__ if name not in dir(tessera)] == []


def test_the_device_library_is_whole_on_every_path():
    names = tl.extra.libdevice.__all__
    assert len(names) == len(set(names)) == 198
    for name in names:
        assert getattr(tl.extra.cuda.libdevice, name) is getattr(tl.extra.libdevice, name)
        assert getattr(tl.extra.hip.libdevice, name).__tessera_name__ == f"triton.language.extra.libdevice.{name}"


@pytest.mark.parametrize("fn, parameters", [
    (tl.load, "pointer mask other boundary_check padding_option cache_modifier eviction_policy volatile _semantic"),
    (tl.store, "pointer value mask boundary_check cache_modifier eviction_policy _semantic"),
    (tl.dot, "input other acc input_precision allow_tf32 max_num_imprecise_acc out_dtype _semantic"),
    (tl.core.view, "input shape _semantic"),
    (tl.sum, "input axis keep_dims dtype"),
    (tl.rand, "seed offset n_rounds"),
    (tl.extra.libdevice.fma, "arg0 arg1 arg2 _semantic"),
    (tl.atomic_cas, "pointer cmp val sem scope _semantic"),
])
def test_signatures(fn, parameters):
    assert list(inspect.signature(fn).parameters) == parameters.split()


def test_functions_carry_the_path_by_which_the_compiler_knows_them():
    for name in tl.__all__:
        value = getattr(tl, name)
        if inspect.isfunction(value):
            assert value.__tessera_name__ == f"triton.language.{name}" and value.__triton_builtin__ and value.__doc__
    assert tl.math.exp is tl.exp and tl.standard.sum is tl.sum and tl.random.philox is tl.philox
    assert tl.core.is_builtin(tl.load) and not tl.core.is_builtin(len)


def test_host_calls_are_refused():
    with pytest.raises(ValueError, match="Did you forget to add @triton.jit"):
        tl.load(1)
    with pytest.raises(RuntimeError, match="outside of the scope of a kernel"):
        tl.sum(1)
    with pytest.raises(RuntimeError, match="can only be used in @triton.jit'd functions"):
        for _ in tl.range(3):
            pass


def test_older_spellings():
    assert tl.math.tanh is tl.extra.libdevice.tanh
    assert tessera.program_id is tl.program_id and tessera.load is tl.load
    assert tl.standard._log2(64) == 6 and tessera.cdiv(10, 4) == 3
    assert [tessera.next_power_of_2(n) for n in (1, 2, 3, 17, 2**40 + 1)] == [1, 2, 4, 32, 2**41]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tl.math.nothing


class Recorder:
    """Stands for the compiler: takes down what is emitted."""

    def __init__(self):
        self.calls = []

    def __call__(self, path, args, kwargs):
        self.calls.append((path, args, kwargs))
        return tl.tensor(len(self.calls), tl.float32)


def test_a_users_builtin_emits_through_its_semantic():
    emitted = Recorder()
    semantic = tl.semantic.TritonSemantic(emitted)

    @tl.core.builtin
    def twice(x, _semantic=None):
        y = tl.add(x, x, _semantic=_semantic)
        return y * 2 + _semantic.to_tensor(1) - x.to(tl.float32)

    x = tl.tensor(0, tl.float32)
    result = twice(x, _semantic=semantic)
    assert isinstance(result, tl.tensor)
    assert [path for path, _, _ in emitted.calls] == ["triton.language.add", "operator:*", "triton.language.to_tensor",
                                                      "operator:+", "method:to", "operator:-"]
    with pytest.raises(ValueError, match="Did you forget"):
        twice(x)
    with pytest.raises(ValueError, match="Did you forget"):
        x + x


def test_promotion_rules_for_builtins():
    rule = tl.semantic.TritonSemantic(None).computation_type_impl
    assert rule(tl.float16, False, tl.bfloat16, False, False) == tl.float16
    assert rule(tl.bfloat16, False, tl.int32, False, False) == tl.float32
    assert rule(tl.float16, False, tl.int32, True, True) == tl.float32
    assert rule(tl.int32, False, tl.uint32, False, False) == tl.uint32
    assert rule(tl.int64, False, tl.uint32, False, False) == tl.int64
    assert rule(tl.int8, False, tl.int64, True, False) == tl.int8
    with pytest.raises(TypeError, match="different signedness"):
        rule(tl.int32, False, tl.uint32, False, True)
