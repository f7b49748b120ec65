# lost_device.py - a pytest plugin: a process whose device is lost ends, and the tests behind go on in a new one
# SPDX-License-Identifier: Apache-2.0
"""With pytest-xdist: after some errors of a kernel CUDA gives its process no device any more, and every later test would fail for it."""
import os

import pytest


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item):
    import torch
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:
        print(f"{item.nodeid} lost the device: {error}", flush=True)
        os._exit(3)
