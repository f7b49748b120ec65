# _internal_testing.py - what behaviour tests of the language share
# SPDX-License-Identifier: Apache-2.0
"""Questions about the current target, random arrays by dtype name, and conversions. Needs torch, NumPy and pytest."""
from __future__ import annotations

import os

import numpy as np
import pytest
import torch

import tessera
import tessera.language as tl
from tessera._types_of_arguments import type_canonicalisation_dict
from tessera.runtime.jit import TensorWrapper, reinterpret

int_dtypes = [f"int{n}" for n in (8, 16, 32, 64)]
uint_dtypes = [f"uint{n}" for n in (8, 16, 32, 64)]
integral_dtypes = int_dtypes + uint_dtypes
float_dtypes = ["float16", "float32", "float64"]
float_dtypes_with_bfloat16 = float_dtypes + ["bfloat16"]
dtypes = integral_dtypes + float_dtypes
dtypes_with_bfloat16 = dtypes + ["bfloat16"]
torch_float8_dtypes = ["float8_e4m3fn", "float8_e5m2"]
torch_dtypes = ["bool"] + int_dtypes + ["uint8"] + float_dtypes + ["bfloat16"]
tma_dtypes = sorted(set(dtypes_with_bfloat16) - {"int64", "uint64", "float64"})


def is_interpreter():
    return tessera.knobs.runtime.interpret


def get_current_target():
    """The GPUTarget of the active driver; None where kernels are interpreted."""
    return None if is_interpreter() else tessera.runtime.driver.active.get_current_target()


def _backend():
    target = get_current_target()
    return None if target is None else target.backend


def get_arch():
    target = get_current_target()
    return "" if target is None else str(target.arch)


def is_cpu():
    return _backend() == "cpu"


def is_cuda():
    return _backend() == "cuda"


def is_hip():
    return _backend() == "hip"


def is_xpu():
    return _backend() == "xpu"


def _cuda_major():
    return torch.cuda.get_device_capability()[0] if is_cuda() else 0


def is_ampere_or_newer():
    return _cuda_major() >= 8


def is_hopper_or_newer():
    return _cuda_major() >= 9


def is_hopper():
    return _cuda_major() == 9


def is_blackwell():
    return _cuda_major() == 10


def is_sm12x():
    return _cuda_major() == 12


def _hip(part):
    return is_hip() and part in get_arch()


def is_hip_cdna2():
    return _hip("gfx90a")


def is_hip_cdna3():
    return _hip("gfx942")


def is_hip_cdna4():
    return _hip("gfx950")


def is_hip_cdna():
    return is_hip_cdna2() or is_hip_cdna3() or is_hip_cdna4()


def is_hip_gfx11():
    return _hip("gfx11")


def is_hip_gfx12():
    return _hip("gfx12")


def is_hip_gfx1250():
    return _hip("gfx1250")


def get_hip_lds_size():
    return 163840 if is_hip_cdna4() else 65536


def numpy_random(shape, dtype_str, rs=None, low=None, high=None):
    """A random array of the named dtype; integers are never zero, so that division tests need no care. ``bfloat16`` numbers
    come as float32, fp8 ones as int8 codes. Each call draws the same numbers unless ``rs`` is given."""
    rs = np.random.RandomState(seed=17) if rs is None else rs
    if dtype_str in integral_dtypes:
        kind = getattr(np, dtype_str)
        bounds = np.iinfo(kind)
        x = rs.randint(bounds.min if low is None else max(low, bounds.min), bounds.max if high is None else min(high, bounds.max),
                       shape, dtype=kind)
        x[x == 0] = 1
        return x
    if dtype_str and "float8" in dtype_str:
        return rs.randint(20, 40, shape, dtype=np.int8)
    if dtype_str in float_dtypes:
        return rs.normal(0, 1, shape).astype(dtype_str)
    if dtype_str == "bfloat16":
        return (rs.normal(0, 1, shape).astype("float32").view("uint32") & np.uint32(0xFFFF0000)).view("float32")
    if dtype_str in ("bool", "int1", "bool_"):
        return rs.normal(0, 1, shape) > 0.0
    raise RuntimeError(f"Unknown dtype {dtype_str}")


def to_triton(x, device, dst_type=None):
    """An array as an argument of a kernel: a torch tensor, in a wrapper where torch lacks the dtype. ``dst_type`` names the
    dtype that the kernel shall see where NumPy lacks it (bfloat16, fp8)."""
    kind = x.dtype.name
    if kind in uint_dtypes:
        return reinterpret(torch.tensor(x.astype(kind[1:]), device=device), getattr(tl, kind))
    tensor = torch.tensor(x, device=device)
    if dst_type and "float8" in dst_type:
        return reinterpret(tensor, getattr(tl, dst_type))
    return tensor.bfloat16() if kind == "float32" and dst_type == "bfloat16" else tensor


def str_to_triton_dtype(x):
    return tl.str_to_ty(type_canonicalisation_dict[x], None)


def torch_dtype_name(dtype):
    if isinstance(dtype, tl.dtype):
        return dtype.name
    if isinstance(dtype, torch.dtype):
        return str(dtype).removeprefix("torch.")
    raise TypeError(f"not a triton or torch dtype: {type(dtype)}")


def to_numpy(x):
    """The array in a torch tensor or wrapper; bfloat16 comes as float32."""
    if isinstance(x, TensorWrapper):
        return x.base.cpu().numpy().astype(getattr(np, torch_dtype_name(x.dtype)))
    if isinstance(x, torch.Tensor):
        return (x.cpu().float() if x.dtype is torch.bfloat16 else x.cpu()).numpy()
    raise ValueError(f"Not a triton-compatible tensor: {x}")


def unwrap_tensor(t):
    return t.base if isinstance(t, TensorWrapper) else t


def supports_tma(byval_only=False):
    """Whether tensor descriptors work: by hardware on NVIDIA devices from 9.0, in software on the CPU and interpreted."""
    return is_interpreter() or is_cpu() or _cuda_major() >= 9


def supports_ws():
    """Whether ``warp_specialize`` is accepted."""
    return is_interpreter() or is_cpu() or _cuda_major() >= 9


def tma_skip_msg(byval_only=False):
    return "tensor descriptors need an NVIDIA device from compute capability 9.0, or the CPU"


requires_tma = pytest.mark.skipif(not supports_tma(), reason=tma_skip_msg())


def default_alloc_fn(size, align, stream):
    """Scratch memory on the active device."""
    return torch.empty(size, dtype=torch.int8, device=tessera.runtime.driver.active.get_active_torch_device())


def _fresh_knobs_impl(skipped_attr=None):
    """Two functions for a fixture: one gives a ``knobs`` without assignments and environment, one puts all back."""
    from tessera import knobs
    groups = {name: group for name, group in vars(knobs).items()
              if isinstance(group, knobs.base_knobs) and name not in (skipped_attr or ())}
    environment, propagate = {}, knobs.propagate_env

    def fresh():
        for name, group in groups.items():
            setattr(knobs, name, group.copy().reset())
            for knob in group.knob_descriptors.values():
                for variable in knobs._names(knob.key):
                    environment[variable] = os.environ.pop(variable, None)
        knobs.propagate_env = True
        return knobs

    def put_back():
        for name, group in groups.items():
            setattr(knobs, name, group)
        for variable, value in environment.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value
        knobs.propagate_env = propagate

    return fresh, put_back
