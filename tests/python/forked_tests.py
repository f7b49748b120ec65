# forked_tests.py - a pytest plugin: tests that are marked `forked` run in a process of their own
# SPDX-License-Identifier: Apache-2.0
"""Triton's tests of assertions and overflow mark themselves so, since they leave settings and broken devices behind."""
import os
import pickle

import pytest
from _pytest.runner import runtestprotocol


def pytest_addoption(parser):
    parser.addoption("--fork-all", action="store_true", help="every test in a process of its own")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    if item.get_closest_marker("forked") is None and not item.config.getoption("--fork-all"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            data = [item.config.hook.pytest_report_to_serializable(config=item.config, report=report) for report in reports]
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(data, pipe)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if data:
        for row in pickle.loads(data):
            item.ihook.pytest_runtest_logreport(report=item.config.hook.pytest_report_from_serializable(config=item.config, data=row))
    else:
        message = f"the test's process ended with {status} and no report"
        item.ihook.pytest_runtest_logreport(report=pytest.TestReport(item.nodeid, item.location, {}, "failed", message, "call"))
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
