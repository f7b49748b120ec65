# tensors.py - stand-ins for tensors: a dtype without memory, a tensor read as another dtype
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations


class MockTensor:
    """A tensor that has a dtype and no memory: what ``warmup`` takes for a pointer. Its address counts as aligned."""

    @staticmethod
    def wrap_dtype(value):
        """A MockTensor for a dtype of torch; anything else as it is."""
        cls = type(value)
        return MockTensor(value) if cls.__name__ == "dtype" and cls.__module__ == "torch" else value

    def __init__(self, dtype, shape=None):
        self.dtype = dtype
        self.shape = [1] if shape is None else shape

    def stride(self, dim=None):
        strides, step = [], 1
        for extent in reversed(self.shape):
            strides.insert(0, step)
            step *= extent
        return tuple(strides) if dim is None else strides[dim]

    def element_size(self):
        from tessera.language._types import str_to_ty
        from tessera._tessera import canonical_dtype
        return max(1, str_to_ty(canonical_dtype(self.dtype)).primitive_bitwidth // 8)

    @staticmethod
    def data_ptr():
        return 0

    @staticmethod
    def ptr_range():
        return 0


def is_read_only(value):
    """Whether memory given for a pointer, or for a descriptor's base, must not be written: that of NumPy arrays that are not writeable, of
    ``bytes``, of what ``__cuda_array_interface__`` says so of."""
    if getattr(value, "__tessera_kind__", None) == "descriptor":
        value = value.base
    if hasattr(value, "data_ptr"):
        return False
    interface = getattr(value, "__cuda_array_interface__", None)
    if interface is not None:
        return bool(interface["data"][1])
    writeable = getattr(getattr(value, "flags", None), "writeable", None)
    if writeable is not None:
        return not writeable
    try:
        return memoryview(value).readonly
    except TypeError:
        return False


class TensorWrapper:
    """A tensor whose memory a kernel reads as another dtype of ``tessera.language``; made by ``reinterpret``."""

    def __init__(self, base, dtype):
        self.dtype = dtype
        self.base = base
        self.data = getattr(base, "data", None)
        self.device = getattr(base, "device", None)
        self.shape = base.shape

    def data_ptr(self):
        base = self.base
        if hasattr(base, "data_ptr"):
            return base.data_ptr()
        return base.ctypes.data

    def stride(self, *args):
        if hasattr(self.base, "stride"):
            return self.base.stride(*args)
        strides = tuple(s // self.base.itemsize for s in self.base.strides)
        return strides[args[0]] if args else strides

    def __str__(self):
        return f"TensorWrapper[{self.dtype}]({self.base})"

    def element_size(self):
        return self.base.element_size() if hasattr(self.base, "element_size") else self.base.itemsize

    def cpu(self):
        return TensorWrapper(self.base.cpu() if hasattr(self.base, "cpu") else self.base, self.dtype)

    def copy_(self, other):
        source = other.base if isinstance(other, TensorWrapper) else other
        if hasattr(self.base, "copy_"):
            self.base.copy_(source)
        else:
            self.base[...] = source

    def clone(self):
        return TensorWrapper(self.base.clone() if hasattr(self.base, "clone") else self.base.copy(), self.dtype)

    def to(self, device):
        return TensorWrapper(self.base.to(device), self.dtype)

    def new_empty(self, sizes):
        if hasattr(self.base, "new_empty"):
            return TensorWrapper(self.base.new_empty(sizes), self.dtype)
        import numpy
        return TensorWrapper(numpy.empty(sizes, self.base.dtype), self.dtype)


def reinterpret(tensor, dtype):
    """The tensor's memory, read as ``dtype`` of ``tessera.language``: ``reinterpret(bytes_u8, tl.float8e5)``.

    Takes tensors of torch, NumPy arrays and TensorWrappers; the elements must be equally wide. Errors: TypeError for
    anything else.
    """
    if isinstance(tensor, TensorWrapper):
        return tensor.base if dtype == tensor.base.dtype else TensorWrapper(tensor.base, dtype)
    if hasattr(tensor, "data_ptr") or hasattr(tensor, "ctypes"):
        return TensorWrapper(tensor, dtype)
    raise TypeError(f"Cannot reinterpret a {type(tensor)}.")
