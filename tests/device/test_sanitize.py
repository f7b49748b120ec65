# test_sanitize.py - what sanitize.py reads in compute-sanitizer's logs, and what it makes of the runs
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pathlib
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import sanitize  # noqa: E402

# As the manual of Compute Sanitizer shows them, for kernels of our own.
CLEAN = """========= COMPUTE-SANITIZER
NVIDIA H200, nvidia/sm_90a
30 passed, 0 failed in 9 s
========= ERROR SUMMARY: 0 errors
"""
MEMCHECK = """========= COMPUTE-SANITIZER
========= Invalid __global__ write of size 4 bytes
=========     at random+0x2f0 in kernel.mlir:12
=========     by thread (32,0,0) in block (1,0,0)
=========     Address 0x7f1a5c400200 is out of bounds
=========     and is 1 bytes after the nearest allocation at 0x7f1a5c400000 of size 512 bytes
=========
========= Invalid __global__ write of size 4 bytes
=========     at random+0x2f0 in kernel.mlir:12
=========     by thread (33,0,0) in block (1,0,0)
=========     Address 0x7f1a5c400204 is out of bounds
=========
========= Program hit CUDA_ERROR_LAUNCH_FAILED (error 719) due to "unspecified launch failure" on CUDA API call to cuStreamSynchronize.
=========
========= Target application returned an error
========= ERROR SUMMARY: 3 errors
"""
RACECHECK = """========= COMPUTE-SANITIZER
========= Error: Race reported between Write access at softmax+0x150 in softmax.py:9
=========     and Read access at softmax+0x1a0 in softmax.py:11 [252 hazards]
=========
========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)
"""
SYNCCHECK = """========= COMPUTE-SANITIZER
========= Barrier error detected. Divergent thread(s) in block.
=========     at matmul+0x880 in matmul.py:40
=========     by thread (64,0,0) in block (0,0,0)
=========
========= ERROR SUMMARY: 1 error
"""
INITCHECK = """========= COMPUTE-SANITIZER
========= Uninitialized __global__ memory read of size 2 bytes
=========     at void helper<float>+0x60
=========     by thread (0,0,0) in block (0,0,0)
=========     Address 0x7f2a60000000
=========
========= ERROR SUMMARY: 1 error
"""
# A copy by the driver; more errors than are printed.
COPIED = """========= COMPUTE-SANITIZER
========= Host API memory access error at host access to 0x7f2a60000010 of size 2048 bytes
=========     Uninitialized access at 0x7f2a60000010 on access by cudaMemcpy source
=========
========= Host API memory access error at host access to 0x7f2a60000020 of size 2048 bytes
=========     Uninitialized access at 0x7f2a60000020 on access by cudaMemcpy source
=========
========= 126 errors were not printed. Use --print-limit option to adjust the number of printed errors
========= ERROR SUMMARY: 128 errors
"""
UNKNOWN = """========= COMPUTE-SANITIZER
========= Deadlock detected in barriers
=========     at ring+0x20 in ring.py:7
=========
========= ERROR SUMMARY: 1 error
"""
NOTHING = """========= COMPUTE-SANITIZER
========= Error: Target application terminated before first instrumented API call
"""


def run(text, tool="memcheck", code=0, **more):
    return sanitize.verdict({"tool": tool, "subject": "random 0", "code": code, "late": False, "last": "", **sanitize.parse(text), **more})


def test_a_log_without_errors():
    assert run(CLEAN)["state"] == "ok"
    assert run(CLEAN, code=1)["state"] == "failed", "the program's own verdict counts, too"
    assert run(CLEAN, late=True)["state"] == "late"


