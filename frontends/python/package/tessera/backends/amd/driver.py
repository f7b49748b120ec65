# driver.py - the driver class of AMD's backend, by the name that programs know
# SPDX-License-Identifier: Apache-2.0
from tessera.backends.native import driver_of

HIPDriver = driver_of("hip")
# C code of kernels needs no headers or libraries here: launching generates none.
include_dirs = []


def library_dirs():
    return []


__all__ = ["HIPDriver", "include_dirs", "library_dirs"]
