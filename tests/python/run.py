#!/usr/bin/env python3
# run.py - pytest over this folder, with the closing line that ./dev test counts
# SPDX-License-Identifier: Apache-2.0
"""usage: run.py [pytest's arguments]. PYTHONPATH says which package is tested."""
import pathlib
import sys

import pytest


class Count:
    passed = failed = 0

    def pytest_runtest_logreport(self, report):
        if report.failed:
            Count.failed += 1
        elif report.when == "call" and report.passed:
            Count.passed += 1

    def pytest_collectreport(self, report):
        Count.failed += report.failed


if __name__ == "__main__":
    code = pytest.main(["-q", "-p", "no:cacheprovider", str(pathlib.Path(__file__).parent), *sys.argv[1:]], plugins=[Count()])
    print(f"{Count.passed} passed, {Count.failed} failed")
    sys.exit(1 if code or Count.failed or not Count.passed else 0)
