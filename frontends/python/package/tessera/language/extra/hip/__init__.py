# hip - functions that only AMD devices have; on another target each is a located compile error
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tessera.language._function import language as _language
from tessera.language.extra.hip import libdevice

__tessera_name__ = "triton.language.extra.hip"


def memrealtime(_semantic=None):
    """The device's constant-rate clock, in ticks, as an int64."""


memrealtime = _language(memrealtime, "triton.language.extra.hip.memrealtime")
__all__ = ["libdevice", "memrealtime"]
