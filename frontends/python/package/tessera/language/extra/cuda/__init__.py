# cuda - functions that only NVIDIA devices have; on another target each is a located compile error
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tessera.language._function import language as _language
from tessera.language.extra.cuda import libdevice

__tessera_name__ = "triton.language.extra.cuda"


def _declare(fn):
    return _language(fn, f"triton.language.extra.cuda.{fn.__name__}")


@_declare
def globaltimer(_semantic=None):
    """The device's clock in nanoseconds, as an int64."""


@_declare
def smid(_semantic=None):
    """The number of the multiprocessor that runs the program, as an int32."""


@_declare
def num_threads(_semantic=None):
    """The threads of a program, as a constexpr."""


@_declare
def num_warps(_semantic=None):
    """The warps of a program, as a constexpr."""


@_declare
def gdc_wait(_semantic=None):
    """Waits until the kernels that this one depends on have finished (programmatic dependent launch). Nothing where launches of a stream
    do not overlap: on the CPU, and on devices before Hopper."""


@_declare
def gdc_launch_dependents(_semantic=None):
    """Lets the kernels that depend on this one start (programmatic dependent launch). Nothing where ``gdc_wait`` is nothing."""


@_declare
def convert_custom_float8_sm70(arg, dst_ty, fp_downcast_rounding=None, _semantic=None):
    """fp8e4b15 to and from fp16 on devices before 8.0."""


@_declare
def convert_custom_float8_sm80(arg, dst_ty, fp_downcast_rounding=None, _semantic=None):
    """fp8e4b15 to and from fp16 on devices from 8.0."""


__all__ = ["libdevice", "globaltimer", "num_threads", "num_warps", "smid", "convert_custom_float8_sm70",
           "convert_custom_float8_sm80", "gdc_launch_dependents", "gdc_wait"]
