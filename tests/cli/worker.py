#!/usr/bin/env python3
# worker.py - compiles in worker processes: the same outputs as in process, and crashes, loops and signals as a user meets them
# SPDX-License-Identifier: Apache-2.0
"""usage: worker.py BIN HOSTILE_LIBRARIES. Prints `N passed, N failed`."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BIN, HOSTILE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
KERNELS = pathlib.Path(__file__).resolve().parents[1] / "kernels"
TMP = pathlib.Path(tempfile.mkdtemp(prefix="tessera-worker-test-"))
ENV = dict(os.environ, TESSERA_CACHE_DIR=str(TMP / "cache"), PATH=f"{BIN}:{os.environ['PATH']}")
passed = failed = 0


def tessera(*arguments, env=None, **more):
    return subprocess.run([str(BIN / "tessera"), *map(str, arguments)], capture_output=True, cwd=TMP, timeout=120,
                          env=dict(ENV, **(env or {})), **more)


def check(name, ok, detail=""):
    global passed, failed
    passed += bool(ok)
    failed += not ok
    if not ok:
        print(f"FAIL {name}\n" + "\n".join("  | " + line for line in str(detail).splitlines()[:30]))


def workers():
    """Processes named tessera-worker of this test: those that have its cache folder in their environment."""
    found = []
    for p in pathlib.Path("/proc").iterdir():
        try:
            if (p / "comm").read_text().strip() == "tessera-worker" and str(TMP).encode() in (p / "environ").read_bytes():
                found.append(int(p.name))
        except (OSError, ValueError):
            pass
    return found


def none_left(name):
    for _ in range(100):
        if not workers():
            return check(name, True)
        time.sleep(0.05)
    check(name, False, f"left behind: {workers()}")


# ---- the same bytes, whichever process made them -----------------------------------------------------------------------
ADD = [KERNELS / "vector_add.py", "-s", "*fp32:16,*fp32:16,*fp32:16,i32", "-D", "BLOCK_SIZE=1024"]
SOFTMAX = [KERNELS / "softmax.py:softmax_kernel", "-s", "*fp32:16,*fp32:16,i32:16,i32:16,i32,i32", "-D", "BLOCK_SIZE=1024"]
MATMUL = [KERNELS / "matmul.py:matmul_kernel", "-s", "*fp32:16,*fp32:16,*fp32:16,i32,i32,i32,i32,1,i32,1,i32,1",
          "-D", "BM=64", "-D", "BN=64", "-D", "BK=32"]
for name, kernel in (("add", ADD), ("softmax", SOFTMAX), ("matmul", MATMUL)):
    for target, emits in (("x86-64-v3", "tile,tbc,llvm,asm,artifact"), ("mock", "tile,layout,tbc,artifact")):
        outputs = {}
        for mode in ("--in-process", "--worker"):
            folder = TMP / f"{name}-{target}{mode}"
            folder.mkdir()
            done = tessera("compile", *kernel, "--target", target, "--emit", emits, mode, "-o", folder / "out")
            check(f"{name} for {target} {mode}", done.returncode == 0, done.stderr.decode())
            outputs[mode] = {f.name: f.read_bytes() for f in folder.iterdir()}
        same = outputs["--in-process"] == outputs["--worker"] and len(outputs["--worker"]) == len(emits.split(","))
        check(f"{name} for {target}: the same outputs", same, {m: {k: len(v) for k, v in o.items()} for m, o in outputs.items()})

done = tessera("run", KERNELS / "vector_add.py:add_kernel", "--grid", "4", "-D", "BLOCK_SIZE=1024", "--arg", "*fp32[4096]", "--arg", "*fp32[4096]",
               "--arg", "*fp32[4096]", "--arg", "4096", "--worker", "--no-cache")
check("run --worker", done.returncode == 0, done.stderr.decode())

# Diagnostics after the frontend keep their excerpt: the worker has the file's text.
(TMP / "big.py").write_text("import triton\nimport triton.language as tl\n\n\n@triton.jit\ndef big(x_ptr, y_ptr, BLOCK: tl.constexpr):\n"
                            "    i = tl.arange(0, BLOCK)\n    a = tl.load(x_ptr + i[:, None] * BLOCK + i[None, :])\n"
                            "    tl.store(y_ptr + i[:, None] * BLOCK + i[None, :], tl.dot(a, tl.trans(a)))\n")
results = [tessera("compile", "big.py", "-s", "*fp32:16,*fp32:16", "-D", "BLOCK=512", "--target", "mock", "--emit", "layout", mode)
           for mode in ("--in-process", "--worker")]
check("what does not fit the target", results[0].returncode == 1 and b"E0501" in results[0].stderr and b" | " in results[0].stderr, results[0].stderr.decode())
check("the same message from a worker", results[0].stderr == results[1].stderr and results[0].returncode == results[1].returncode,
      results[0].stderr.decode() + "\n" + results[1].stderr.decode())
done = tessera("compile", *ADD, "--target", "x86-64-v9", "--worker")
check("an unknown target", done.returncode == 4 and b"E0401" in done.stderr, done.stderr.decode())
done = tessera("compile", *ADD, "--emit", "tile", "--dump-ir=simplify", "--worker")
check("dumps come through", done.returncode == 0 and b"// after simplify" in done.stderr, done.stderr.decode())
done = tessera("compile", *ADD, "--in-process", "--worker")
check("--worker and --in-process exclude each other", done.returncode == 2, done.stderr.decode())

# ---- a tile module as a file ---------------------------------------------------------------------------------------------
done = tessera("compile", *ADD, "--emit", "tile_bytes", "-o", "add.tile")
check("tile_bytes", done.returncode == 0, done.stderr.decode())
direct = tessera("compile", *ADD, "--target", "x86-64-v3", "--emit", "asm")
for mode in ("--in-process", "--worker"):
    done = tessera("compile", "--from-tile", "add.tile", "--target", "x86-64-v3", "--emit", "asm", mode)
    check(f"--from-tile {mode}", done.returncode == 0 and done.stdout == direct.stdout, done.stderr.decode())
whole = (TMP / "add.tile").read_bytes()
for cut in [0, 1, 7, 8, 12, 40, len(whole) // 2, len(whole) - 1]:
    (TMP / "cut.tile").write_bytes(whole[:cut])
    done = tessera("compile", "--from-tile", "cut.tile", "--target", "x86-64-v3", "--emit", "asm", "--in-process")
    check(f"a tile module of {cut} bytes", done.returncode == 1 and b"E0308" in done.stderr, f"{done.returncode}: {done.stderr.decode()}")
for at in range(0, len(whole), len(whole) // 40):
    (TMP / "flip.tile").write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1:])
    done = tessera("compile", "--from-tile", "flip.tile", "--target", "x86-64-v3", "--emit", "asm", "--in-process")
    check(f"a tile module with another byte {at}", done.returncode == 1 and b"E0308" in done.stderr, f"{done.returncode}: {done.stderr.decode()}")
done = tessera("compile", "--from-tile", "none.tile")
check("no such tile module", done.returncode == 1 and b"E0302" in done.stderr, done.stderr.decode())
done = tessera("compile")
check("neither a file nor a tile module", done.returncode == 2, done.stderr.decode())

# ---- plugins that take their process with them ----------------------------------------------------------------------------
def manifest(rule):
    path = TMP / f"{rule}.tessera.json"
    path.write_text(json.dumps({"format": 1, "name": "hostile", "version": "1.0", "compiler": str(HOSTILE / f"libhostile_{rule}.so"),
                                "driver": str(HOSTILE / f"libhostile_{rule}.so"),
                                "targets": [{"name": "hostile"}]}))
    return path


def hostile(rule, *more, **options):
    return tessera("compile", *ADD, "--plugin", manifest(rule), "--target", "hostile", "--worker", "-o", TMP / "never.bin", *more, **options)


CRASHES = {"aborts_in_compile": "signal 6 (SIGABRT): LLVM ERROR: Cannot select: a blue logo", "segfaults_in_compile": "signal 11 (SIGSEGV)",
           "exits_in_compile": "exit code 7", "killed_in_compile": "signal 9 (SIGKILL)", "throws_in_a_thread": "signal 6 (SIGABRT): terminate called"}
for rule, how in CRASHES.items():
    done = hostile(rule)
    text = done.stderr.decode()
    check(f"{rule}: code 3 and a message", done.returncode == 3 and "internal error[E0003]" in text and how in text, text)
    check(f"{rule}: stage and plugin", "in stage 'compile' of plugin hostile" in text, text)
    check(f"{rule}: no dump on the terminal", "Stack dump" not in text and len(text.splitlines()) < 10, text)
    check(f"{rule}: no output", not (TMP / "never.bin").exists())
    command = re.search(r"run it again with: (.*); report it", text)
    folder = re.search(r"reproducer: (.*)", text)
    if not command or not folder:
        check(f"{rule}: reproducer", False, text)
        continue
    request = json.loads((pathlib.Path(folder.group(1)) / "request.json").read_text())
    check(f"{rule}: request", request["kernel"] == "add_kernel" and request["target"] == "hostile", request)
    # The command of the message, and the script beside the reproducer, as a shell runs them: the same end.
    again = subprocess.run(command.group(1), shell=True, capture_output=True, env=ENV, cwd="/")
    check(f"{rule}: the command replays it", again.returncode == 3 and how in again.stderr.decode(), f"{command.group(1)}\n{again.stderr.decode()}")
    script = subprocess.run([f"{folder.group(1)}/replay.sh"], capture_output=True, env=ENV, cwd="/")
    check(f"{rule}: the script replays it", script.returncode == 3 and how in script.stderr.decode(), script.stderr.decode())
    alone = subprocess.run(command.group(1) + " --in-process", shell=True, capture_output=True, env=ENV, cwd="/")
    check(f"{rule}: in process it takes the command along", alone.returncode != 0 and b"E0003" not in alone.stderr, alone.stderr.decode())
done = hostile("throws_in_compile")
check("an exception is no crash", done.returncode == 4 and b"threw a C++ exception" in done.stderr, done.stderr.decode())
done = hostile("well_behaved")
check("a good plugin after all the bad ones", done.returncode == 0, done.stderr.decode())

done = hostile("aborts_in_negotiate")
check("a plugin that aborts while it is loaded", done.returncode == 3 and b"crashed in stage 'load-plugin' of plugin hostile" in done.stderr, done.stderr.decode())

run = ["run", KERNELS / "vector_add.py:add_kernel", "--grid", "1", "-D", "BLOCK_SIZE=1024", "--arg", "*fp32[64]", "--arg", "*fp32[64]", "--arg", "*fp32[64]",
       "--arg", "64"]
done = tessera(*run, "--plugin", manifest("aborts_in_negotiate"), "--target", "hostile")
check("a driver that aborts while it is loaded", done.returncode == 3 and b"the driver library of" in done.stderr and b"in stage 'load' of plugin hostile" in done.stderr,
      done.stderr.decode())
done = tessera(*run, "--target", "host")
check("the driver of this machine is sound", done.returncode == 0, done.stderr.decode())
stamps = list((TMP / "cache" / "vetted").iterdir())
check("… and need not be looked at again", any(f.name.endswith("-driver") for f in stamps), stamps)

# ---- loops: time limits, Ctrl-C, a parent that is killed ------------------------------------------------------------------
started = time.monotonic()
done = hostile("loops_in_compile", "--compile-timeout", "0.5")
check("a plugin that loops runs out of time", done.returncode == 1 and b"E0503" in done.stderr and b"longer than 0.5 s in stage 'compile' of plugin hostile" in done.stderr,
      done.stderr.decode())
check("… and soon", time.monotonic() - started < 20, time.monotonic() - started)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
    loop = subprocess.Popen([str(BIN / "tessera"), "compile", *map(str, ADD), "--plugin", str(manifest("loops_in_compile")), "--target", "hostile",
                             "--worker", "-o", str(TMP / "never.bin")], env=ENV, cwd=TMP, stderr=subprocess.DEVNULL)
    for _ in range(200):
        if workers():
            break
        time.sleep(0.02)
    time.sleep(0.3)
    check(f"{number.name}: the worker was there", loop.poll() is None and workers(), loop.returncode)
    loop.send_signal(number)
    check(f"{number.name} ends the command", loop.wait(timeout=20) == -number, loop.returncode)
    none_left(f"{number.name}: no worker is left")

# ---- where there is no worker ----------------------------------------------------------------------------------------------
done = tessera("compile", *ADD, "--worker", "--target", "x86-64-v3", "--emit", "asm", env={"TESSERA_WORKER_PROGRAM": "/nonexistent/worker"})
check("no worker program", done.returncode == 4 and b"E0407" in done.stderr and b"/nonexistent/worker" in done.stderr, done.stderr.decode())
done = tessera("compile", *ADD, "--target", "x86-64-v3", "--emit", "asm", env={"TESSERA_WORKER_PROGRAM": "/nonexistent/worker"})
check("… which nobody insisted on", done.returncode == 0 and done.stdout == direct.stdout and not done.stderr, done.stderr.decode())
done = tessera("compile", *ADD, "--plugin", manifest("aborts_in_compile"), "--target", "hostile", "-o", TMP / "never.bin")
check("a worker is the default", done.returncode == 3 and b"E0003" in done.stderr, done.stderr.decode())
none_left("no worker is left")
shutil.rmtree(TMP)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
