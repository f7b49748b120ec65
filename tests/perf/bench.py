#!/usr/bin/env python3
# bench.py - the performance tables of the CPU plugin: our kernels and their peers, one run, medians
# SPDX-License-Identifier: Apache-2.0
"""usage: bench.py --bin build/release/bin [--threads 2] [--record] [ROW…]

Peer and kernel run in this process, on the same inputs: in turn, a few runs of the one and a few of the other, so that drift of
the machine hits both; the rates are medians over all runs. The first run of each turn is not counted: it finds what the other
left in the caches. The error of our result against float64 stands beside the speed; a row whose error is too large is a
failure. --record writes tests/perf/results/cpu-<level>-<date>T<time>.json with versions and machine; it overwrites nothing."""
import argparse
import ctypes
import functools
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from processor import Out, Processor

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / "tests" / "kernels"
ROUNDS, RUNS = 9, 3


class Bench:
    def __init__(self, options):
        self.bin = pathlib.Path(options.bin).resolve()
        self.threads = options.threads
        self.rows = []
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="tessera-bench-"))
        self.env = dict(os.environ, TESSERA_THREADS=str(self.threads))

    @functools.cached_property
    def processor(self):
        return Processor(self.bin, self.threads)

    def kernel(self, source, grid, arguments, defines):
        return self.processor.kernel(str(KERNELS / source), grid, arguments, defines)

    def tuned(self, source, grid, arguments, defines, **candidates):
        """The kernel with the fastest value of one constant, as a tuner would pick it: tuned(…, BLOCK_SIZE=(256, 4096)). grid:
        callable of that value."""
        (constant, values), = candidates.items()
        times = []
        for value in values:
            kernel = self.kernel(source, grid(value), arguments(), dict(defines, **{constant: value}))
            kernel.run()
            times.append((statistics.median(clocked(kernel.run) for _ in range(7)), value, kernel))
        _, value, kernel = min(times, key=lambda t: t[0])
        return value, kernel

    def row(self, name, bar, unit, work, peer, ours, error, limit, beside=None, rounds=ROUNDS):
        """peer, ours: callables that do the work once; they may return nanoseconds, else they are timed. peer may be several, by
        name: they take turns with ours, and the faster one's median counts. work: units of work, for the rate. error: callable, of
        our result. rounds: of RUNS runs of each side."""
        peers = peer if isinstance(peer, dict) else {"": peer}
        times = {side: [] for side in (*peers.values(), ours)}
        for side in times:
            side()
        for _ in range(rounds):
            for side, taken in times.items():
                clocked(side)
                taken += [clocked(side) for _ in range(RUNS)]
        medians = {side: statistics.median(taken) for side, taken in times.items()}
        m, worst = medians[ours], error()
        which, p = min(((label, medians[side]) for label, side in peers.items()), key=lambda pair: pair[1])
        name = name.format(peer=which)
        beside = dict(beside or {}, **{f"{label} {unit}": work / medians[side] for label, side in peers.items() if label})
        ratio = p / m
        row = dict(name=name, ours_ns=m, peer_ns=p, ours=work / m, peer=work / p, unit=unit, ratio=ratio, bar=bar, error=worst,
                   error_limit=limit, met=bool(ratio >= bar and worst <= limit), beside=beside)
        self.rows.append(row)
        print(f"{name:42} ours {row['ours']:9.2f} {unit}  peer {row['peer']:9.2f} {unit}  ratio {ratio:5.2f} (bar {bar})  "
              f"error {worst:.2e}  {'met' if row['met'] else 'SHORT'}"
              + "".join(f"  [{k} {v:.2f}]" for k, v in row["beside"].items()), flush=True)

    def limit(self, name, value, bar, unit, **more):
        """A figure that must stay at or below its bar."""
        row = dict(name=name, value=value, bar=bar, unit=unit, met=bool(value <= bar), **more)
        self.rows.append(row)
        print(f"{name:42} {value:9.2f} {unit}  (bar {bar} {unit})  {'met' if row['met'] else 'SHORT'}"
              + "".join(f"  [{k} {v}]" for k, v in more.items()), flush=True)

    def least(self, name, value, bar, unit, **more):
        """A figure that must reach its bar."""
        row = dict(name=name, value=value, bar=bar, unit=unit, met=bool(value >= bar), **more)
        self.rows.append(row)
        print(f"{name:42} {value:9.2f} {unit}  (bar {bar} {unit})  {'met' if row['met'] else 'SHORT'}"
              + "".join(f"  [{k} {v}]" for k, v in more.items()), flush=True)


