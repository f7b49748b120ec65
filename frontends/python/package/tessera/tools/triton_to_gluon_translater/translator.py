# translator.py - Triton's translator of kernels into Gluon, by name only
# SPDX-License-Identifier: Apache-2.0
"""Gluon is a language for one vendor's devices that Tessera does not compile (``tessera.experimental.gluon``), so nothing is
translated into it: programs that mention the translator can be imported."""
from __future__ import annotations


def convert_triton_to_gluon(src):
    """Raises NotImplementedError: there is no Gluon to translate to."""
    names = ", ".join(getattr(fn, "__name__", repr(fn)) for fn in src)
    raise NotImplementedError(f"{names}: Gluon kernels are not supported by Tessera; the kernel runs as it is")
