# _allocation.py - where a kernel's scratch memory comes from
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from contextvars import ContextVar


class NullAllocator:
    """The allocator before ``set_allocator``: it refuses."""

    def __call__(self, size, alignment, stream):
        raise RuntimeError("Kernel requires a runtime memory allocation, but no allocator was set. "
                           "Use triton.set_allocator to specify an allocator.")


_NULL_ALLOCATOR = NullAllocator()
_allocator = ContextVar("_allocator", default=_NULL_ALLOCATOR)


def set_allocator(allocator):
    """Sets what gives kernels scratch memory: ``allocator(size, alignment, stream)`` returns an object with ``data_ptr()``
    (bytes; ``stream`` is None or the launch's stream). The setting belongs to the current context (``contextvars``).

    Errors: a kernel that needs memory raises RuntimeError where no allocator is set.
    """
    _allocator.set(allocator)


class _AllocatorWrapper:
    """An allocator for every thread, with the interface of a context variable."""

    def __init__(self, allocator):
        self._allocator = allocator

    def get(self):
        return self._allocator

    def set(self, allocator):
        self._allocator = allocator

    def __call__(self, size, alignment, stream):
        return self._allocator(size, alignment, stream)


_profile_allocator = _AllocatorWrapper(_NULL_ALLOCATOR)


def set_profile_allocator(allocator):
    """Sets what gives instrumented kernels their buffers; None takes it away."""
    _profile_allocator.set(_NULL_ALLOCATOR if allocator is None else allocator)
