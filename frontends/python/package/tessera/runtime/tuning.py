# tuning.py - the parts of tuning: compiling candidates in parallel, measuring, protecting arguments, storing results
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import sys
import time

from tessera import knobs

# Budgets of one candidate, in milliseconds of measured launches and in samples.
_WARM_MS, _MEASURE_MS, _MIN_SAMPLES, _MAX_SAMPLES = 5.0, 30.0, 3, 200
# A device that slept works until its clocks are up: an H100 at 345 MHz needs some tenths of a second. Until the time of a launch has not fallen by more
# than a fiftieth for _STEADY_S, at most _WAKE_S, both in seconds.
_STEADY_S, _WAKE_S = 0.1, 1.0
# Clocks stay up so many seconds after the last launch that was measured.
_AWAKE_S = 1.0
# Candidates within this factor of the best are measured a second time, at most so many.
_CLOSE, _MOST_CLOSE = 1.2, 5
# A candidate is given up after its first launches when it is this much slower than the best one so far.
_HOPELESS = 2.0


def innermost(fn):
    """The kernel under decorators such as heuristics."""
    while hasattr(fn, "fn") and hasattr(fn.fn, "run"):
        fn = fn.fn
    return fn


def unfit_errors():
    """What a candidate may fail with and be left out."""
    from tessera.compiler.errors import CompileTimeAssertionFailure
    from tessera.runtime.errors import OutOfResources, PTXASError
    return OutOfResources, CompileTimeAssertionFailure, PTXASError


# --- arguments that change


class _Snapshot:
    """Memory of an argument as it was. ``restore`` puts it back."""

    def __init__(self, put_back):
        self.restore = put_back


def snapshot(value):
    """A copy of an argument's memory: torch tensors and what is like them (``clone``, ``copy_``), NumPy arrays and what is
    like them (``copy``, item assignment), objects with a writable buffer, descriptors (their tensor), tuples (those of their leaves
    that are memory). Errors: TypeError for anything else."""
    if isinstance(value, tuple):
        saved_leaves = [snapshot(leaf) for leaf in _memory_leaves(value)]
        return _Snapshot(lambda: [saved.restore() for saved in saved_leaves])
    if hasattr(value, "block_shape") and hasattr(value, "base"):
        return snapshot(value.base)
    if hasattr(value, "clone") and hasattr(value, "copy_"):
        saved = value.clone()
        return _Snapshot(lambda: value.copy_(saved))
    if hasattr(value, "copy") and hasattr(value, "shape") and hasattr(value, "__setitem__"):
        saved = value.copy()

        def put_back():
            value[...] = saved

        return _Snapshot(put_back)
    memory = _bytes_of(value)
    if memory is None:
        raise TypeError(f"a {type(value).__name__} cannot be saved and restored: it has neither clone and copy_, nor copy, nor a "
                        "writable buffer")
    saved_bytes = bytes(memory)
    memory.release()

    def put_bytes_back():
        with _bytes_of(value) as now:
            now[:] = saved_bytes

    return _Snapshot(put_bytes_back)


def zero(value):
    """Sets an argument's memory to zero; what that may be is as of ``snapshot``."""
    if isinstance(value, tuple):
        for leaf in _memory_leaves(value):
            zero(leaf)
    elif hasattr(value, "block_shape") and hasattr(value, "base"):
        zero(value.base)
    elif hasattr(value, "zero_"):
        value.zero_()
    elif isinstance(value, (bytearray, memoryview)) or not hasattr(value, "shape"):
        with _bytes_of(value) as memory:
            memory[:] = bytes(len(memory))
    else:
        value[...] = 0


def _bytes_of(value):
    """The writable buffer of an object as bytes, or None."""
    try:
        memory = memoryview(value)
        return None if memory.readonly else memory.cast("B")
    except (TypeError, BufferError):
        return None


def _memory_leaves(value):
    """Leaves of a tuple that are memory: no numbers, texts, types, functions, None."""
    for leaf in value:
        if isinstance(leaf, tuple):
            yield from _memory_leaves(leaf)
        elif hasattr(leaf, "data_ptr") or hasattr(leaf, "base") or hasattr(leaf, "__setitem__"):
            yield leaf


def leaf(named, path):
    """The argument that ``path`` of ``CompiledKernel.mutated_args`` means: "x", or "x.0.1" for a leaf of a tuple."""
    name, *places = path.split(".")
    value = named[name]
    for place in places:
        value = value[int(place)]
    return value


def protect(tuner, compiled, kwargs):
    """Snapshots of the arguments that the kernel writes, by what the compiler found out; those that the user's
    ``reset_to_zero``, ``restore_value`` or hooks take care of are left out. What cannot be saved is said once a tuning."""
    if tuner.user_defined_pre_hook or tuner.user_defined_post_hook:
        return []
    written = {path for kernel in compiled for path in getattr(kernel, "mutated_args", ())}
    cared_for = {*tuner.reset_to_zero, *tuner.restore_value}
    named = {**tuner.nargs, **kwargs}
    result = []
    for path in sorted(written):
        name = path.split(".")[0]
        # What is no argument of the launch comes from heuristics, anew for each one.
        if name in cared_for or name not in named:
            continue
        try:
            result.append(snapshot(leaf(named, path)))
        except (TypeError, MemoryError, RuntimeError) as error:
            import warnings
            warnings.warn(f"autotune of {tuner.base_fn.__name__}: '{path}' cannot be saved, and tuning will leave it changed ({error})",
                          RuntimeWarning, stacklevel=4)
    return result


