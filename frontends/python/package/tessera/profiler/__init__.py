# profiler - how long kernels and parts of a program take: the interface of proton
# SPDX-License-Identifier: Apache-2.0
"""A tree of scopes and kernels with times and metrics:

    import tessera.profiler as proton
    proton.start("matmul")                          # writes matmul.hatchet at finalize()
    with proton.scope("forward", {"flops": 2e9}):
        kernel[grid](…)
    proton.finalize()
    python -m tessera.profiler.viewer -m time/ms matmul.hatchet

Kernels are recorded by launch hooks, with what ``launch_metadata`` says of them (name, flops, bytes). Times are of the clock,
from the launch until the device is done; a launch under the profiler waits for the device.
"""
from __future__ import annotations

import functools
import importlib
import json
import sys
import threading
import time

DEFAULT_PROFILE_NAME = "proton"
_FORMATS = {"tree": "hatchet", "trace": "chrome_trace"}


class _Node:

    def __init__(self, name):
        self.name = name
        self.children = {}
        self.metrics = {}

    def child(self, name):
        return self.children.setdefault(name, _Node(name))

    def add(self, metrics):
        for name, value in metrics.items():
            self.metrics[name] = self.metrics.get(name, 0) + value

    def tree(self):
        return {"frame": {"name": self.name, "type": "function"}, "metrics": self.metrics,
                "children": [child.tree() for child in self.children.values()]}


class Session:
    """One recording: ``name`` is the file's, ``data`` what is kept: "tree" (in ``root``) or "trace" (in ``events``)."""

    def __init__(self, name, data):
        self.name = name
        self.data = data
        self.root = _Node("ROOT")
        self.events = []
        self.active = True

    def write(self, output_format):
        own = _FORMATS[self.data]
        if output_format and output_format != own:
            raise ValueError(f"a session with data='{self.data}' is written as {own}, not as {output_format}")
        content = [self.root.tree()] if self.data == "tree" else {"displayTimeUnit": "us", "traceEvents": self.events}
        with open(f"{self.name}.{own}", "w") as f:
            json.dump(content, f)


# Sessions by number. Numbers are not used twice; command_line: the program runs under ``python -m tessera.profiler.proton``, whose session is the only one.
_sessions = {}
_numbers = iter(range(2**63))
_scopes = iter(range(2**63))
_where = threading.local()
command_line = False


def _names():
    """Names of this thread's open scopes, outermost first; ``_where.open`` has when each began, and its metrics."""
    if not hasattr(_where, "names"):
        _where.names, _where.state, _where.open, _where.launch = [], None, [], None
    return _where.names


def _path():
    names = _names()
    return names if _where.state is None else [*names, _where.state]


def _record(name, metrics):
    for session in _sessions.values():
        if session.active and session.data == "tree":
            node = session.root
            for part in (*_path(), *([name] if name else [])):
                node = node.child(part)
            node.add(metrics)


def _event(name, category, start, metrics):
    """A span of the trace that ends now; ``start``: nanoseconds of the clock."""
    for session in _sessions.values():
        if session.active and session.data == "trace":
            session.events.append({"name": name, "cat": category, "ph": "X", "ts": start / 1e3, "dur": (time.perf_counter_ns() - start) / 1e3,
                                   "pid": 0, "tid": threading.get_ident(), "args": {"call_stack": ["ROOT", *_path()], **metrics}})


def _enter_launch(metadata):
    _names()
    _where.launch = time.perf_counter_ns()


def _exit_launch(metadata):
    from tessera.runtime import driver
    driver.active.get_device_interface().synchronize()
    data = metadata.get()
    metrics = {key: value for key, value in data.items() if isinstance(value, (int, float)) and
               (key == "bytes" or key.startswith("flops"))}
    _record(data["name"], {"time (ns)": time.perf_counter_ns() - _where.launch, "count": 1, **metrics})
    _event(data["name"], "kernel", _where.launch, metrics)


def start(name=None, *, context="shadow", data="tree", backend=None, mode=None, hook=None):
    """Starts a recording and returns its number; one of that name that was not finalized goes on.

    ``name``: of the file, without suffix; ``DEFAULT_PROFILE_NAME`` if None. ``data``: "tree" for a tree of scopes and kernels with sums,
    written as ``name.hatchet``, "trace" for each of them with its time, written as ``name.chrome_trace``. ``hook``: a ``hooks.Hook`` that runs at the
    session's launches. The other arguments choose among vendors' tools elsewhere. With ``TRITON_PROTON_DISABLE`` and under ``python -m tessera.profiler.proton`` nothing starts, and the result is None.
    Errors: ValueError for other data, or data unlike those of the recording of that name.
    """
    from tessera import knobs
    if command_line or knobs.proton.disable:
        return None
    if data not in _FORMATS:
        raise ValueError(f"data is 'tree' or 'trace', not {data!r}")
    name = str(name) if name is not None else DEFAULT_PROFILE_NAME
    for number, session in _sessions.items():
        if session.name == name:
            if session.data != data:
                raise ValueError(f"session {number} of the name {name!r} records data='{session.data}'")
            session.active = True
            return number
    if not _sessions:
        knobs.runtime.launch_enter_hook.add(_enter_launch)
        knobs.runtime.launch_exit_hook.add(_exit_launch)
    number = next(_numbers)
    _sessions[number] = Session(name, data)
    if hook is not None and not isinstance(hook, str):
        from tessera.profiler.hooks import HookManager
        HookManager.register(hook, number)
    return number


