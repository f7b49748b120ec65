# test_profiler.py - recordings of kernels and scopes, and the program that shows them
# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys
import time

import numpy as np
import pytest
import tessera
import tessera.language as tl
from tessera import profiler
from tessera.profiler import viewer


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    profiler.exit_state()
    profiler.finalize()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run"


def test_the_profiler_keeps_a_tree(file):
    session = profiler.start(str(file))
    with profiler.scope("outer", {"flops": 100}):
        with profiler.scope("inner", {"flops": 20, "bytes": 8}):
            pass
        profiler.deactivate(session)
        with profiler.scope("inner", {"flops": 1000}):
            pass
        profiler.activate(session)
    profiler.finalize()
    tree = viewer.read(f"{file}.hatchet")
    assert json.loads(file.with_suffix(".hatchet").read_text())[0]["frame"]["name"] == "ROOT"
    assert viewer.value(tree, "flops") == 120 and viewer.value(tree["children"][0]["children"][0], "bytes") == 8
    done = subprocess.run([sys.executable, "-m", "tessera.profiler.viewer", "-m", "flops", f"{file}.hatchet"], capture_output=True,
                          text=True)
    assert done.stdout.splitlines() == ["120.000 ROOT", "└─ 120.000 outer", "   └─ 20.000 inner"]



def names(file):
    def below(node):
        return {child["frame"]["name"]: below(child) for child in node["children"]}
    return below(viewer.read(f"{file}.hatchet"))


def test_numbers_of_sessions_stay_theirs(tmp_path):
    first, second = profiler.start(str(tmp_path / "a")), profiler.start(str(tmp_path / "b"))
    profiler.finalize(first)
    profiler.deactivate(second)
    profiler.finalize(second)
    assert (tmp_path / "a.hatchet").exists() and (tmp_path / "b.hatchet").exists()
    for call in (profiler.finalize, profiler.activate, profiler.deactivate):
        with pytest.raises(ValueError, match=f"no session {second}"):
            call(second)
    assert profiler.start(str(tmp_path / "c")) not in (first, second)


def test_a_session_of_a_name_goes_on(file):

    @profiler.profile(name=str(file))
    def work():
        with profiler.scope("part", {"flops": 1}):
            pass

    work()
    with profiler.scope("between", {"flops": 1}):
        pass
    work()
    profiler.finalize()
    tree = viewer.read(f"{file}.hatchet")
    assert names(file) == {"part": {}} and viewer.value(tree, "flops") == 2
    profiler.start(str(file))
    with pytest.raises(ValueError, match="records data='tree'"):
        profiler.start(str(file), data="trace")


def test_scopes_mean_nothing_while_nothing_is_recorded(file):
    assert profiler.enter_scope("early") is None
    assert profiler.exit_scope() is None
    early = profiler.scope("early")
    with early:
        profiler.start(str(file))
        assert isinstance(profiler.enter_scope("now", metrics={"flops": 3}), int)
        with pytest.raises(ValueError, match="Scope name mismatch: other != now"):
            profiler.exit_scope("other")
        profiler.exit_scope("now")
        with pytest.raises(ValueError, match="no scope is open"):
            profiler.exit_scope()
    profiler.finalize()
    assert names(file) == {"now": {}}


def test_a_state_is_inside_of_all_scopes(file):
    profiler.start(str(file))

    @profiler.state("decorated")
    def work():
        with profiler.scope("inner", {"flops": 1}):
            pass

    profiler.enter_state("phase")
    with profiler.scope("outer", {"flops": 1}):
        work()
    profiler.exit_state()
    with profiler.scope("outer", {"flops": 1}):
        pass
    profiler.finalize()
    assert names(file) == {"outer": {"phase": {}, "inner": {"decorated": {}}}}


def test_a_timed_scope_has_its_own_time(file):
    with pytest.raises(ValueError, match="'cpu_time' is reserved"):
        profiler.cpu_timed_scope("s", {"cpu_time": 1})
    profiler.start(str(file))
    with profiler.cpu_timed_scope("s"):
        time.sleep(0.01)

    @profiler.cpu_timed_scope("decorated")
    def work():
        time.sleep(0.01)

    work()
    profiler.finalize()
    for node in viewer.read(f"{file}.hatchet")["children"]:
        assert viewer.value(node, "cpu_time/ms") >= 10


def test_a_trace_has_each_scope_with_its_time(file):
    session = profiler.start(str(file), data="trace")
    for _ in range(2):
        with profiler.scope("outer"):
            with profiler.scope("inner", {"flops": 2}):
                time.sleep(0.001)
    with pytest.raises(ValueError, match="written as chrome_trace, not as hatchet"):
        profiler.finalize(session, output_format="hatchet")
    profiler.finalize(session)
    events = json.loads((file.parent / "run.chrome_trace").read_text())["traceEvents"]
    assert [e["name"] for e in events] == ["inner", "outer"] * 2
    inner, outer = events[:2]
    assert inner["args"] == {"call_stack": ["ROOT", "outer"], "flops": 2} and outer["ts"] <= inner["ts"] and inner["dur"] >= 1000


def test_a_setting_disables_it(file, monkeypatch):
    monkeypatch.setenv("TRITON_PROTON_DISABLE", "1")
    assert profiler.start(str(file)) is None
    profiler.profile(lambda: None)()
    profiler.finalize()
    assert not list(file.parent.iterdir())


def test_a_program_under_the_profiler(file):
    (file.parent / "lib.py").write_text("NAME = 'part'")
    program = file.parent / "program.py"
    program.write_text("import sys, lib, tessera.profiler as p\nassert p.start('other') is None\n"
                       "with p.scope(lib.NAME, {'flops': float(sys.argv[1])}):\n    pass\np.finalize()\n")
    subprocess.run([sys.executable, "-m", "tessera.profiler.proton", "-n", str(file), str(program), "5"], check=True)
    assert names(file) == {"part": {}} and not (file.parent / "other.hatchet").exists()
    assert viewer.value(viewer.read(f"{file}.hatchet"), "flops") == 5


def test_hooks_of_a_session(file):
    from tessera.profiler.hooks import Hook, HookManager
    seen = []

    class Mine(Hook):
        def init_handle(self, module, function, name, metadata_group, hash):
            pass

        def enter(self, metadata):
            seen.append(("enter", metadata.get()["name"]))

        def exit(self, metadata):
            seen.append(("exit", metadata.get()["name"]))

        def activate(self):
            seen.append("activate")

        def deactivate(self):
            seen.append("deactivate")

    @tessera.jit
    def kernel(x):
        tl.store(x, 1)

    x = np.zeros(1, np.int32)
    session = profiler.start(str(file), hook=Mine())
    kernel[(1, )](x)
    profiler.deactivate(session)
    kernel[(1, )](x)
    profiler.activate(session)
    profiler.finalize()
    kernel[(1, )](x)
    assert seen == ["activate", ("enter", "kernel"), ("exit", "kernel"), "deactivate", "activate", "deactivate"]
    assert not HookManager.active_hooks and not HookManager.session_hooks
