# state.py - the states of proton, by the name of its module
# SPDX-License-Identifier: Apache-2.0
from tessera.profiler import enter_state, exit_state, state

__all__ = ["enter_state", "exit_state", "state"]
