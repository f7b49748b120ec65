# workloads - the rows of the table of a device; what they are made of is in kernels/
# SPDX-License-Identifier: Apache-2.0
from .case import Case, Row, World


def table():
    """All rows, in the order of the table. Imports triton: whichever it is then, real or Tessera's."""
    from . import attention, matrix, memory
    return [*memory.rows(), *matrix.rows(), *attention.rows()]
