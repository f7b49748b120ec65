# utils.py - what programs import from triton.language.extra.hip.utils
# SPDX-License-Identifier: Apache-2.0
from tessera.language.extra.hip import memrealtime

__all__ = ["memrealtime"]
