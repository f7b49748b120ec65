# test_knobs.py - settings: attribute, environment, scope, reset
# SPDX-License-Identifier: Apache-2.0
import os

import pytest
from tessera import knobs


@pytest.fixture(autouse=True)
def untouched(monkeypatch):
    with knobs.compilation.scope(), knobs.autotuning.scope(), knobs.cache.scope(), knobs.language.scope():
        yield


def test_environment_then_attribute(monkeypatch):
    assert knobs.language.default_fp_fusion is True
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "off")
    assert knobs.language.default_fp_fusion is False
    monkeypatch.setenv("TESSERA_DEFAULT_FP_FUSION", "1")
    assert knobs.language.default_fp_fusion is True, "TESSERA_ is stronger than TRITON_"
    knobs.language.default_fp_fusion = False
    assert knobs.language.default_fp_fusion is False
    assert os.environ["TRITON_DEFAULT_FP_FUSION"] == "0" and "TESSERA_DEFAULT_FP_FUSION" not in os.environ
    knobs.language.default_fp_fusion = knobs.env
    assert knobs.language.default_fp_fusion is False, "the environment was set by the assignment"


def test_scope_undoes_attributes_and_environment(monkeypatch):
    monkeypatch.delenv("TRITON_ALWAYS_COMPILE", raising=False)
    with knobs.compilation.scope():
        knobs.compilation.always_compile = True
        knobs.compilation.listener = print
        assert os.environ["TRITON_ALWAYS_COMPILE"] == "1"
    assert not knobs.compilation.always_compile and "TRITON_ALWAYS_COMPILE" not in os.environ
    assert knobs.compilation.listener is None


def test_reset_and_delete(monkeypatch):
    monkeypatch.setenv("TRITON_PRINT_AUTOTUNING", "1")
    knobs.propagate_env = False
    try:
        knobs.autotuning.print = False
        assert not knobs.autotuning.print
        knobs.autotuning.reset()
        assert knobs.autotuning.print
        knobs.autotuning.print = False
        del knobs.autotuning.print
        assert knobs.autotuning.print
    finally:
        knobs.propagate_env = True


def test_bad_values_say_which_variable(monkeypatch):
    monkeypatch.setenv("TESSERA_AUTOTUNE_JOBS", "many")
    with pytest.raises(RuntimeError, match="TESSERA_AUTOTUNE_JOBS=many: expected int"):
        knobs.autotuning.jobs
    monkeypatch.setenv("TRITON_CACHE_MANAGER", "no_colon")
    with pytest.raises(RuntimeError, match="MODULE:CLASS"):
        knobs.cache.manager_class
    monkeypatch.setenv("TRITON_CACHE_MANAGER", "tessera.runtime.cache:RemoteCacheBackend")
    with pytest.raises(RuntimeError, match="not of type 'CacheManager'"):
        knobs.cache.manager_class


def test_every_knob_is_listed():
    rows = list(knobs.list_knobs())
    assert ("cache", "dir") in {(group, name) for group, name, _, _ in rows} and len(rows) > 40
    names = [variable for _, _, variables, _ in rows for variable in variables]
    assert len(names) == len(set(names)), "two knobs share a variable"


def test_hooks_run_in_order_and_once():
    seen = []
    chain, backwards = knobs.HookChain(), knobs.HookChain(reversed=True)
    first, second = (lambda m: seen.append(("first", m))), (lambda m: seen.append(("second", m)))
    for hooks in (chain, backwards):
        hooks.add(first)
        hooks.add(second)
        hooks.add(first)
        hooks(1)
    assert [name for name, _ in seen] == ["first", "second", "second", "first"]
    chain.remove(first)
    seen.clear()
    chain(2)
    assert seen == [("second", 2)]