def _chosen(session):
    if session is None:
        return list(_sessions)
    if session not in _sessions:
        raise ValueError(f"no session {session}: it was not started, or is finalized")
    return [session]


def _hooks(what, session):
    module = sys.modules.get("tessera.profiler.hooks")
    if module is not None:
        getattr(module.HookManager, what)(session)


def activate(session=None):
    """Goes on with a recording, or with all. Errors: ValueError for one that does not exist."""
    for number in _chosen(session):
        _sessions[number].active = True
        _hooks("activate", number)


def deactivate(session=None):
    """Pauses a recording, or all. Errors: ValueError for one that does not exist."""
    for number in _chosen(session):
        _sessions[number].active = False
        _hooks("deactivate", number)


def finalize(session=None, output_format=""):
    """Ends a recording, or all, and writes its file: ``name.hatchet``, JSON that the viewer and hatchet read, or ``name.chrome_trace``, which
    chrome://tracing and Perfetto show.

    Errors: ValueError for a session that does not exist, and for an ``output_format`` ("hatchet", "chrome_trace") that is not its data's.
    """
    from tessera import knobs
    numbers = _chosen(session)
    for number in numbers:
        _sessions[number].write(output_format)
        del _sessions[number]
        _hooks("unregister", number)
    if numbers and not _sessions:
        knobs.runtime.launch_enter_hook.remove(_enter_launch)
        knobs.runtime.launch_exit_hook.remove(_exit_launch)


class scope:
    """A named part of the program, as a context manager or a decorator; ``metrics`` (name -> number) are added to it. Nothing while no session
    has been started."""

    def __init__(self, name, metrics=None):
        self.name = name
        self.metrics = metrics
        self.id = None

    def __enter__(self):
        self.id = enter_scope(self.name, metrics=self.metrics)
        return self

    def __exit__(self, *exception):
        if self.id is not None:
            exit_scope(self.name, metrics=self._measured())

    def _measured(self):
        return None

    def __call__(self, fn):

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with type(self)(self.name, self.metrics):
                return fn(*args, **kwargs)

        return wrapper


class cpu_timed_scope(scope):
    """A scope whose own time, of the clock, is its metric ``cpu_time (ns)(exc)``. Errors: ValueError for a metric "cpu_time" of the program's."""

    def __init__(self, name, metrics=None):
        if metrics and "cpu_time" in metrics:
            raise ValueError("The metric name 'cpu_time' is reserved.")
        super().__init__(name, metrics)

    def _measured(self):
        return {"cpu_time (ns)(exc)": time.perf_counter_ns() - _where.open[-1][0]}


def enter_scope(name, *, metrics=None):
    """Opens a scope in this thread and returns its number; None while no session has been started."""
    if not _sessions:
        return None
    _names().append(name)
    _where.open.append((time.perf_counter_ns(), dict(metrics or {})))
    if metrics:
        _record(None, dict(metrics))
    return next(_scopes)


def exit_scope(name=None, *, metrics=None):
    """Closes the innermost scope of this thread. Nothing while no session has been started.

    Errors: ValueError if that one has another ``name``, or none is open.
    """
    names = _names()
    if not names:
        if _sessions:
            raise ValueError("exit_scope: no scope is open in this thread")
        return
    if name and name != names[-1]:
        raise ValueError(f"Scope name mismatch: {name} != {names[-1]}")
    if metrics:
        _record(None, dict(metrics))
    last, (began, entered) = names.pop(), _where.open.pop()
    _event(last, "scope", began, {**entered, **(metrics or {})})


def enter_state(name):
    """Kernels and metrics of this thread are below ``name``, inside of all open scopes, until ``exit_state``."""
    _names()
    _where.state = name


def exit_state():
    """Ends the state of this thread."""
    _names()
    _where.state = None


class state:
    """``enter_state`` and ``exit_state`` as a context manager or a decorator."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        enter_state(self.name)
        return self

    def __exit__(self, *exception):
        exit_state()

    def __call__(self, fn):

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with self:
                return fn(*args, **kwargs)

        return wrapper


def profile(func=None, *, name=None, context="shadow", data="tree", backend=None, mode=None, hook=None):
    """Decorates a function whose calls are recorded in the session ``name``; arguments are ``start``'s. ``finalize`` writes the file."""
    if func is None:
        return functools.partial(profile, name=name, context=context, data=data, backend=backend, mode=mode, hook=hook)

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        session = start(name, context=context, data=data, backend=backend, mode=mode, hook=hook)
        try:
            return func(*args, **kwargs)
        finally:
            if session is not None:
                deactivate(session)

    return wrapper


# Triton has modules of these names. They are imported now: later they would take the places of what has their names here.
_own = scope, state, profile
for _module in ("profile", "scope", "specs", "state"):
    importlib.import_module(f"tessera.profiler.{_module}")
scope, state, profile = _own
