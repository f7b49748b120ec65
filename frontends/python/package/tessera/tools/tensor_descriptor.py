# tensor_descriptor.py - tensors that kernels move block by block
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tessera._types_of_arguments import canonicalize_dtype, validate_block_shape

# Tensors without memory, which tracing compilers make.
_WITHOUT_MEMORY = ("FakeTensor", "FunctionalTensor")


def _address(base):
    if hasattr(base, "data_ptr"):
        return base.data_ptr()
    if hasattr(base, "ctypes"):
        return base.ctypes.data
    raise TypeError(f"a {type(base).__name__} has no address: pass a tensor with data_ptr, or a NumPy array")


@dataclass
class TensorDescriptor:
    """A tensor in memory as the argument of a kernel, which loads and stores blocks of ``block_shape``.

    Shapes: one to five dimensions; ``shape``, ``strides`` (elements) and ``block_shape`` (powers of two) have one entry a
    dimension; the last stride is 1, the others are multiples of 16 bytes, as is the address of ``base``.
    ``padding``: what is read out of bounds, "zero", or "nan" for floats.
    Errors: AssertionError, TypeError or ValueError says which of these does not hold.

    Example:
        >>> from tessera.tools.tensor_descriptor import TensorDescriptor
        >>> d = TensorDescriptor.from_tensor(numpy.zeros((64, 32), numpy.float32), [16, 32])
        >>> d.shape, d.strides, d.block_shape
        ([64, 32], [32, 1], [16, 32])
    """
    base: Any
    shape: list
    strides: list
    block_shape: list
    padding: str = "zero"

    __tessera_kind__ = "descriptor"

    def __post_init__(self):
        rank = len(self.shape)
        assert len(self.strides) == rank, f"rank mismatch: {self}"
        assert len(self.block_shape) == rank, f"rank mismatch: {self}"
        assert rank > 0, "rank must not be zero"
        assert rank <= 5, "rank cannot be more than 5"
        if type(self.base).__name__ not in _WITHOUT_MEMORY:
            assert _address(self.base) % 16 == 0, "base must be 16-byte aligned"
        validate_block_shape(self.block_shape)
        size = self.base.dtype.itemsize
        for stride in self.strides[:-1]:
            assert stride * size % 16 == 0, "strides must be 16-byte aligned"
        for extent in self.shape:
            assert extent > 0, "shape must be positive"
        assert self.strides[-1] == 1, "Last dimension must be contiguous"
        assert self.padding in ("zero", "nan"), "Illegal value for padding"
        if self.padding == "nan":
            name = getattr(self.base.dtype, "name", None)
            floating = canonicalize_dtype(name or self.base.dtype)[:2] in ("fp", "bf")
            assert floating, "Padding option `nan` is only supported for floating point tensors"

    @staticmethod
    def from_tensor(tensor, block_shape, padding="zero"):
        """A descriptor of a whole torch tensor or NumPy array, with its own shape and strides."""
        # Not callable(): torch.compile traces this function.
        if hasattr(tensor, "stride"):
            return TensorDescriptor(tensor, tensor.shape, tensor.stride(), block_shape, padding)
        strides = [step // tensor.dtype.itemsize for step in tensor.strides]
        return TensorDescriptor(tensor, list(tensor.shape), strides, block_shape, padding)
