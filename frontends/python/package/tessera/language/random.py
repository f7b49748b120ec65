# random.py - triton.language.random: counter-based random numbers (Philox 4x32, 4x64)
# SPDX-License-Identifier: Apache-2.0
"""Random numbers that are a function of a seed and an offset, the same on every target. The generator is Philox with ten
rounds (``n_rounds``): Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011)."""
from __future__ import annotations

from tessera import language as tl
from tessera.language._constexpr import constexpr
from tessera.language._function import library

N_ROUNDS_DEFAULT = constexpr(10)


@library
def philox_impl(c0, c1, c2, c3, k0, k1, n_rounds: constexpr = N_ROUNDS_DEFAULT):
    """The rounds of Philox on a counter of four words and a key of two; returns four words.

    Types: all uint32 or all uint64.
    """


@library
def philox(seed, c0, c1, c2, c3, n_rounds: constexpr = N_ROUNDS_DEFAULT):
    """Four random words of a ``seed`` (any integer) and a counter of four words of 32 or 64 bits."""


@library
def randint(seed, offset, n_rounds: constexpr = N_ROUNDS_DEFAULT):
    """One random uint32 for each ``offset``.

    Shapes: of ``offset``. Types: integer seed (a scalar) and offset (32 or 64 bits).

    Example:
        out = tl.randint(0, tl.arange(0, 2)) == tl.randint(0, tl.arange(0, 2))            # [1, 1]
    """


@library
def randint4x(seed, offset, n_rounds: constexpr = N_ROUNDS_DEFAULT):
    """Four random uint32 blocks for each ``offset``: the cheapest way, for Philox makes four at a time.

    Example:
        a, b, c, d = tl.randint4x(0, tl.arange(0, 2))
        out = a == tl.randint(0, tl.arange(0, 2))            # [1, 1]
    """


@library
def uint_to_uniform_float(x):
    """Random bits (32 or 64) as a float in [0, 1)."""


@library
def rand(seed, offset, n_rounds: constexpr = N_ROUNDS_DEFAULT):
    """One random fp32 in [0, 1) for each ``offset``; see ``randint``.

    Example:
        x = tl.rand(7, tl.arange(0, 2))
        out = (x >= 0) & (x < 1)            # [1, 1]
    """


@library
def rand4x(seed, offsets, n_rounds: constexpr = N_ROUNDS_DEFAULT):
    """Four blocks of random fp32 in [0, 1); see ``randint4x``."""


@library
def pair_uniform_to_normal(u1, u2):
    """Two independent normal numbers of two uniform ones (Box and Muller)."""


@library
def randn(seed, offset, n_rounds: constexpr = N_ROUNDS_DEFAULT):
    """One random fp32 of mean zero and variance one for each ``offset``; see ``randint``.

    Example:
        out = tl.abs(tl.randn(7, tl.arange(0, 2))) < 10            # [1, 1]
    """


@library
def randn4x(seed, offset, n_rounds: constexpr = N_ROUNDS_DEFAULT):
    """Four blocks of normal numbers; see ``randint4x``."""
