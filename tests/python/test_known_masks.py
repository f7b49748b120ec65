# test_known_masks.py - masks of which a part is known when the kernel is compiled: columns that are inside, rows that the launch decides
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import tessera
import tessera.language as tl

TYPES = ("float64", "float32", "int16")
WIDTH = 16  # two registers of eight fp32, four of fp64: with bounds of whole registers and between


@tessera.jit
def both(y, x, n, FIRST: tl.constexpr, LAST: tl.constexpr, N: tl.constexpr):
    """Inside where both the column and the row are."""
    row, column = tl.arange(0, 4)[:, None], tl.arange(0, N)[None, :]
    inside = (column >= FIRST) & (column < LAST) & (row < n)
    v = tl.load(x + row * N + column, mask=inside, other=7)
    tl.store(y + row * N + column, v)


@tessera.jit
def either(y, x, n, FIRST: tl.constexpr, LAST: tl.constexpr, N: tl.constexpr):
    row, column = tl.arange(0, 4)[:, None], tl.arange(0, N)[None, :]
    inside = (column >= FIRST) & (column < LAST) | (row < n)
    v = tl.load(x + row * N + column, mask=inside, other=7)
    tl.store(y + row * N + column, v)


@tessera.jit
def stored(y, x, n, FIRST: tl.constexpr, LAST: tl.constexpr, N: tl.constexpr):
    row, column = tl.arange(0, 4)[:, None], tl.arange(0, N)[None, :]
    inside = (column >= FIRST) & (column < LAST) & (row < n)
    v = tl.load(x + row * N + column)
    tl.store(y + row * N + column, v, mask=inside)


@tessera.jit
def chosen(y, x, n, FIRST: tl.constexpr, LAST: tl.constexpr, N: tl.constexpr):
    """As `both`, by a branchless choice of a mask."""
    row, column = tl.arange(0, 4)[:, None], tl.arange(0, N)[None, :]
    columns = ((column >= FIRST) & (column < LAST)) & (row >= 0)
    inside = tl.where(row < n, columns, columns & (row < 0))
    v = tl.load(x + row * N + column, mask=inside, other=7)
    tl.store(y + row * N + column, v)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kernel", (both, either, stored, chosen), ids=lambda k: k.__name__)
def test_lanes_that_are_off_are_not_read(kernel, dtype):
    row, column = np.arange(4)[:, None], np.arange(WIDTH)[None, :]
    x = (row * WIDTH + column - 100).astype(dtype)
    for first, last in ((0, 4), (0, 8), (0, 12), (0, 5), (0, 16), (4, 8), (8, 16), (4, 16), (12, 16), (3, 11), (8, 8)):
        n = 2
        columns, rows = (column >= first) & (column < last) & (row >= 0), (row < n) & (column >= 0)
        inside = columns | rows if kernel is either else columns & rows
        y = np.full((4, WIDTH), 9, dtype)
        kernel[(1,)](y, x, n, first, last, WIDTH)
        assert np.array_equal(y, np.where(inside, x, 9 if kernel is stored else 7).astype(dtype)), (first, last)
