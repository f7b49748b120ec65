# backends/driver.py - the interface of a driver as Python programs see it
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from abc import ABCMeta, abstractmethod


class Benchmarker:
    """``benchmarker(fn, quantiles=[…], **kw)`` gives milliseconds for each quantile."""

    def __call__(self, kernel_call, *, quantiles, **kwargs):
        raise NotImplementedError


class DriverBase(metaclass=ABCMeta):
    """Devices of one kind. ``tessera.runtime.driver.active`` is one."""

    @classmethod
    @abstractmethod
    def is_active(cls):
        """Whether the machine has such a device."""

    @abstractmethod
    def map_python_to_cpp_type(self, ty):
        """The C type of an argument of signature type ``ty``."""

    @abstractmethod
    def get_current_target(self):
        """The GPUTarget of the current device."""

    @abstractmethod
    def get_active_torch_device(self):
        """The ``torch.device`` of the current device."""

    @abstractmethod
    def get_benchmarker(self):
        """What measures on this device; see ``Benchmarker``."""

    def get_empty_cache_for_benchmark(self):
        """A buffer larger than the device's caches, which ``clear_cache`` overwrites between measurements."""
        from tessera.runtime.host_device import CacheFlush
        return CacheFlush()

    def clear_cache(self, cache):
        """Overwrites the buffer of ``get_empty_cache_for_benchmark``."""
        cache.zero_()


class GPUDriver(DriverBase):
    """A driver whose current device and stream are PyTorch's."""

    def __init__(self):
        import torch
        self.get_device_capability = torch.cuda.get_device_capability
        self.get_current_device = torch.cuda.current_device
        self.set_current_device = torch.cuda.set_device
        self.get_current_stream = lambda index: torch.cuda.current_stream(index).cuda_stream

    def assemble_tensormap_to_arg(self, tensormaps_info, args):
        return args
