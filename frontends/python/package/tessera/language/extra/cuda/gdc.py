# gdc.py - what programs import from triton.language.extra.cuda.gdc
# SPDX-License-Identifier: Apache-2.0
from tessera.language.extra.cuda import gdc_launch_dependents, gdc_wait

__all__ = ["gdc_launch_dependents", "gdc_wait"]
