# utils.py - what programs import from triton.language.extra.cuda.utils
# SPDX-License-Identifier: Apache-2.0
from tessera.language.extra.cuda import (convert_custom_float8_sm70, convert_custom_float8_sm80, globaltimer, num_threads,
                                         num_warps, smid)

__all__ = ["convert_custom_float8_sm70", "convert_custom_float8_sm80", "globaltimer", "num_threads", "num_warps", "smid"]
