# driver.py - the devices that kernels run on, as programs ask for them
# SPDX-License-Identifier: Apache-2.0
"""``driver.active`` is the driver of the device that launches go to: by default the best accelerator of the machine, the
processor where there is none, or what TESSERA_DEVICE names. Nothing is opened before it is needed.

    from tessera.runtime import driver
    driver.active.get_current_target()                 # GPUTarget(backend='cpu', arch='x86-64-v4', warp_size=1)
    driver.set_active(driver.DeviceDriver("cpu"))
"""
from __future__ import annotations

import functools
import sys
import threading
from contextlib import contextmanager

from tessera import _tessera
from tessera.backends.compiler import GPUTarget
from tessera.backends.driver import DriverBase

# Names of plugins as Triton calls their targets.
BACKENDS = {"nvidia": "cuda", "amd": "hip"}
PLUGINS = {backend: plugin for plugin, backend in BACKENDS.items()}
_WARP_SIZES = {"nvidia": 32, "amd": 64, "mock": 32}  # of other devices 1: programs divide by it
_C_TYPES = {"i1": "int8_t", "u1": "uint8_t", "i8": "int8_t", "i16": "int16_t", "i32": "int32_t", "i64": "int64_t", "u8": "uint8_t",
            "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t", "fp16": "double", "bf16": "double", "fp32": "double",
            "f32": "double", "fp64": "double"}


def target_of(device):
    """The GPUTarget of an open device."""
    arch, features = device.target, ""
    if device.plugin == "nvidia":
        name, _, features = arch.partition(":")
        arch = int("".join(c for c in name if c.isdigit()) or 0)
    return GPUTarget(BACKENDS.get(device.plugin, device.plugin), arch, _WARP_SIZES.get(device.plugin, 1), features)


def target_text(target):
    """A GPUTarget as the compiler spells it: "cpu/x86-64-v4", "nvidia/sm_90a". Without an arch it is that of the machine's device of this
    backend: programs have none for a processor (PyTorch's Inductor says "")."""
    plugin = PLUGINS.get(target.backend, target.backend)
    arch = target.arch or _arch_here(plugin)
    if plugin == "nvidia" and isinstance(arch, int):
        arch = f"sm_{arch}" + ("a" if arch >= 90 else "") + (f":{target.features}" if target.features else "")
    return f"{plugin}/{arch}" if arch else plugin


@functools.cache
def _arch_here(plugin):
    try:
        return _tessera.Device(plugin, None, _in_worker_first()).target
    except (RuntimeError, ValueError):
        return ""  # no such device: what compiles for the target says so


class DeviceInterface:
    """What ``torch.cuda`` is for CUDA, for a device with its own streams: events, streams, waiting."""

    def __init__(self, owner):
        self._owner = owner

    def Event(self, enable_timing=False, **_):
        return Event(self._owner.device, self._owner.launch_stream)

    def Stream(self, priority=0, own_thread=False):
        return _tessera.Stream(self._owner.device, priority, own_thread)

    def synchronize(self, device=None):
        """Waits for what was launched, and for the device's own default stream; shows what kernels printed."""
        if (launches := self._owner.launch_stream()) is not None:
            launches.synchronize()
        self._owner.device.synchronize()

    def current_device(self):
        return self._owner.get_current_device()

    def set_device(self, device):
        self._owner.set_current_device(device)

    def current_stream(self, device=None):
        return self._owner.get_current_stream(device)

    @contextmanager
    def stream(self, stream):
        """Launches inside go to ``stream``."""
        with self._owner.on_stream(stream):
            yield stream

    def is_available(self):
        return True

    def device_count(self):
        return 1

    def get_device_capability(self, device=None):
        arch = self._owner.get_current_target().arch
        return divmod(arch, 10) if isinstance(arch, int) else (0, 0)


