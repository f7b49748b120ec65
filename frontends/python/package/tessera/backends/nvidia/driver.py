# driver.py - the driver class of NVIDIA's backend, by the name that programs know
# SPDX-License-Identifier: Apache-2.0
from tessera.backends.native import driver_of

CUDADriver = driver_of("cuda")
# C code of kernels needs no headers or libraries here: launching generates none.
include_dirs = []


def library_dirs():
    return []


__all__ = ["CUDADriver", "include_dirs", "library_dirs"]
