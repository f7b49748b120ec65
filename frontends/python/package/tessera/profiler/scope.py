# scope.py - the scopes of proton, by the name of its module
# SPDX-License-Identifier: Apache-2.0
from tessera.profiler import cpu_timed_scope, enter_scope, exit_scope, scope

__all__ = ["cpu_timed_scope", "enter_scope", "exit_scope", "scope"]
