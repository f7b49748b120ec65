# translator_helpers.py - names that translated kernels would call
# SPDX-License-Identifier: Apache-2.0
"""Every name is a placeholder of ``tessera.experimental.gluon``: it can be imported, not used in a kernel that runs."""
from __future__ import annotations

from tessera.experimental.gluon._names import Placeholder


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return Placeholder(f"{__name__}.{name}")
