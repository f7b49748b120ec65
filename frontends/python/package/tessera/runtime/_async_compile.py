# _async_compile.py - compiling in the background
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from contextvars import ContextVar

active_mode = ContextVar("async_compile_active_mode", default=None)


class FutureKernel:
    """A kernel that is being compiled. ``result()`` waits, once installs what came out, and returns it."""

    def __init__(self, finalize_compile, future):
        self.finalize_compile = finalize_compile
        self.future = future
        self.kernel = None

    def result(self, ignore_errors=False):
        """The CompiledKernel; with ``ignore_errors`` None where the compile failed. Errors: of the compile."""
        if self.kernel is None:
            try:
                kernel = self.future.result()
            except Exception:
                if ignore_errors:
                    return None
                raise
            self.finalize_compile(kernel)
            self.kernel = kernel
        return self.kernel


class AsyncCompileMode:
    """Inside ``with AsyncCompileMode(executor):`` a ``warmup`` submits its compile to the executor and returns a
    FutureKernel; leaving the block waits for all of them. Equal compiles are submitted once. Compiles release the GIL, so
    a ThreadPoolExecutor overlaps them.

    Errors: RuntimeError inside another mode; on leaving, the first error of a compile unless ``ignore_errors``.
    """

    def __init__(self, executor, *, ignore_errors=False):
        self.executor = executor
        self.ignore_errors = ignore_errors
        self.future_kernels = {}
        self.raw_futures = []

    def submit(self, key, compile_fn, finalize_fn):
        known = self.future_kernels.get(key)
        if known is None:
            future = self.executor.submit(compile_fn)
            future._key = key
            self.raw_futures.append(future)
            known = self.future_kernels[key] = FutureKernel(finalize_fn, future)
        return known

    def __enter__(self):
        if active_mode.get() is not None:
            raise RuntimeError("Another AsyncCompileMode is already active")
        active_mode.set(self)
        return self

    def __exit__(self, *exception):
        from concurrent.futures import as_completed
        try:
            for future in as_completed(self.raw_futures):
                self.future_kernels[future._key].result(self.ignore_errors)
        finally:
            active_mode.set(None)