class Event:
    """A point in the work of a stream, with its time. ``current`` gives the stream where a call of ``record`` names none."""

    def __init__(self, device, current=lambda: None):
        self._event = _tessera.Event(device)
        self._current = current

    def record(self, stream=None):
        self._event.record(self._current() if stream is None else stream)

    def synchronize(self):
        self._event.synchronize()

    def elapsed_time(self, end):
        """Milliseconds from this event to ``end``."""
        end.synchronize()
        return self._event.elapsed_ns(end._event) / 1e6


class DeviceFlush:
    """Device memory larger than the device's caches; ``zero_()`` writes all of it, so that nothing else stays cached, on the
    stream that launches go to, without waiting."""

    def __init__(self, owner):
        # 256 MiB, as Triton takes, is five times the largest second-level cache of today's devices (50 MB: H100 datasheet).
        self._buffer = _tessera.Buffer(owner.device, max(256 << 20, 2 * owner.device.cache_bytes))
        self._current = owner.launch_stream

    def zero_(self):
        self._buffer.fill(0, self._current())
        return self


class DriverUtils:
    """Facts about devices, and loading of compiled kernels."""

    def __init__(self, owner):
        self._owner = owner

    def get_device_properties(self, device=None):
        """A dictionary with Triton's keys; sizes in bytes, clocks in kHz and 0 where unknown."""
        return self.properties_of(self._owner.device)

    @staticmethod
    def properties_of(d):
        host = d.host_pointers
        rates = {"sm_clock_rate": 0, "mem_clock_rate": 0, "mem_bus_width": 0}
        if d.plugin == "nvidia":
            from tessera.backends.nvidia.driver import rates as ask
            rates = ask(d.ordinal)
        return {"max_shared_mem": d.cache_bytes if host else 232448 if d.plugin == "nvidia" else 65536,
                "max_num_regs": 65536, "multiprocessor_count": d.units, "warpSize": _WARP_SIZES.get(d.plugin, 1),
                **rates, "total_memory": d.memory_bytes,
                "l2_cache_size": d.cache_bytes, "name": d.name, "arch": d.target}

    def load_binary(self, name, kernel, shared, device):
        """(module, function, registers, spilled bytes, most threads) of a compiled kernel file."""
        module = _tessera.Module(self._owner.device, kernel)
        found = [k for k in module.kernels() if k.name == name] or module.kernels()
        k = found[0]
        return module, k, max(k.registers, 1), k.spills, 1024

    def set_printf_fifo_size(self, size):
        """The buffer of device_print grows by itself."""


def _in_worker_first():
    """Whether a driver library that is new to this machine is tried in a worker before this process loads it."""
    knobs = sys.modules.get("tessera.knobs")
    return knobs is None or not knobs.compilation.in_process