def test_the_same_report_is_told_once_with_its_kernel_and_line():
    found = run(MEMCHECK, code=sanitize.FOUND)
    assert found["state"] == "found" and found["summary"] == 3
    assert found["reports"]["Invalid __global__ write of size 4 bytes in random (kernel.mlir:12)"] == 2
    assert found["addresses"]["Invalid __global__ write of size 4 bytes in random (kernel.mlir:12)"] == "0x7f1a5c400200"
    assert len(found["reports"]) == 2 and any(r.startswith("Program hit CUDA_ERROR_LAUNCH_FAILED") for r in found["reports"])


def test_every_tool_has_its_reports():
    assert run(RACECHECK, "racecheck")["reports"] == {
        "Error: Race reported between Write access in softmax (softmax.py:9) and Read access in softmax (softmax.py:11)": 1}
    assert run(SYNCCHECK, "synccheck")["reports"] == {"Barrier error detected. Divergent thread(s) in block. in matmul (matmul.py:40)": 1}
    assert run(INITCHECK, "initcheck")["reports"] == {"Uninitialized __global__ memory read of size 2 bytes in helper<float>": 1}
    for text in (RACECHECK, SYNCCHECK, INITCHECK):
        assert run(text)["state"] == "found"
    copied = run(COPIED, "initcheck")
    assert copied["reports"] == {"Host API memory access error at host access to … of size 2048 bytes: Uninitialized access at … on access by cudaMemcpy "
                                 "source": 2}
    assert copied["summary"] == 128 and list(copied["addresses"].values()) == ["0x7f2a60000010"]


def test_a_report_of_a_kind_that_is_not_known_counts():
    assert run(UNKNOWN)["reports"] == {"Deadlock detected in barriers in ring (ring.py:7)": 1}


def test_errors_that_no_report_explains_are_still_found():
    assert run("========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 2 errors\n")["state"] == "found"


def test_a_tool_that_saw_nothing_is_no_success():
    assert run(NOTHING)["state"] == "none"
    assert run("")["state"] == "none"
    assert run(CLEAN + "========= Internal Sanitizer Error: 3\n")["state"] == "none"


def test_several_processes_sum_up():
    assert run(CLEAN + SYNCCHECK)["summary"] == 1


def test_the_table_names_what_was_found_and_what_did_not_run():
    lines = sanitize.table([run(CLEAN), run(MEMCHECK, code=1), run(NOTHING, "racecheck"), run(SYNCCHECK, "synccheck")])
    text = "\n".join(lines)
    assert "memcheck          2      1      1      0      0      0" in text
    assert "memcheck: Invalid __global__ write of size 4 bytes in random (kernel.mlir:12): 2 times, first at 0x7f1a5c400200; random 0" in text
    assert "none: racecheck of random 0: exit code 0: Error: Target application terminated before first instrumented API call" in text
    assert "initcheck" not in text


def test_whole_runs_with_a_tool_that_stands_in(tmp_path):
    """Every subject under each tool that was asked for, a log of each, results that say all of it."""
    tool = tmp_path / "compute-sanitizer"
    tool.write_text(f"#!{sys.executable}\nimport sys\nsys.stdout.write({SYNCCHECK!r} if 'synccheck' in sys.argv else {CLEAN!r})\n"
                    f"sys.exit({sanitize.FOUND} if 'synccheck' in sys.argv else 0)\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "package").mkdir()
    done = subprocess.run([sys.executable, str(pathlib.Path(sanitize.__file__)), "--package", str(tmp_path / "package"), "--out", str(tmp_path / "out"),
                           "--sanitizer", str(tool), "--only", "random 0,random 10,cases", "--seeds", "20", "--tools", "memcheck,synccheck"],
                          capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 1, done.stderr
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["planned"] == 6 and len(results["runs"]) == 6
    assert {run["subject"] for run in results["runs"]} == {"random 0", "random 10", "cases / 5"}
    assert all(run["state"] == ("found" if run["tool"] == "synccheck" else "ok") for run in results["runs"])
    assert "3 of 6 runs found nothing; 0 not started" in done.stdout and len(list((tmp_path / "out").glob("*.log"))) == 6
