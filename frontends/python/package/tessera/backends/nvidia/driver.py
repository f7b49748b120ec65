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


def libcuda_dirs():
    """The folders of library_dirs, at least one. AssertionError: there is none, so that there is no driver to link with."""
    folders = library_dirs()
    assert folders, "libcuda.so is in none of the folders of libraries: install the NVIDIA driver"
    return folders


def ty_to_cpp(ty):
    """The C type that a launcher hands a kernel's parameter on as: "i32" is int32_t, pointers are CUdeviceptr, floats double. KeyError: no such type."""
    if ty.startswith("*"):
        return "CUdeviceptr"
    if ty.startswith("tensordesc") or ty == "nvTmaDesc":
        return "CUtensorMap"
    if ty in ("fp16", "bf16", "fp32", "f32", "fp64"):
        return "double"
    bits = int(ty[1:]) if ty[0] in "iu" and ty[1:] in ("1", "8", "16", "32", "64") else None
    if bits is None:
        raise KeyError(ty)
    return f"{'u' if ty[0] == 'u' else ''}int{max(bits, 8)}_t"


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