class DeviceDriver(DriverBase):
    """The driver of one plugin. ``which`` is "cpu", "cpu:0", …; None: the best device of the machine."""

    def __init__(self, which=None, options=None):
        self._which = which
        self._options = options
        self._device = None
        self._stream = None
        self._wrapped = None, None  # the handle of the last foreign stream, and a Stream around it
        self._lock = threading.Lock()
        self.utils = DriverUtils(self)

    @classmethod
    def is_active(cls):
        return True

    @property
    def opened_plugin(self):
        """The plugin whose device this is: the one that was asked for by name, or that of the open device; None before it is opened."""
        if self._device is None:
            return self._which.partition(":")[0] if self._which and self._which != "native" else None
        return self._device.plugin

    @property
    def device(self):
        """The open device, a ``_tessera.Device``."""
        if self._device is None:
            with self._lock:
                if self._device is None:
                    self._device = _tessera.Device(self._which, self._options, _in_worker_first())
        return self._device

    def _activate(self):
        _tessera.set_active(self.device, driver._activate, None, self._stream, self._framework_stream())

    def _framework_stream(self):
        """What gives the handle of the stream on which PyTorch works, on a device that is its too; None elsewhere."""
        if self.device.host_pointers or self.device.plugin not in ("nvidia", "amd"):
            return None
        ordinal = self.device.ordinal

        def handle():
            # PyTorch may be imported later than this: it is asked for at each launch until it is there.
            torch = sys.modules.get("torch")
            raw = getattr(getattr(torch, "_C", None), "_cuda_getCurrentRawStream", None)
            if raw is None:
                return 0
            if torch.cuda.is_initialized():
                _tessera.set_active(self.device, driver._activate, None, self._stream, functools.partial(raw, ordinal))
            return raw(ordinal)
        return handle

    def get_current_target(self):
        return target_of(self.device)

    def get_current_device(self):
        return self.device.ordinal

    def set_current_device(self, device):
        if device not in (self.device.ordinal, None):
            raise ValueError(f"this driver has device {self.device.ordinal} only; make another for device {device}")

    def get_current_stream(self, device=None):
        """The stream that launches go to: this device's, or a number, the handle of PyTorch's. 0 is the vendor's default stream where PyTorch
        works on the device too, elsewhere the device's own."""
        if self._stream is not None:
            return self._stream
        native = self._framework_stream()
        return native() if native else 0

    def launch_stream(self):
        """The Stream that launches go to, None for the device's own default stream."""
        if self._stream is not None:
            return self._stream
        native = self._framework_stream()
        if native is None:
            return None
        handle = native()
        # 0 is a foreign stream like any other: the vendor's default one, with which the device's own keeps no order.
        if handle != self._wrapped[0]:
            self._wrapped = handle, _tessera.Stream(self.device, native=handle)
        return self._wrapped[1]

    @contextmanager
    def on_stream(self, stream):
        """Launches inside go to ``stream``, a Stream of ``get_device_interface()``, or 0."""
        before = self._stream
        self._set_stream(None if stream == 0 else stream)
        try:
            yield stream
        finally:
            self._set_stream(before)

    def _set_stream(self, stream):
        self._stream = stream
        if driver._active is self:
            self._activate()

    def get_device_interface(self):
        """Events, streams and waiting, by the names of ``torch.cuda``."""
        if self.device.host_pointers:
            from tessera.runtime.host_device import HostInterface
            return HostInterface(self.device.synchronize)
        return DeviceInterface(self)

    def get_empty_cache_for_benchmark(self):
        return super().get_empty_cache_for_benchmark() if self.device.host_pointers else DeviceFlush(self)

    def get_active_torch_device(self):
        import torch
        name = {"cpu": "cpu", "nvidia": "cuda", "amd": "cuda", "spirv": "xpu"}.get(self.device.plugin, "cpu")
        return torch.device("cpu") if name == "cpu" else torch.device(name, self.device.ordinal)

    def map_python_to_cpp_type(self, ty):
        if ty.startswith("*"):
            return "void*"
        if ty.startswith("tensordesc"):
            return "tsr_descriptor"
        if ty not in _C_TYPES:
            raise KeyError(ty)
        return _C_TYPES[ty]

    def get_benchmarker(self):
        from tessera.testing import do_bench
        return do_bench

    def launcher_cls(self, src, metadata):
        from tessera.compiler.compiler import DirectLauncher
        return DirectLauncher(src, metadata)


class DriverConfig:
    """Which driver is active."""

    DeviceDriver = DeviceDriver

    def __init__(self):
        self._default = None
        self._active = None

    @property
    def default(self):
        if self._default is None:
            knobs = sys.modules.get("tessera.knobs")
            self._default = DeviceDriver(knobs.runtime.device if knobs is not None else None)
        return self._default

    @property
    def active(self):
        if self._active is None:
            self.set_active(self.default)
        return self._active

    def set_active(self, new):
        """Launches go to ``new``'s device from now on."""
        self._active = new
        # The device is opened by the first launch, not here.
        _tessera.set_active(None, self._activate, None, None)

    def reset_active(self):
        self.set_active(self.default)

    # Called by the launch path when it has no device.
    def _activate(self):
        active = self.active
        if isinstance(active, DeviceDriver):
            active._activate()
        else:
            # A driver of the program's own: its target says which plugin runs.
            plugin = target_text(active.get_current_target()).split("/")[0]
            _tessera.set_active(_tessera.Device(plugin, None, _in_worker_first()), self._activate, None, None)


driver = DriverConfig()
_tessera.set_active(None, driver._activate, None, None)
