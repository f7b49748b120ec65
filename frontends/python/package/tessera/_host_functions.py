# _host_functions.py - arithmetic that hosts and kernels share
# SPDX-License-Identifier: Apache-2.0
from tessera.language._function import constexpr_function


@constexpr_function
def cdiv(x: int, y: int):
    """``x / y`` rounded up, of integers. In kernels it takes constants; ``tl.cdiv`` takes tensors.

    Example:
        >>> tessera.cdiv(10, 4)
        3
    """
    return (x + y - 1) // y


@constexpr_function
def next_power_of_2(n: int):
    """The smallest power of two that is not below ``n`` (an integer of at least one). In kernels it takes constants.

    Example:
        >>> tessera.next_power_of_2(10)
        16
    """
    return 1 << (n - 1).bit_length() if n > 0 else 0


# The compiler knows both and evaluates them itself.
cdiv.__tessera_name__ = "triton.cdiv"
next_power_of_2.__tessera_name__ = "triton.next_power_of_2"
