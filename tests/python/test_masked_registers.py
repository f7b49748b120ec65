# test_masked_registers.py - accesses of several registers whose mask is in part known: columns that are inside, rows that the launch decides
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


@tessera.jit
def over_the_edge(y, x, N: tl.constexpr):
    """A loop over one set of rows, of which half are inside."""
    block = tl.make_block_ptr(x, (32, N), (1, 32), (28, 2), (8, 32), (1, 0))
    tl.store(y + tl.arange(0, 8), tl.sum(tl.load(block, boundary_check=(0, 1), padding_option="zero"), 1))
    tl.store(y + 8 + tl.arange(0, 8), tl.min(tl.load(block, boundary_check=(0, 1), padding_option="zero"), 1, return_indices=True)[1].to(y.dtype.element_ty))


@pytest.mark.parametrize("dtype", TYPES)
def test_block_over_the_edge(dtype):
    x = (np.arange(33 * 32) % 11 - 9).astype(dtype)
    y = np.zeros(16, dtype)
    over_the_edge[(1,)](y, x, 8)
    block = np.zeros((8, 32), dtype)
    block[:4, :6] = x[:256].reshape(8, 32).T[28:32, 2:8]
    assert np.array_equal(y, np.concatenate([block.sum(1, dtype=dtype), block.argmin(1)]).astype(dtype))
