# host_device.py - the CPU as a device that can be measured
# SPDX-License-Identifier: Apache-2.0
"""What ``tessera.testing`` needs of a device, for the host's CPU: events, waiting, a buffer that evicts the caches."""
from __future__ import annotations

import time


class HostEvent:
    """A moment. ``record()`` waits for what was launched before; ``a.elapsed_time(b)`` is milliseconds from a to b."""

    def __init__(self, enable_timing=True, synchronize=None):
        self._synchronize = synchronize
        self._moment = None

    def record(self, stream=None):
        if self._synchronize is not None:
            self._synchronize()
        self._moment = time.perf_counter_ns()

    def synchronize(self):
        pass

    def query(self):
        return True

    def elapsed_time(self, end):
        return (end._moment - self._moment) / 1e6


class HostInterface:
    """The part of ``torch.cuda`` that benchmarks use, for the CPU. ``synchronize`` waits for the device's streams."""

    def __init__(self, synchronize=None):
        self._wait = synchronize

    def Event(self, enable_timing=True):
        return HostEvent(enable_timing, self._wait)

    def synchronize(self, device=None):
        if self._wait is not None:
            self._wait()

    def current_device(self):
        return 0

    def set_device(self, device):
        pass

    def device_count(self):
        return 1

    def is_available(self):
        return True


def last_level_cache_bytes():
    """The size of the largest cache of the first processor, 32 MiB where the system does not say."""
    import glob
    sizes = []
    for path in glob.glob("/sys/devices/system/cpu/cpu0/cache/index*/size"):
        try:
            with open(path) as f:
                text = f.read().strip()
            sizes.append(int(text.rstrip("KMG")) << {"K": 10, "M": 20, "G": 30}.get(text[-1:], 0))
        except (OSError, ValueError):
            pass
    return max(sizes, default=32 << 20)


class CacheFlush:
    """Memory of twice the last cache, at most 256 MiB; ``zero_()`` writes all of it, so that nothing else stays cached."""

    def __init__(self, size=None):
        import mmap
        size = size or min(2 * last_level_cache_bytes(), 256 << 20)
        self._memory = mmap.mmap(-1, size)
        self._zeros = bytes(1 << 20)

    def zero_(self):
        memory, zeros = self._memory, self._zeros
        memory.seek(0)
        for _ in range(len(memory) // len(zeros)):
            memory.write(zeros)
        return self
