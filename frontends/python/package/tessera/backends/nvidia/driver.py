# driver.py - the driver class of NVIDIA's backend, by the name that programs know
# SPDX-License-Identifier: Apache-2.0
import os

from tessera.backends.native import driver_of

CUDADriver = driver_of("cuda")
# For programs that compile C of tools.compile: cuda.h of the toolkit, and the folders that may hold libcuda. Launching from Python needs neither.
include_dirs = [path for path in ("/usr/local/cuda/include", "/usr/include") if os.path.isfile(os.path.join(path, "cuda.h"))]


def library_dirs():
    folders = ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/cuda/compat", "/usr/local/cuda/lib64/stubs")
    return [path for path in folders if any(os.path.exists(os.path.join(path, name)) for name in ("libcuda.so", "libcuda.so.1"))]


__all__ = ["CUDADriver", "include_dirs", "library_dirs"]
