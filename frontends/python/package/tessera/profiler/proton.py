# proton.py - a whole program under the profiler
# SPDX-License-Identifier: Apache-2.0
"""    python -m tessera.profiler.proton [-n NAME] [-d tree|trace] program.py arguments…        or pytest arguments…

The program's own calls of ``start`` do nothing: there is one session, and its file is written when the program ends, also with an error or an exit status."""
from __future__ import annotations

import argparse
import os
import runpy
import sys

from tessera import profiler


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="proton", description="Records a program's kernels and scopes.")
    parser.add_argument("-n", "--name", default=None, help="of the file, without suffix (default: proton)")
    parser.add_argument("-d", "--data", default="tree", choices=["tree", "trace"])
    for short, long in (("-b", "--backend"), ("-c", "--context"), ("-m", "--mode"), ("-k", "--hook")):
        parser.add_argument(short, long, default=None, help="accepted; chooses among vendors' tools elsewhere")
    parser.add_argument("target", help="a Python program, or pytest")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    session = profiler.start(options.name, data=options.data)
    profiler.command_line = True
    try:
        if os.path.basename(options.target) == "pytest":
            import pytest
            return int(pytest.main(options.arguments))
        sys.argv = [options.target, *options.arguments]
        sys.path.insert(0, os.path.dirname(os.path.abspath(options.target)))
        runpy.run_path(options.target, run_name="__main__")
        return 0
    finally:
        profiler.command_line = False
        if session in profiler._sessions:
            profiler.finalize(session)


if __name__ == "__main__":
    sys.exit(main())
