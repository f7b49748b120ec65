# test_launch_again.py - calls that are like the one before
# SPDX-License-Identifier: Apache-2.0
"""Calls that are like the one before are launched without their key: whatever differs from it must still be seen."""
import random

import numpy as np
import pytest

import tessera
import tessera.language as tl


@tessera.jit
def _double(x):
    return x * 2


@tessera.jit
def _triple(x):
    return x * 3


@tessera.jit
def _places(out, source, number, fraction, flag, CONSTANT: tl.constexpr, how: tl.constexpr, tail=7):
    """Puts what it was passed into out[0:7], fp64."""
    if source is None:
        tl.store(out, -1.0)
    else:
        tl.store(out, tl.load(source).to(tl.float64))
    tl.store(out + 1, how(number) * 1.0)
    tl.store(out + 2, fraction * 4.0)
    tl.store(out + 3, flag * 1.0)
    tl.store(out + 4, CONSTANT * 1.0)
    tl.store(out + 5, tail * 1.0)
    tl.store(out + 6, tl.num_programs(0) * 1.0)


def _call(out, chosen, shape):
    source, number, fraction, flag, constant, how, tail, grid = chosen
    rest = {} if tail is None else {"tail": tail}
    if shape == 0:
        _places[grid](out, source, number, fraction, flag, constant, how, **rest)
    elif shape == 1:
        _places[grid](out, source, number, fraction, flag, CONSTANT=constant, how=how, **rest)
    elif shape == 2:
        _places[grid](out, number=number, source=source, flag=flag, fraction=fraction, how=how, CONSTANT=constant, num_warps=4, **rest)
    else:
        _places[lambda meta: grid](out, source, number, fraction, flag, constant, how, **rest)


def _expected(chosen):
    source, number, fraction, flag, constant, how, tail, grid = chosen
    return [-1.0 if source is None else float(source[0]), float(number * (2 if how is _double else 3)), float(np.float32(fraction) * 4), float(flag),
            float(constant), float(7 if tail is None else tail), float(grid[0])]


def test_random_calls_in_turn():
    choose = random.Random(3)
    memory = np.arange(64, dtype=np.float32) + 0.5
    frozen = np.full(16, 9.25, np.float32)
    frozen.setflags(write=False)
    whole = np.arange(5, 69, dtype=np.int32)
    sources = [None, memory, memory[16:], memory[1:], memory[3:], whole, frozen]
    numbers = [0, 1, 2, 3, 16, 32, -16, -1, 1 << 33, 5 << 31, 2000, 2001]
    fractions, flags = [0.5, 1.25, -3.0], [True, False]
    constants, hows, tails = [1, 5, 5000, 5001], [_double, _triple], [None, 1, 7, 8, 16]
    out = np.zeros(8)
    chosen = [memory, 16, 0.5, True, 5, _double, None, (1,)]
    for turn in range(600):
        # Mostly the same call, and one thing of it another.
        which = choose.randrange(12)
        if which < 8:
            chosen[which] = choose.choice([sources, numbers, fractions, flags, constants, hows, tails, [(1,), (2,), (3, 1), (1, 1, 1)]][which])
        out[:] = -99
        _call(out, chosen, choose.choice([0, 0, 0, 1, 2, 3]) if turn % 2 else 0)
        assert out[:7].tolist() == _expected(chosen), (turn, chosen)


def test_an_int_that_is_another_object():
    out, source = np.zeros(8), np.ones(4, np.float32)
    for turn in range(50):
        number = int(str(1000 + turn % 7))
        _places[(1,)](out, source, number, 0.5 + turn, turn % 3 == 0, int(str(5000)), _double)
        assert out[1] == 2 * number and out[2] == 4 * (0.5 + turn) and out[3] == (turn % 3 == 0)


