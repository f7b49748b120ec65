# _filecheck.py - tests that compare a kernel's intermediate code with a pattern
# SPDX-License-Identifier: Apache-2.0
"""The patterns of Triton's tests are written for its IR, which does not exist here: such a test is skipped with this reason.
``run_filecheck`` compares any text, with LLVM's FileCheck where it is installed."""
from __future__ import annotations

from tessera.backends.compiler import GPUTarget

stub_target = GPUTarget("cuda", 100, 32)


class MatchError(ValueError):
    """Text that does not match; ``str`` shows it."""

    def __init__(self, message, module_str):
        super().__init__(message)
        self.module_str = module_str

    def __str__(self):
        return f"{super().__str__()}\n{self.module_str}"


def run_filecheck(name, module_str, check_template):
    """Checks text against FileCheck lines. Errors: MatchError; RuntimeError where FileCheck is not installed."""
    import shutil
    import subprocess
    import tempfile
    tool = next((path for path in map(shutil.which, ("FileCheck", "FileCheck-22")) if path), None)
    if tool is None:
        raise RuntimeError("FileCheck of LLVM is not on the search path")
    with tempfile.NamedTemporaryFile("w", suffix=".check") as checks:
        checks.write(check_template)
        checks.flush()
        done = subprocess.run([tool, checks.name, "--dump-input-context=50"], input=module_str, text=True, capture_output=True)
    if done.returncode:
        raise MatchError(done.stderr, module_str)


def run_parser(kernel_fn, args=(), kwargs={}, target=stub_target):
    """Compiles for ``target`` and returns the verified tile IR as text."""
    kernel = kernel_fn.warmup(*args, grid=(1,), **kwargs)
    return kernel.asm["ttir"]


def _skip():
    import pytest
    pytest.skip("the pattern is of Triton's IR; Tessera's is another one")


def run_filecheck_test(kernel_fn):
    _skip()


def filecheck_test(fn):
    """Decorates a kernel whose comments are patterns of Triton's IR: the test is skipped."""
    from functools import wraps

    @wraps(getattr(fn, "fn", fn))
    def test_fn():
        _skip()

    # The kernel's parameters are no fixtures.
    del test_fn.__wrapped__
    return test_fn
