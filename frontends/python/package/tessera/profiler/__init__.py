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
import json
import threading
import time


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
    """One recording: ``name`` is the file's, ``root`` the tree."""

    def __init__(self, name):
        self.name = name
        self.root = _Node("ROOT")
        self.active = True


_sessions = []
_where = threading.local()


def _path():
    if not hasattr(_where, "names"):
        _where.names, _where.launch = [], None
    return _where.names


def _record(name, metrics):
    for session in _sessions:
        if session.active:
            node = session.root
            for part in (*_path(), *([name] if name else [])):
                node = node.child(part)
            node.add(metrics)


def _enter_launch(metadata):
    _path()
    _where.launch = time.perf_counter_ns()


def _exit_launch(metadata):
    from tessera.runtime import driver
    driver.active.get_device_interface().synchronize()
    data = metadata.get()
    metrics = {key: value for key, value in data.items() if isinstance(value, (int, float)) and
               (key == "bytes" or key.startswith("flops"))}
    _record(data["name"], {"time (ns)": time.perf_counter_ns() - _where.launch, "count": 1, **metrics})


def start(name=None, *, context=None, data=None, backend=None, mode=None, hook=None):
    """Starts a recording and returns its number. Only ``name`` (of the file, without suffix; "proton" if None) means something
    here; the other arguments choose among vendors' tools elsewhere."""
    from tessera import knobs
    if not _sessions:
        knobs.runtime.launch_enter_hook.add(_enter_launch)
        knobs.runtime.launch_exit_hook.add(_exit_launch)
    _sessions.append(Session(name or "proton"))
    return len(_sessions) - 1


def _chosen(session):
    return _sessions if session is None else [_sessions[session]]


def activate(session=None):
    """Goes on with a recording, or with all."""
    for one in _chosen(session):
        one.active = True


def deactivate(session=None, flushing=False):
    """Pauses a recording, or all."""
    for one in _chosen(session):
        one.active = False


def finalize(session=None, output_format="hatchet"):
    """Ends recordings and writes ``name.hatchet``: JSON that the viewer and hatchet read."""
    from tessera import knobs
    for one in list(_chosen(session)):
        with open(f"{one.name}.{output_format or 'hatchet'}", "w") as f:
            json.dump([one.root.tree()], f)
        _sessions.remove(one)
    if not _sessions:
        knobs.runtime.launch_enter_hook.remove(_enter_launch)
        knobs.runtime.launch_exit_hook.remove(_exit_launch)


class scope:
    """A named part of the program, as a context manager or a decorator; ``metrics`` (name -> number) are added to it."""

    def __init__(self, name, metrics=None):
        self.name = name
        self.metrics = metrics

    def __enter__(self):
        enter_scope(self.name, metrics=self.metrics)
        return self

    def __exit__(self, *exception):
        exit_scope()

    def __call__(self, fn):

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with scope(self.name, self.metrics):
                return fn(*args, **kwargs)

        return wrapper


def enter_scope(name, *, triton_op=False, metrics=None):
    """Opens a scope."""
    _path().append(name)
    if metrics:
        _record(None, dict(metrics))


def exit_scope(triton_op=False, metrics=None):
    """Closes the innermost scope."""
    if metrics:
        _record(None, dict(metrics))
    _path().pop()


class state(scope):
    """A scope for phases of a program."""


cpu_timed_scope = scope


def profile(fn=None, *, name=None, **options):
    """Decorates a function whose calls are recorded in a session of its own."""
    if fn is None:
        return functools.partial(profile, name=name, **options)

    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        session = start(name, **options)
        try:
            return fn(*args, **kwargs)
        finally:
            deactivate(session)

    return wrapper