def test_grids_are_read_anew():
    out, source = np.zeros(8), np.ones(4, np.float32)
    grid = [1]
    launch = _places[grid]
    for extent in (1, 1, 1, 2, 3, 1):
        grid[0] = extent
        launch(out, source, 16, 0.5, True, 5, _double)
        assert out[6] == extent
    for _ in range(3):
        out[6] = 0
        _places[(0,)](out, source, 16, 0.5, True, 5, _double)
        assert out[6] == 0
        with pytest.raises(ValueError, match="not between 0 and 2147483647"):
            _places[(-1,)](out, source, 16, 0.5, True, 5, _double)


def test_wrong_arguments_are_found_behind_a_right_call():
    out, source = np.zeros(8), np.ones(4, np.float32)
    for _ in range(3):
        for _ in range(4):
            _places[(1,)](out, source, 16, 0.5, True, 5, _double)
        with pytest.raises(TypeError, match="argument 'source'|argument source"):
            _places[(1,)](out, object(), 16, 0.5, True, 5, _double)
        with pytest.raises(TypeError, match="missing"):
            _places[(1,)](out, source, 16, 0.5, True, 5)
        with pytest.raises(OverflowError):
            _places[(1,)](out, source, 1 << 70, 0.5, True, 5, _double)


def test_hooks_that_are_set_later_are_called():
    out, source, seen = np.zeros(8), np.ones(4, np.float32), []
    for _ in range(4):
        _places[(1,)](out, source, 16, 0.5, True, 5, _double)
    hook = lambda *args, **kwargs: seen.append("before")  # noqa: E731
    _places.add_pre_run_hook(hook)
    try:
        _places[(1,)](out, source, 16, 0.5, True, 5, _double)
        _places[(1,)](out, source, 16, 0.5, True, 5, _double)
    finally:
        _places.pre_run_hooks.remove(hook)
    _places[(1,)](out, source, 16, 0.5, True, 5, _double)
    assert seen == ["before", "before"]
    enter = lambda metadata: seen.append(metadata.get()["name"])  # noqa: E731
    tessera.knobs.runtime.launch_enter_hook.add(enter)
    try:
        _places[(1,)](out, source, 16, 0.5, True, 5, _double)
    finally:
        tessera.knobs.runtime.launch_enter_hook.remove(enter)
    _places[(1,)](out, source, 16, 0.5, True, 5, _double)
    assert seen[2:] == ["_places"]


FACTOR = tl.constexpr(3)


@tessera.jit
def _scaled(out):
    tl.store(out, FACTOR * 1.0)


def test_a_global_that_changes_is_seen():
    global FACTOR
    out = np.zeros(1)
    for _ in range(4):
        _scaled[(1,)](out)
    assert out[0] == 3
    FACTOR = tl.constexpr(4)
    try:
        with pytest.raises(RuntimeError, match="FACTOR has changed"):
            _scaled[(1,)](out)
    finally:
        FACTOR = tl.constexpr(3)


class _Owner:
    """A tensor of no framework, whose address is told by the program's own code."""

    def __init__(self, array, tell):
        self.array, self.tell = array, tell
        self.dtype = tl.float64

    def data_ptr(self):
        self.tell()
        return self.array.ctypes.data


def test_a_table_that_is_emptied_while_an_argument_is_read():
    source, out, told = np.ones(4, np.float32), np.zeros(8), []

    def tell():
        told.append(1)
        if len(told) % 5 == 0:
            _places._forget()

    for turn in range(40):
        out[:] = 0
        _places[(1,)](_Owner(out, tell), source, 16 + 16 * turn, 0.5, True, 5, _double)
        assert out[1] == 2 * (16 + 16 * turn)


def test_a_function_whose_source_changes():
    out, source = np.zeros(8), np.ones(4, np.float32)
    for _ in range(4):
        _places[(1,)](out, source, 16, 0.5, True, 5, _double)
    before = _double.src
    try:
        _double._unsafe_update_src(before.replace("* 2", "* 9"))
        _places[(1,)](out, source, 16, 0.5, True, 5, _double)
        assert out[1] == 144
    finally:
        _double._unsafe_update_src(before)
    _places[(1,)](out, source, 16, 0.5, True, 5, _double)
    assert out[1] == 32
