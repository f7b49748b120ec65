# errors.py - what launches, tuning and the interpreter raise
# SPDX-License-Identifier: Apache-2.0
"""Errors by the names and with the fields that programs written for Triton look for. All survive pickling."""
from __future__ import annotations

from tessera.errors import TritonError


class _Worded(TritonError):
    """An error that is one text."""
    prefix = ""

    def __init__(self, error_message=None):
        super().__init__(error_message)
        self.error_message = error_message

    def __str__(self):
        return self.prefix + (self.error_message or "")


class InterpreterError(_Worded):
    """A kernel went wrong in the interpreter: an access out of bounds, a read of memory that nothing has written, …"""


class PTXASError(_Worded):
    """The vendor's assembler refused the generated code."""
    prefix = "PTXAS error: "


class AutotunerError(_Worded):
    """No configuration of a tuned kernel works."""
    prefix = "Autotuner error: "


class OutOfResources(TritonError):
    """A kernel needs more of something than the device has.

    ``required`` and ``limit`` are in the unit of ``name``: bytes of "shared memory", "threads", …. ``breakdown`` says what
    it is used for, where the compiler knows: pairs of buffer and bytes.
    """

    def __init__(self, required, limit, name, breakdown=()):
        super().__init__(required, limit, name)
        self.required = required
        self.limit = limit
        self.name = name
        self.breakdown = tuple(breakdown)

    def __str__(self):
        text = (f"out of resource: {self.name}, Required: {self.required}, Hardware limit: {self.limit}. "
                "Reducing block sizes or `num_stages` may help.")
        return text + "".join(f"\n  {amount}: {what}" for what, amount in self.breakdown)

    def __reduce__(self):
        return type(self), (self.required, self.limit, self.name, self.breakdown)
