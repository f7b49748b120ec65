# ragged_tma.py - descriptors of tensors that are a row of pieces of different length
# SPDX-License-Identifier: Apache-2.0
"""A ragged descriptor sees one tensor as pieces along a dimension; a load or store of a piece cannot leave it, although
the descriptor is made once on the host and the pieces are known only in the kernel.

The trick is in two leading dimensions whose strides cancel to a shift: coordinates (2**30, y, x) address the row
``y + x - 2**30``, since 2**30 times the first stride wraps to ``-2**30`` rows modulo 2**64 bytes and elements. A piece of n rows
that ends at row y is reached with x = 2**30 - n + row, so that what lies behind its end is out of the bound 2**30 of x."""
from __future__ import annotations

import tessera
import tessera.language as tl
from tessera.tools.tensor_descriptor import TensorDescriptor

_ROWS = 2**30
_UNBOUNDED = 0x7fff0000


def create_ragged_descriptor(T, block_shape, ragged_dim=0):
    """A ragged descriptor of the 2-D or 3-D tensor ``T`` for blocks of ``block_shape``, ragged along ``ragged_dim`` (not the
    last one), which has at most 2**30 rows. Errors: AssertionError where one of these does not hold."""
    shape = list(T.shape)
    rank = len(shape)
    ragged_dim += rank if ragged_dim < 0 else 0
    assert 0 <= ragged_dim < rank - 1, "last dimension cannot be ragged"
    assert rank <= 3, "read-write ragged descriptors must have at most 3 dimensions"
    assert len(block_shape) == rank, "block shape must have same length as tensor shape"
    assert shape[ragged_dim] <= _ROWS, "number of rows may not exceed 2**30"
    shape[ragged_dim] = _ROWS
    row = T.stride(ragged_dim)
    strides = [2**34 - row, row] + [T.stride(i) for i in range(rank)]
    return TensorDescriptor(T, [_UNBOUNDED, _UNBOUNDED] + shape, strides, [1, 1] + list(block_shape))


@tessera.jit
def to_ragged_indices(batch_offset, batch_size, row):
    """The three coordinates of row ``row`` of the piece of ``batch_size`` rows from ``batch_offset``."""
    rows = 0x40000000
    return rows, batch_offset + batch_size, rows - batch_size + row


@tessera.jit
def load_ragged(TMA, batch_offset, batch_size, coords, ragged_dim: tl.constexpr = 0):
    """The block at ``coords`` of a piece; rows beyond the piece are zero."""
    tl.static_assert(len(TMA.shape) == len(coords) + 2, "TMA must be a read-write ragged descriptor")
    c0, c1, c2 = to_ragged_indices(batch_offset, batch_size, coords[ragged_dim])
    block = TMA.load([c0, c1] + coords[:ragged_dim] + [c2] + coords[ragged_dim + 1:])
    return tl.reshape(block, block.shape[2:])


@tessera.jit
def store_ragged(TMA, batch_offset, batch_size, coords, data, ragged_dim: tl.constexpr = 0):
    """Writes a block at ``coords`` of a piece; rows beyond the piece are left alone."""
    c0, c1, c2 = to_ragged_indices(batch_offset, batch_size, coords[ragged_dim])
    TMA.store([c0, c1] + coords[:ragged_dim] + [c2] + coords[ragged_dim + 1:], tl.reshape(data, [1, 1] + data.shape))


@tessera.jit
def atomic_add_ragged(TMA, batch_offset, batch_size, coords, data, ragged_dim: tl.constexpr = 0):
    """Adds a block at ``coords`` of a piece, atomically; rows beyond the piece are left alone."""
    c0, c1, c2 = to_ragged_indices(batch_offset, batch_size, coords[ragged_dim])
    TMA.atomic_add([c0, c1] + coords[:ragged_dim] + [c2] + coords[ragged_dim + 1:], tl.reshape(data, [1, 1] + data.shape))
