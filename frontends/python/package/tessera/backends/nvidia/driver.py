# driver.py - the driver class of NVIDIA's backend, by the name that programs know
# SPDX-License-Identifier: Apache-2.0
import ctypes
import functools
import os

from tessera.backends.native import driver_of

CUDADriver = driver_of("cuda")
# For programs that compile C of tools.compile: cuda.h of the toolkit, and the folders that may hold libcuda. Launching from Python needs neither.
include_dirs = [path for path in ("/usr/local/cuda/include", "/usr/include") if os.path.isfile(os.path.join(path, "cuda.h"))]


def library_dirs():
    folders = ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/cuda/compat", "/usr/local/cuda/lib64/stubs")
    return [path for path in folders if any(os.path.exists(os.path.join(path, name)) for name in ("libcuda.so", "libcuda.so.1"))]


# cuda.h, CUdevice_attribute
_RATES = {"sm_clock_rate": 13, "mem_clock_rate": 36, "mem_bus_width": 37}


@functools.lru_cache(maxsize=None)
def rates(ordinal):
    """Clocks of a device and of its memory in kHz and the width of its memory's bus in bits, by Triton's names, as the driver
    tells them; 0 where it does not. Programs that rank their candidates by a model divide by them."""
    try:
        find = ctypes.CDLL("libcuda.so.1").cuGetProcAddress_v2  # in the process already where the device is
    except (OSError, AttributeError):
        return dict.fromkeys(_RATES, 0)

    def function(name, *types):
        at = ctypes.c_void_p()
        missing = find(name, ctypes.byref(at), 12000, ctypes.c_uint64(0), None) or not at.value
        return None if missing else ctypes.CFUNCTYPE(ctypes.c_int, *types)(at.value)

    number = ctypes.POINTER(ctypes.c_int)
    get = function(b"cuDeviceGet", number, ctypes.c_int)
    attribute = function(b"cuDeviceGetAttribute", number, ctypes.c_int, ctypes.c_int)
    device, value, told = ctypes.c_int(), ctypes.c_int(), dict.fromkeys(_RATES, 0)
    if get and attribute and get(ctypes.byref(device), ordinal) == 0:
        for name, which in _RATES.items():
            if attribute(ctypes.byref(value), which, device) == 0:
                told[name] = max(value.value, 0)
    return told


__all__ = ["CUDADriver", "include_dirs", "library_dirs", "rates"]