def clocked(fn):
    t = time.perf_counter_ns()
    ns = fn()
    return ns if isinstance(ns, int) else time.perf_counter_ns() - t


def timed(fn, repeats=5):
    times = []
    for _ in range(repeats):
        t = time.perf_counter_ns()
        fn()
        times.append(time.perf_counter_ns() - t)
    return statistics.median(times)


def blas_gflops(bench, n, core):
    """sgemm of OpenBLAS with a core type, in a process of its own (the type is read at load time)."""
    code = ("import ctypes,time,statistics,numpy as np,sys\n"
            "n=int(sys.argv[1]); l=ctypes.CDLL('libopenblas.so.0'); l.openblas_set_num_threads(int(sys.argv[2]))\n"
            "a=np.random.rand(n,n).astype('f'); b=np.random.rand(n,n).astype('f'); c=np.zeros((n,n),'f')\n"
            "p=lambda x: x.ctypes.data_as(ctypes.c_void_p)\n"
            "f=lambda: l.cblas_sgemm(101,111,111,n,n,n,ctypes.c_float(1),p(a),n,p(b),n,ctypes.c_float(0),p(c),n)\n"
            "f(); t=[]\n"
            "for _ in range(5):\n s=time.perf_counter_ns(); f(); t.append(time.perf_counter_ns()-s)\n"
            "print(2*n**3/statistics.median(t))\n")
    env = dict(bench.env, OPENBLAS_CORETYPE=core) if core else bench.env
    done = subprocess.run([sys.executable, "-c", code, str(n), str(bench.threads)], capture_output=True, text=True, env=env)
    return float(done.stdout) if done.returncode == 0 else 0.0


