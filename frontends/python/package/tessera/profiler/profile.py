# profile.py - the sessions of proton, by the name of its module
# SPDX-License-Identifier: Apache-2.0
from tessera.profiler import DEFAULT_PROFILE_NAME, activate, deactivate, finalize, profile, start

__all__ = ["DEFAULT_PROFILE_NAME", "activate", "deactivate", "finalize", "profile", "start"]
