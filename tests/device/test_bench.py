# test_bench.py - the table of a device with sides that are stand-ins: verdicts, sides that fail or hang, parts of a run
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bench  # noqa: E402
import beside  # noqa: E402
import compiling  # noqa: E402
import pack  # noqa: E402
import side  # noqa: E402


def row(rates, unit="TFLOP/s", bars=None, floor=None, error=1e-4):
    prepared = {"ours": {"error": error, "limit": 1e-3}}
    return bench.judge({"name": "matmul", "unit": unit, "rates": rates, "bars": bars or {}, "floor": floor, "prepared": prepared, "failed": {}})


def test_a_rate_meets_its_bars_or_does_not():
    assert row({"ours": 700.0, "triton": 700.0, "cublas": 730.0}, bars={"triton": 1.0, "cublas": 0.95})["met"]
    assert not row({"ours": 690.0, "triton": 700.0}, bars={"triton": 1.0})["met"]
    assert not row({"ours": 700.0}, bars={"triton": 1.0})["met"], "a peer that is missing is not beaten"
    assert not row({"triton": 700.0})["met"], "nor is anything met by a side that failed"
    assert not row({"ours": 800.0, "triton": 700.0}, bars={"triton": 1.0}, error=0.1)["met"], "nor by a wrong result"
    assert not row({"ours": 800.0}, error=float("inf"))["met"] and not row({"ours": 800.0}, error=float("nan"))["met"]
    assert row({"ours": 301.0}, floor=300.0)["met"] and not row({"ours": 299.0}, floor=300.0)["met"]


def test_of_times_the_smaller_is_the_better():
    assert row({"ours": 50.0, "triton": 100.0}, unit="ms", bars={"triton": 2.0})["ratios"] == {"triton": 2.0}
    assert not row({"ours": 60.0, "triton": 100.0}, unit="ms", bars={"triton": 2.0})["met"]
    assert row({"ours": 3.9}, unit="us", floor=4.0)["met"] and not row({"ours": 4.1}, unit="us", floor=4.0)["met"]


class Times:
    ir_initialization, store_results = 1000, 500

    def __init__(self, *stages):
        self.lowering_stages = stages


def test_time_to_ptx_is_all_before_the_assembler():
    ours = Times(("target", 300), ("ttir", 700), ("ttgir", 1100), ("llir", 1500), ("ptx", 1800), ("cubin", 28000), ("worker", 600))
    told = compiling.told({"times": ours, "cache_hit": False})
    assert told["ptx_ms"] == 7.0 and told["stages_us"]["cubin"] == 28000 and not told["cache_hit"]
    triton = Times(("ttir", 5000), ("ttgir", 9000), ("llir", 20000), ("ptx", 10000), ("cubin", 40000))
    assert compiling.told({"times": triton, "cache_hit": False})["ptx_ms"] == 45.0
    assert "ptx_ms" not in compiling.told({"times": Times(("compile", 30000)), "cache_hit": False})


def test_the_line_of_a_failed_row_says_why():
    failed = row({"triton": 700.0}, bars={"triton": 1.0})
    failed["failed"] = {"ours": "RuntimeError: no\n lowering"}
    text = bench.line_of(failed)
    assert "SHORT" in text and "ours failed: RuntimeError: no lowering" in text


SIDE = """
import json, sys, time
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "die":
        print("the last words", file=sys.stderr); sys.exit(3)
    if request["do"] == "hang":
        time.sleep(600)
    if request["do"] == "fail":
        print(json.dumps({"ok": False, "text": "KeyError: x", "healthy": request["healthy"]}), flush=True)
    else:
        import os; print(json.dumps({"ok": True, "answer": os.getpid()}), flush=True)
"""


@pytest.fixture
def process(tmp_path, monkeypatch):
    (tmp_path / "side.py").write_text(SIDE)
    monkeypatch.setattr(bench, "HERE", tmp_path)
    monkeypatch.setattr(bench, "FIRST_S", 20)
    side = bench.Process("ours", "cpu", dict(os.environ), tmp_path)
    yield side
    side.kill()


def test_a_side_that_dies_is_started_anew(process):
    first = process.ask(10, do="pid")
    with pytest.raises(bench.Dead, match="exit code 3.*the last words"):
        process.ask(10, do="die")
    assert process.ask(10, do="pid") != first


