# language.py - regions of kernels, by the names that proton's instrumentation has
# SPDX-License-Identifier: Apache-2.0
"""Regions of a kernel, for kernels that are written with them. Nothing is recorded inside of kernels: the names are checked, and no code comes of them."""
from __future__ import annotations

from tessera.language._function import language as _language

__tessera_name__ = "triton.profiler.language"


def _declare(fn):
    return _language(fn, f"triton.profiler.language.{fn.__name__}")


@_declare
def enter_scope(name, _semantic=None):
    """The region ``name`` begins."""


@_declare
def exit_scope(name, _semantic=None):
    """The region ``name`` ends."""


@_declare
def scope(name, _semantic=None):
    """``with scope("name"):`` is a region."""


def _known(semantic_name):
    if semantic_name not in ("triton", "gluon"):
        raise KeyError(semantic_name)


def enable_semantic(semantic_name):
    """Lets kernels of a language ("triton", "gluon") have regions; they always may here. KeyError: there is no such language."""
    _known(semantic_name)


def disable_semantic(semantic_name):
    """The opposite of ``enable_semantic``, and as much."""
    _known(semantic_name)


__all__ = ["disable_semantic", "enable_semantic", "enter_scope", "exit_scope", "scope"]
