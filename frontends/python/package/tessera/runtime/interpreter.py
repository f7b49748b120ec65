# interpreter.py - names of the interpreting mode
# SPDX-License-Identifier: Apache-2.0
"""With ``TESSERA_INTERPRET=1`` (or TRITON_INTERPRET=1) launches go to the reference interpreter, which reports accesses out of
bounds with their source line. A kernel is the same object in both modes; ``InterpretedFunction`` is its class here."""
from __future__ import annotations

from tessera.runtime.errors import InterpreterError
from tessera.runtime.jit import JITFunction as InterpretedFunction

__all__ = ["InterpretedFunction", "InterpreterError"]