def test_a_side_that_hangs_is_ended(process):
    first = process.ask(10, do="pid")
    with pytest.raises(bench.Dead, match="no answer in 1 s"):
        process.ask(1, do="hang")
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert process.ask(10, do="pid") != first


def test_a_failed_request_ends_the_side_only_if_its_device_is_lost(process):
    first = process.ask(10, do="pid")
    with pytest.raises(bench.Dead, match="KeyError"):
        process.ask(10, do="fail", healthy=True)
    assert process.ask(10, do="pid") == first
    with pytest.raises(bench.Dead, match="KeyError"):
        process.ask(10, do="fail", healthy=False)
    assert process.ask(10, do="pid") != first


def part(commit, *rows):
    return {"machine": {"gpu": "NVIDIA H200, 580.1", "system": "Linux host 6.1"}, "pack": {"commit": commit},
            "rows": [{"name": name, "met": met} for name, met in rows], "not_run": ["x"]}


def test_parts_of_a_run_are_recorded_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "ROOT", tmp_path)
    (tmp_path / "tests" / "perf" / "results").mkdir(parents=True)
    files = []
    for i, content in enumerate((part("a", ("add", False), ("softmax", True)), part("a", ("add", True)), part("b", ("add", True)))):
        files.append(tmp_path / f"{i}.json")
        files[-1].write_text(json.dumps(content))
    pack.record(files[:2])
    result, = (tmp_path / "tests" / "perf" / "results").glob("h200-*.json")
    whole = json.loads(result.read_text())
    assert whole["rows"] == [{"name": "add", "met": True}, {"name": "softmax", "met": True}]
    assert "not_run" not in whole and whole["machine"]["system"] == "Linux 6.1"
    with pytest.raises(SystemExit, match="not parts of one run"):
        pack.record(files)


def test_a_launch_is_timed_on_quiet_processors(monkeypatch):
    monkeypatch.setattr(side.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    on = []
    monkeypatch.setattr(side.os, "sched_setaffinity", lambda _, processors: on.append(set(processors)))
    time_of = {0: 4.0, 1: 2.0, 2: 4.1, 3: 2.1}
    assert side.on_quiet_processors(lambda: time_of[min(on[-1])]) == (2.1, [2.0] * 3 + [2.1] * 3 + [4.0] * 3 + [4.1] * 3)
    assert on == [{0}, {1}, {2}, {3}] * 3 + [{0, 1, 2, 3}]


def test_launches_from_cpp_are_those_of_the_program(tmp_path):
    programs = tmp_path / "tessera" / "bin"
    programs.mkdir(parents=True)
    for name, text in (("tessera", "exit 0"), ("device-launch-bench", 'echo \'{"4": 1.9, "12": 2.1, "driver": 1.5, "driver graph": 1.2, "medians": {"4": [1.9, 3], "12": [2.1], "driver": [1.5]}}\'')):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    made = bench.Bench(type("Options", (), {"sides": [], "device": "cuda", "budget": 1})(), {}, tmp_path)
    made.launch_from_cpp(tmp_path, tmp_path)
    four, twelve = made.results["rows"]
    assert four["met"] and not twelve["met"] and four["rates"] == {"ours": 1.9, "cuLaunchKernel alone": 1.5, "cuGraphLaunch alone": 1.2}
    assert four["medians"] == {"4": [1.9, 3], "driver": [1.5]} and "4, medians: 1.9 3.0" in bench.line_of(four)
    (programs / "tessera").write_text("#!/bin/sh\necho no such target >&2\nexit 1\n")
    made.launch_from_cpp(tmp_path, tmp_path)
    assert not made.results["rows"][-1]["met"] and "no such target" in made.results["rows"][-1]["failed"]["ours"]


def test_kernels_beside_each_other_are_compared_set_by_set():
    assert beside.numbers_of("128x256x64w8s3") == [128, 256, 64, 8, 3]
    assert beside.trimmed([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 90.0]) == 2.0
    slow, fast = [[11.0] * 4, [22.0] * 4], [[10.0] * 4, [20.0] * 4]  # the second set takes twice as long, of all
    us, percent, error = beside.compared(slow, fast)
    assert us == 16.5 and abs(percent - 10) < 1e-9 and error < 1e-9
    assert beside.compared(slow[:1], fast[:1])[2] == 0.0