def matmul(bench):
    n = 2048
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((n, n), dtype=np.float32), rng.standard_normal((n, n), dtype=np.float32)
    want = a.astype(np.float64) @ b.astype(np.float64)
    a, b = bench.processor.place(a), bench.processor.place(b)
    os.environ["OMP_NUM_THREADS"] = str(bench.threads)
    dnnl = ctypes.CDLL("libdnnl.so.2")
    c = bench.processor.place(np.zeros((n, n), np.float32))
    ptr = lambda x: x.ctypes.data_as(ctypes.c_void_p)
    i64 = ctypes.c_int64

    def sgemm():
        dnnl.dnnl_sgemm(ctypes.c_char(b"N"), ctypes.c_char(b"N"), i64(n), i64(n), i64(n), ctypes.c_float(1), ptr(a), i64(n),
                        ptr(b), i64(n), ctypes.c_float(0), ptr(c), i64(n))

    sgemm()
    assert np.abs(c - want).max() < 1e-2, "the peer's result is wrong"
    bm, bn, bk = 128, 128, 256
    kernel = bench.kernel("matmul.py:matmul_kernel", [(n // bm) * (n // bn)], [a, b, Out(n, n), n, n, n, n, 1, n, 1, n, 1],
                          dict(BM=bm, BN=bn, BK=bk, GROUP=8, EPILOGUE="None", EVEN_K="True"))
    cores = ("Haswell", "Zen", "SkylakeX") if "avx512f" in processor_facts()["flags"] else ("Haswell", "Zen")
    beside = {f"OpenBLAS {core} GFLOP/s": blas_gflops(bench, n, core) for core in cores}
    bench.row("matmul fp32 2048^3 / oneDNN", 0.70, "GFLOP/s", 2 * n**3, sgemm, kernel.run,
              lambda: float(np.abs(kernel.arrays[2] - want).max() / np.abs(want).max()), 1e-5, beside)


def torch_row(bench, name, torch_fn, kernel, out, want, limit, shape, beside=None):
    bench.row(name, 1.0, "GB/s", 2 * 4 * int(np.prod(shape)), lambda: (torch_fn(), None)[1], kernel.run,
              lambda: float(np.abs(kernel.arrays[out] - want).max()), limit, beside)


def softmax(bench):
    import torch
    torch.set_num_threads(bench.threads)
    x = bench.processor.place(np.random.default_rng(1).standard_normal((4096, 4096), dtype=np.float32))
    t = torch.from_numpy(x)
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    kernel = bench.kernel("softmax.py:softmax_kernel", [4096], [x, Out(4096, 4096), 4096, 4096, 4096, 4096], dict(BLOCK_SIZE=4096))
    torch_row(bench, "softmax 4096x4096 / PyTorch", lambda: torch.softmax(t, 1), kernel, 1, e / e.sum(1, keepdims=True), 1e-6, x.shape)


def layer_norm(bench):
    import torch
    torch.set_num_threads(bench.threads)
    rng = np.random.default_rng(2)
    x, w, b = (bench.processor.place(rng.standard_normal(shape, dtype=np.float32)) for shape in ((4096, 4096), 4096, 4096))
    t, tw, tb = map(torch.from_numpy, (x, w, b))
    d = x.astype(np.float64)
    want = (d - d.mean(1, keepdims=True)) / np.sqrt(d.var(1, keepdims=True) + 1e-5) * w + b
    block, kernel = bench.tuned("layer_norm.py:layer_norm_forward", lambda block: [4096],
                                lambda: [x, Out(4096, 4096), w, b, Out(4096), Out(4096), 4096, 4096, 1e-5], {}, BLOCK_SIZE=(256, 512, 4096))
    torch_row(bench, "layer norm 4096x4096 / PyTorch", lambda: torch.nn.functional.layer_norm(t, (4096,), tw, tb, 1e-5), kernel, 1, want, 1e-5,
              x.shape, dict(BLOCK_SIZE=float(block)))


def rms_norm(bench):
    import torch
    torch.set_num_threads(bench.threads)
    rng = np.random.default_rng(3)
    x, w = (bench.processor.place(rng.standard_normal(shape, dtype=np.float32)) for shape in ((4096, 4096), 4096))
    t, tw = torch.from_numpy(x), torch.from_numpy(w)
    d = x.astype(np.float64)
    want = d / np.sqrt((d * d).mean(1, keepdims=True) + 1e-6) * w
    kernel = bench.kernel("rms_norm.py:rms_norm_forward", [4096], [x, Out(4096, 4096), w, Out(4096), 4096, 4096, 4096, 1e-6, 0.0],
                          dict(BLOCK_SIZE=4096, ROUNDING=0))
    torch_row(bench, "RMS norm 4096x4096 / PyTorch", lambda: torch.nn.functional.rms_norm(t, (4096,), tw, 1e-6), kernel, 1, want, 1e-5, x.shape)


def vector_add(bench):
    n = 1 << 26
    rng = np.random.default_rng(4)
    x, y = (bench.processor.place(rng.random(n, dtype=np.float32)) for _ in range(2))
    lib = ctypes.CDLL(str(bench.bin.parent / "perf" / "libtessera_perf_copy.so"))
    lib.tessera_perf_copy.restype = ctypes.c_int64
    size = 6 * n  # half of the 12 n bytes that the kernel moves, so that both move the same
    src, dst = (ctypes.c_void_p(bench.processor.place(np.zeros(size // 4, np.float32)).ctypes.data) for _ in range(2))

    def copy(streaming):
        return lambda: lib.tessera_perf_copy(dst, src, ctypes.c_uint64(size), bench.threads, streaming)

    kernel = bench.kernel("vector_add.py:add_kernel", [n // 8192], [x, y, Out(n), n], dict(BLOCK_SIZE=8192))
    # The memory's rate drifts by a quarter within seconds where others share the machine: many short turns, both copies in them.
    bench.row("vector add 2^26 / {peer} copy", 0.95, "GB/s", 12 * n, {"plain": copy(0), "non-temporal": copy(1)}, kernel.run,
              lambda: float(np.abs(kernel.arrays[2] - (x + y)).max()), 0.0, rounds=33)


def attention(bench):
    import torch
    h, n, d = 8, 1024, 64
    rng = np.random.default_rng(5)
    q, k, v = (bench.processor.place(rng.standard_normal((1, h, n, d), dtype=np.float32)) for _ in range(3))
    tq, tk, tv = map(torch.from_numpy, (q, k, v))
    torch.set_num_threads(bench.threads)
    s = (q.astype(np.float64) @ k.astype(np.float64).transpose(0, 1, 3, 2)) * d**-0.5
    p = np.exp(s - s.max(-1, keepdims=True))
    want = (p / p.sum(-1, keepdims=True)) @ v.astype(np.float64)
    bm = 128
    kernel = bench.kernel("attention.py:attention_forward", [n // bm, h],
                          [q, k, v, Out(1, h, n, d), Out(h, n), d**-0.5, h, n, n] + [h * n * d, n * d, d] * 4,
                          dict(CAUSAL="False", HEAD=d, BLOCK_M=bm, BLOCK_N=64))
    bench.row("attention fwd 8x1024x64 fp32 / PyTorch", 1.0, "GFLOP/s", 4 * h * n * n * d,
              lambda: (torch.nn.functional.scaled_dot_product_attention(tq, tk, tv), None)[1], kernel.run,
              lambda: float(np.abs(kernel.arrays[3] - want).max()), 1e-4)


COLD = {
    "add": (30, "vector_add.py", "add_kernel", ["x_ptr=*fp32:16", "y_ptr=*fp32:16", "output_ptr=*fp32:16", "count=i32:16", "BLOCK_SIZE:=1024"]),
    "softmax": (60, "softmax.py", "softmax_kernel",
                ["x_ptr=*fp32:16", "y_ptr=*fp32:16", "x_stride=i32:16", "y_stride=i32:16", "rows=i32:16", "cols=i32:16", "BLOCK_SIZE:=4096"]),
    "matmul 64x64x32": (120, "matmul.py", "matmul_kernel",
                        ["a_ptr=*fp32:16", "b_ptr=*fp32:16", "c_ptr=*fp32:16", "M=i32:16", "N=i32:16", "K=i32:16", "a_row=i32:16", "a_col:=1",
                         "b_row=i32:16", "b_col:=1", "c_row=i32:16", "c_col:=1", "BM:=64", "BN:=64", "BK:=32", "GROUP:=8", "EVEN_K:=True"]),
}


def compile_times(bench):
    peak = 0
    for name, (bar, file, kernel, bindings) in COLD.items():
        done = subprocess.run([str(bench.bin / "tessera_cold_compile"), "15", "native", "cpu", str(KERNELS / file), kernel, *bindings],
                              capture_output=True, text=True, env=bench.env)
        if done.returncode:
            raise RuntimeError(done.stderr)
        r = json.loads(done.stdout)
        peak = max(peak, r["peak_mb"])
        bench.limit(f"cold compile in process: {name}", r["cold_ms"], bar, "ms", second_ms=r["warm_ms"], minimum_ms=r["cold_min_ms"])
    command = [str(bench.bin / "tessera"), "compile", str(KERNELS / "vector_add.py"), "-s", "*fp32:16, *fp32:16, *fp32:16, i32:16", "-D", "BLOCK_SIZE=1024",
               "--target", "native", "-o", str(bench.tmp / "add.bin")]
    bench.limit("tessera compile of vector add, process", timed(lambda: subprocess.run(command, check=True), 15) / 1e6, 150, "ms")
    # The largest examples, each in a process of its own.
    for file, kernel, bindings in LARGEST:
        done = subprocess.run([str(bench.bin / "tessera_cold_compile"), "1", "native", "cpu", str(KERNELS / file), kernel, *bindings], capture_output=True,
                              text=True, env=bench.env)
        if done.returncode:
            raise RuntimeError(done.stderr)
        peak = max(peak, json.loads(done.stdout)["peak_mb"])
    bench.limit("peak memory of a compile", peak, 400, "MB")


LARGEST = [("attention.py", "attention_forward",
            [f"{p}_ptr=*fp32:16" for p in ("q", "k", "v", "out", "lse")] + ["scale=fp32", "heads=i32", "queries=i32:16", "keys=i32:16"]
            + [f"{t}_{d}=i32:16" for t in "qkvo" for d in ("batch", "head", "row")] + ["CAUSAL:=True", "HEAD:=64", "BLOCK_M:=128", "BLOCK_N:=64"])]


def worker(bench):
    """Through the warm worker against the same compile in process; 24 candidates by two workers against one."""
    def measure(mode, rounds, file, kernel, bindings):
        done = subprocess.run([str(bench.bin / "tessera_worker_bench"), mode, str(rounds), "x86-64-v3", str(KERNELS / file), kernel, *bindings],
                              capture_output=True, text=True, env=bench.env)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)

    for name, (_, file, kernel, bindings) in COLD.items():
        r = measure("overhead", 41, file, kernel, bindings)
        bench.limit(f"compile worker beyond in process: {name}", r["beyond_ms"], 5, "ms", in_process_ms=r["in_process_ms"], worker_ms=r["worker_ms"],
                    first_ms=r["first_ms"])
    _, file, kernel, bindings = COLD["matmul 64x64x32"]
    r = measure("parallel", 5, file, kernel, [b for b in bindings if b[:2] not in ("BM", "BN", "BK")])
    bench.least("24 matmul candidates, two workers / one", r["speedup"], 1.7, "times", one_ms=r["one_after_another_ms"], two_ms=r["two_at_once_ms"])


def launch(bench):
    # one program of 64 elements, call to completed, from the C++ of the command line
    command = [str(bench.bin / "tessera"), "run", str(KERNELS / "vector_add.py:add_kernel"), "--grid", "1", "--time=2000", "-D", "BLOCK_SIZE=64"]
    for a in ["*fp32[64]"] * 3 + ["64"]:
        command += ["--arg", a]
    done = subprocess.run(command, capture_output=True, text=True, env=bench.env, check=True)
    bench.limit("launch from C++, grid of one, caller's thread", json.loads(done.stdout.splitlines()[-1])["median_ns"] / 1000, 2, "us")


def triton_python():
    # An interpreter of its own that imports Triton 3.6: what our package installs under Triton's name must not meet it.
    triton = ROOT / "build/venv-triton/bin/python"
    if not triton.exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", triton.parents[1]], check=True)
    if subprocess.run([triton, "-c", "import triton, numpy"], capture_output=True).returncode:
        subprocess.run([triton, "-m", "pip", "install", "-q", "triton==3.6.0", "numpy"], check=True)
    return triton


def python_rows(bench, script, *options):
    # One of tests/perf/python, which writes its rows as JSON; the package that this build assembled.
    out = bench.tmp / f"{script}.json"
    subprocess.run([sys.executable, ROOT / "tests/perf/python" / f"{script}.py", "--json", out, *options], check=False,
                   env={**bench.env, "PYTHONPATH": str(bench.bin.parent / "python")}, stdout=subprocess.DEVNULL)
    return json.loads(out.read_text())


def frontend(bench):
    # source to verified tile IR beside Triton's source to ttir, over the kernels of the demo
    ratios = {row["name"]: round(row["triton"] / row["ours"], 1)
              for row in python_rows(bench, "frontend", "--triton", triton_python()) if row["ours"] and row["triton"]}
    bench.least("source to first IR, Triton's / ours, median", float(np.median([*ratios.values()])), 10, "times", kernels=ratios)


def tuning(bench):
    for row in python_rows(bench, "tuning"):
        name = "tuning a matmul: " + row["name"]
        if row["bar"] is not None:
            (bench.least if row["sense"] == "at least" else bench.limit)(name, row["value"], row["bar"], row["unit"])


def launch_python(bench):
    # kernel[grid](...) of an empty kernel, beside Triton's own binder and key: no compiler in the measurement, no GPU needed
    triton = triton_python()
    out = bench.tmp / "launch.json"
    subprocess.run([sys.executable, ROOT / "tests/perf/launch/launch_python.py", "--ours", sys.executable, bench.bin.parent / "python",
                    "--triton", triton, "--json", out], check=False, env=bench.env, stdout=subprocess.DEVNULL)
    for row in json.loads(out.read_text())["rows"]:
        bench.limit(row["name"], max(row["ours"], row["ours_numpy"]) / 1000, row["bar"] / 1000, "us", numpy_us=row["ours_numpy"] / 1000)
        bench.least(row["name"] + ", Triton's key and binder / ours", row["ratio"], 4, "times", triton_us=row["triton"] / 1000)


ROWS = dict(compile=compile_times, worker=worker, launch=launch, launch_python=launch_python, frontend=frontend, tuning=tuning, matmul=matmul, softmax=softmax, layer_norm=layer_norm, rms_norm=rms_norm, vector_add=vector_add, attention=attention)


def peer_versions():
    import torch
    dpkg = lambda p: subprocess.run(["dpkg-query", "-W", "-f", "${Version}", p], capture_output=True, text=True).stdout
    return dict(torch=torch.__version__, onednn=dpkg("libdnnl2"), openblas=dpkg("libopenblas0-pthread"))


def processor_facts():
    fields = dict(re.split(r"\s*:\s*", line.rstrip(), maxsplit=1) for line in open("/proc/cpuinfo").read().split("\n\n")[0].splitlines())
    return dict(cpu=fields.get("model name", "?"), family=fields.get("cpu family"), model=fields.get("model"), flags=fields.get("flags", "").split())


def record(bench, failed, load):
    facts = processor_facts()
    level = "v4" if {"avx512f", "avx512bw", "avx512vl"} <= set(facts["flags"]) else "v3" if "avx2" in facts["flags"] else "v2"
    run = lambda *c: subprocess.run(c, capture_output=True, text=True).stdout.strip()
    out = ROOT / "tests/perf/results" / f"cpu-{level}-{time.strftime('%Y-%m-%dT%H%M%S')}.json"
    out.parent.mkdir(exist_ok=True)
    facts.pop("flags")
    data = dict(machine=dict(**facts, level=f"x86-64-{level}", threads=bench.threads, system=platform.system(), load=load), version=run(str(bench.bin / "tessera"), "--version"),
                commit=run("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"), python=platform.python_version(), numpy=np.__version__,
                peers=peer_versions(), rows=bench.rows, failed=failed)
    with out.open("x") as file:
        file.write(json.dumps(data, indent=1) + "\n")
    print(f"recorded in {out.relative_to(ROOT)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=str(ROOT / "build/release/bin"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("rows", nargs="*")
    options = parser.parse_args()
    if "MALLOC_MMAP_MAX_" not in os.environ:
        # The peers allocate their results anew each time. With memory from the heap, kept when freed, they do not pay for
        # fresh pages from the system, as our kernels, which write into arrays that exist, do not. And in huge pages, as ours.
        os.execve(sys.executable, [sys.executable, *sys.argv], dict(os.environ, MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 40),
                                                                    GLIBC_TUNABLES="glibc.malloc.hugetlb=1"))
    bench = Bench(options)
    failed, load = [], round(os.getloadavg()[0], 1)  # what else ran here in the minute before
    for name in options.rows or ROWS:
        try:
            ROWS[name](bench)
        except Exception as e:  # a row that cannot run is a failed row, not the end of the table
            print(f"{name:42} FAILED: {e}", flush=True)
            failed.append(name)
    if options.record:
        record(bench, failed, load)
    return 1 if failed or any(not r["met"] for r in bench.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
