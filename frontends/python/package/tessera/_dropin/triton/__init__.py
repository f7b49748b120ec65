# triton - child processes of `python -m tessera.triton` find this on their path; it hands over to the drop-in
# SPDX-License-Identifier: Apache-2.0
import importlib
import os
import sys

del sys.modules["triton"]
try:
    import tessera.triton as _dropin
except ModuleNotFoundError:
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))
    import tessera.triton as _dropin
_dropin.install()
importlib.import_module("triton")