# --- candidates that are the same kernel


def representatives(tuner, configs):
    """For each of ``configs`` the first one that launches the same code: on a target without warps ``num_warps`` makes no
    other kernel. Each stands for itself where something sees the launches of every candidate: hooks, a measuring function
    of the user's, heuristics below the tuner, or where the kernel can tell them apart: a parameter with the name of an option, a source
    that asks for the warps."""
    from tessera.compiler.options import unused_options
    from tessera.runtime.driver import driver
    from tessera.runtime.jit import JITFunction
    own = (isinstance(tuner.fn, JITFunction) and tuner._measures_itself() and not knobs.runtime.interpret and
           not tuner.user_defined_pre_hook and not tuner.user_defined_post_hook)
    unused = unused_options(driver.active.get_current_target(), tuner.fn) if own else {}.keys()
    if not unused or not unused.isdisjoint(tuner.fn.arg_names):
        return {config: config for config in configs}
    first, result = {}, {}
    for config in configs:
        made = frozenset((name, value) for name, value in config.all_kwargs().items() if name not in unused)
        result[config] = config if config.pre_hook else first.setdefault(made, config)
    return result


# --- compiling


def _jobs():
    if knobs.autotuning.jobs:
        return knobs.autotuning.jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compile_all(tuner, configs, args, kwargs):
    """Compiles candidates in threads and returns the kernels. Each is bound in this thread, since a ``pre_hook`` may change
    descriptors that all share. Candidates that cannot work go to ``tuner.dropped``; other errors are left for the launch."""
    from tessera.runtime._async_compile import AsyncCompileMode, FutureKernel, active_mode
    from tessera.runtime.jit import JITFunction
    tuner._unfit = {}
    if not configs or not isinstance(innermost(tuner.fn), JITFunction) or knobs.runtime.interpret or active_mode.get() is not None:
        return []
    from concurrent.futures import ThreadPoolExecutor
    unfit = unfit_errors()
    waiting, kernels = [], []
    with ThreadPoolExecutor(min(_jobs(), len(configs)), thread_name_prefix="tessera-tune") as executor:
        with AsyncCompileMode(executor, ignore_errors=True):
            for config in configs:
                if kwargs.keys() & config.kwargs.keys():
                    continue
                current = dict(kwargs, **config.all_kwargs(), warmup=True)
                try:
                    if config.pre_hook:
                        config.pre_hook({**tuner.nargs, **current})
                    waiting.append((config, current, tuner.fn.run(*args, **current)))
                except unfit as error:
                    _drop(tuner, config, current, error)
    for config, current, kernel in waiting:
        try:
            kernels.append(kernel.result() if isinstance(kernel, FutureKernel) else kernel)
        except unfit as error:
            _drop(tuner, config, current, error)
        except Exception:
            # The launch will raise it, where Triton's users expect it.
            pass
    return kernels


def _drop(tuner, config, current, error):
    tuner._unfit[config] = error
    tuner._drop(config, error)
    if tuner.user_defined_post_hook:
        named = {**tuner.nargs, **current}
        tuner.pre_hook(named)
        tuner.post_hook(named, exception=error)


# --- measuring


def close_to_best(timings, configs, same_as):
    """Of ``configs``, the few best ones near the best median in ``timings``; none where only one is."""
    best = min(t[0] for t in timings.values())
    near = sorted((c for c in configs if same_as[c] is c and timings[c][0] <= _CLOSE * best), key=lambda c: timings[c][0])
    return near[:_MOST_CLOSE] if len(near) > 1 else []


