# target_info.py - triton.language.target_info: what a kernel may ask about the device it is compiled for
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tessera.language._function import constexpr_function

__all__ = ["current_target"]


def current_target():
    """The GPUTarget of the active driver (backend, arch, warp_size), or None where there is none."""
    from tessera.runtime import driver
    try:
        return driver.active.get_current_target()
    except RuntimeError:
        return None


current_target.__triton_builtin__ = True


def _backend():
    target = current_target()
    return target.backend if target is not None else None


@constexpr_function
def is_cuda():
    """Whether the kernel is compiled for an NVIDIA device."""
    return _backend() == "cuda"


@constexpr_function
def cuda_capability_geq(major, minor=0):
    """Whether the device is of NVIDIA and of compute capability ``major.minor`` or later."""
    return _backend() == "cuda" and int(current_target().arch) >= major * 10 + minor


@constexpr_function
def is_hip():
    """Whether the kernel is compiled for an AMD device."""
    return _backend() == "hip"


@constexpr_function
def is_hip_cdna3():
    return _backend() == "hip" and str(current_target().arch).startswith("gfx942")


@constexpr_function
def is_hip_cdna4():
    return _backend() == "hip" and str(current_target().arch).startswith("gfx950")
