# libdevice.py - the device library under the vendor's path; the same objects as in extra.libdevice
# SPDX-License-Identifier: Apache-2.0
from tessera.language.extra.libdevice import *  # noqa: F401,F403