class Sampler:
    """Measures launches of candidates on the active device, caches evicted before each. On a device with streams the host queues
    a batch and waits once: were it to wait for each launch, its own time would be part of the sample and the clocks would fall."""

    _worked = float("-inf")  # when a sampler of this process last waited for a device

    def __init__(self):
        from tessera.runtime.driver import driver
        self._driver = driver.active
        self._device = driver.active.get_device_interface()
        self.on_host = driver.active.get_current_target().backend == "cpu"
        self._flush = None if self.on_host else driver.active.get_empty_cache_for_benchmark()
        self._awake = self.on_host

    def batch(self, prepare, launch, finish, count):
        """Milliseconds of each of ``count`` launches; ``prepare`` and ``finish`` run around each, unmeasured."""
        pairs = []
        for _ in range(count):
            prepare()
            if self._flush is not None:
                self._driver.clear_cache(self._flush)
            start, end = self._device.Event(enable_timing=True), self._device.Event(enable_timing=True)
            start.record()
            launch()
            end.record()
            if self.on_host:
                self._device.synchronize()
            finish()
            pairs.append((start, end))
        self._device.synchronize()
        Sampler._worked = time.perf_counter()
        return [start.elapsed_time(end) for start, end in pairs]

    def _wake(self, prepare, launch, finish):
        """Keeps the device at work until a launch takes no less time than before."""
        began = steady = time.perf_counter()
        fastest = float("inf")
        while (now := time.perf_counter()) - steady < _STEADY_S and now - began < _WAKE_S:
            took = min(self.batch(prepare, launch, finish, 8))
            if took < 0.98 * fastest:
                fastest, steady = took, time.perf_counter()
        self._awake = True

    def quantiles(self, prepare, launch, finish, best):
        """Milliseconds of ``launch`` at quantiles (0.5, 0.2, 0.8). Stops early when the first launches are far slower than
        ``best`` (milliseconds)."""
        from tessera.testing import _quantile
        self._awake = self._awake or time.perf_counter() - Sampler._worked < _AWAKE_S
        self.batch(prepare, launch, finish, 1)
        if not self._awake:
            self._wake(prepare, launch, finish)
        # Two launches tell whether more are worth it; the faster one counts, since the machine may have been busy.
        times = self.batch(prepare, launch, finish, 2)
        if min(times) > _HOPELESS * best:
            return _quantile(times, (0.5, 0.2, 0.8))
        typical = max(min(times), 1e-3)
        self.batch(prepare, launch, finish, min(_MAX_SAMPLES, max(0, int((_WARM_MS - sum(times)) / typical))))
        samples = self.batch(prepare, launch, finish, _MIN_SAMPLES)
        if min(samples) > _HOPELESS * best:
            return _quantile(samples, (0.5, 0.2, 0.8))
        left = int((_MEASURE_MS - sum(samples)) / max(_quantile(samples, (0.5,))[0], 1e-3))
        samples += self.batch(prepare, launch, finish, max(0, min(left, _MAX_SAMPLES - len(samples))))
        return _quantile(samples, (0.5, 0.2, 0.8))


# --- results on disk


def _spelled(value):
    if isinstance(value, dict):
        return {str(k): _spelled(v) for k, v in value.items()}
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)


class ResultStore:
    """Timings of a kernel for one tuning key: a folder in the cache with a file for each candidate. Reading skips what is
    broken; a folder that cannot be written is said once."""

    _said = False

    def __init__(self, fn, key):
        import hashlib
        from tessera.compiler import make_backend
        from tessera.runtime.driver import driver
        kernel = innermost(fn)
        target = driver.active.get_current_target()
        parts = [kernel.cache_key, make_backend(target).hash(), str(target), str(key)]
        self.folder = os.path.join(knobs.cache.dir, "autotune", hashlib.sha256("\0".join(parts).encode()).hexdigest())
        self.kernel = kernel.__name__
        self.key = key

    def _path(self, config):
        import hashlib
        text = json.dumps(_spelled(config.all_kwargs()), sort_keys=True)
        return os.path.join(self.folder, f"{self.kernel[:100]}.{hashlib.sha256(text.encode()).hexdigest()[:24]}.autotune.json")

    def load(self, configs):
        """The stored timings of those of ``configs`` that have one."""
        found = {}
        for config in configs:
            try:
                with open(self._path(config)) as f:
                    timing = json.load(f)["timings"]
                if len(timing) == 3 and all(isinstance(t, (int, float)) for t in timing):
                    found[config] = timing
            except (OSError, ValueError, KeyError, TypeError):
                pass
        return found

    def save(self, timings):
        """Stores timings; each file appears whole or not at all."""
        try:
            os.makedirs(self.folder, exist_ok=True)
            for config, timing in timings.items():
                path = self._path(config)
                partial = f"{path}.{os.getpid()}.{time.monotonic_ns()}"
                with open(partial, "w") as f:
                    json.dump({"kernel": self.kernel, "key": _spelled(list(self.key)), "config": _spelled(config.all_kwargs()),
                               "timings": list(timing)}, f)
                os.replace(partial, path)
        except OSError as error:
            if not ResultStore._said:
                ResultStore._said = True
                print(f"tessera: tuning results are not kept: {error}", file=sys.stderr)


# --- progress


class Progress:
    """A line on the terminal that says how far tuning is; nothing where stderr is no terminal or the knob says no."""

    def __init__(self, name, count):
        wanted = knobs.autotuning.progress
        self._on = count > 1 and (wanted if wanted is not None else sys.stderr.isatty()) and not knobs.autotuning.print
        self._name, self._count, self._done = name, count, 0
        self._best, self._best_config = float("inf"), None
        self._show()

    def step(self, config, milliseconds):
        self._done += 1
        if milliseconds < self._best:
            self._best, self._best_config = milliseconds, config
        self._show()

    def _show(self):
        if not self._on:
            return
        done = 20 * self._done // self._count
        best = f" best {self._best:.4g} ms ({self._best_config})" if self._best_config is not None else ""
        line = f"tuning {self._name} [{'#' * done}{'.' * (20 - done)}] {self._done}/{self._count}{best}"
        import shutil
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r\x1b[K" + line[:width])
        sys.stderr.flush()

    def close(self):
        if self._on:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
