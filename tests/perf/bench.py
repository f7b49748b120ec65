#!/usr/bin/env python3
# bench.py - the performance tables of the CPU plugin: our kernels and their peers, one run, medians
# SPDX-License-Identifier: Apache-2.0
"""usage: bench.py --bin build/release/bin [--threads 2] [--record] [ROW…]

Every row runs the peer and Tessera in turn (peer, ours, peer, ours, …), so that drift of the machine hits both, and quotes
medians. The error of our result against float64 stands beside the speed; a row whose error is too large is a failure. --record writes
tests/perf/results/cpu-<date>.json with versions and machine."""
import argparse
import ctypes
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / "tests" / "kernels"
ROUNDS = 5


class Bench:
    def __init__(self, options):
        self.bin = pathlib.Path(options.bin).resolve()
        self.threads = options.threads
        self.rows = []
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="tessera-bench-"))
        self.env = dict(os.environ, TESSERA_THREADS=str(self.threads))

    def save(self, name, array):
        path = self.tmp / f"{name}.npy"
        np.save(path, array)
        return str(path)

    def tessera(self, kernel, grid, args, defines, outs=(), repeats=20):
        """Median nanoseconds of a launch, and the outputs."""
        command = [str(self.bin / "tessera"), "run", str(KERNELS / kernel), "--grid", grid, f"--time={repeats}"]
        for a in args:
            command += ["--arg", a]
        for key, value in defines.items():
            command += ["-D", f"{key}={value}"]
        paths = []
        for o in outs:
            paths.append(self.tmp / f"out-{o}.npy")
            command += ["--out", f"{o}={paths[-1]}"]
        done = subprocess.run(command, capture_output=True, text=True, env=self.env)
        if done.returncode:
            raise RuntimeError(done.stderr)
        line = json.loads(done.stdout.strip().splitlines()[-1])
        return line["median_ns"], [np.load(p) for p in paths]

    def row(self, name, bar, unit, work, peer, ours, error, limit, beside=None):
        """peer: callable -> ns. ours: callable -> (ns, error). work: units of work, for the rate."""
        peers, mine, worst = [], [], 0.0
        for _ in range(ROUNDS):
            peers.append(peer())
            ns, err = ours()
            mine.append(ns)
            worst = max(worst, err)
        p, m = statistics.median(peers), statistics.median(mine)
        ratio = p / m
        row = dict(name=name, ours_ns=m, peer_ns=p, ours=work / m, peer=work / p, unit=unit, ratio=ratio, bar=bar, error=worst,
                   error_limit=limit, met=bool(ratio >= bar and worst <= limit), beside=beside or {})
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
    pa, pb = bench.save("a", a), bench.save("b", b)
    os.environ["OMP_NUM_THREADS"] = str(bench.threads)
    dnnl = ctypes.CDLL("libdnnl.so.2")
    c = np.zeros((n, n), np.float32)
    ptr = lambda x: x.ctypes.data_as(ctypes.c_void_p)
    i64 = ctypes.c_int64

    def sgemm():
        dnnl.dnnl_sgemm(ctypes.c_char(b"N"), ctypes.c_char(b"N"), i64(n), i64(n), i64(n), ctypes.c_float(1), ptr(a), i64(n),
                        ptr(b), i64(n), ctypes.c_float(0), ptr(c), i64(n))

    sgemm()
    assert np.abs(c - want).max() < 1e-2, "the peer's result is wrong"
    bm, bn, bk = 128, 128, 256
    grid = (n // bm) * (n // bn)

    def ours():
        ns, (out,) = bench.tessera("matmul.py:matmul_kernel", str(grid),
                                   [pa, pb, f"*fp32[{n},{n}]"] + [str(v) for v in (n, n, n, n, 1, n, 1, n, 1)],
                                   dict(BM=bm, BN=bn, BK=bk, GROUP=8, EPILOGUE="None", EVEN_K="True"),
                                   outs=["c_ptr"], repeats=5)
        return ns, float(np.abs(out - want).max() / np.abs(want).max())

    beside = {"OpenBLAS Haswell GFLOP/s": blas_gflops(bench, n, "Haswell"), "OpenBLAS Zen GFLOP/s": blas_gflops(bench, n, "Zen")}
    bench.row("matmul fp32 2048^3 / oneDNN", 0.70, "GFLOP/s", 2 * n**3, lambda: timed(sgemm), ours, None, 1e-5, beside)


def torch_row(bench, name, kernel, shape, torch_fn, args, grid, defines, out, want, limit, bar=1.0, repeats=20):
    import torch
    torch.set_num_threads(bench.threads)
    torch_fn()
    moved = 2 * 4 * int(np.prod(shape))

    def ours():
        ns, (result,) = bench.tessera(kernel, grid, args, defines, outs=[out], repeats=repeats)
        return ns, float(np.abs(result - want).max())

    bench.row(name, bar, "GB/s", moved, lambda: timed(torch_fn, repeats), ours, None, limit)


def softmax(bench):
    import torch
    x = np.random.default_rng(1).standard_normal((4096, 4096), dtype=np.float32)
    t = torch.from_numpy(x)
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    torch_row(bench, "softmax 4096x4096 / PyTorch", "softmax.py:softmax_kernel", x.shape, lambda: torch.softmax(t, 1),
              [bench.save("x", x), "*fp32[4096,4096]", "4096", "4096", "4096", "4096"], "4096", dict(BLOCK_SIZE=4096), "y_ptr",
              e / e.sum(1, keepdims=True), 1e-6)


def layer_norm(bench):
    import torch
    rng = np.random.default_rng(2)
    x = rng.standard_normal((4096, 4096), dtype=np.float32)
    w, b = rng.standard_normal(4096, dtype=np.float32), rng.standard_normal(4096, dtype=np.float32)
    t, tw, tb = map(torch.from_numpy, (x, w, b))
    d = x.astype(np.float64)
    want = (d - d.mean(1, keepdims=True)) / np.sqrt(d.var(1, keepdims=True) + 1e-5) * w + b
    torch_row(bench, "layer norm 4096x4096 / PyTorch", "layer_norm.py:layer_norm_forward", x.shape,
              lambda: torch.nn.functional.layer_norm(t, (4096,), tw, tb, 1e-5),
              [bench.save("x", x), "*fp32[4096,4096]", bench.save("w", w), bench.save("b", b), "*fp32[4096]", "*fp32[4096]", "4096", "4096", "fp32:1e-5"],
              "4096", dict(BLOCK_SIZE=256), "1", want, 1e-5)


def rms_norm(bench):
    import torch
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((4096, 4096), dtype=np.float32), rng.standard_normal(4096, dtype=np.float32)
    t, tw = torch.from_numpy(x), torch.from_numpy(w)
    d = x.astype(np.float64)
    want = d / np.sqrt((d * d).mean(1, keepdims=True) + 1e-6) * w
    torch_row(bench, "RMS norm 4096x4096 / PyTorch", "rms_norm.py:rms_norm_forward", x.shape,
              lambda: torch.nn.functional.rms_norm(t, (4096,), tw, 1e-6),
              [bench.save("x", x), "*fp32[4096,4096]", bench.save("w", w), "*fp32[4096]", "4096", "4096", "4096", "fp32:1e-6", "fp32:0"],
              "4096", dict(BLOCK_SIZE=4096, ROUNDING=0), "y_ptr", want, 1e-5)


def vector_add(bench):
    n = 1 << 26
    rng = np.random.default_rng(4)
    x, y = rng.random(n, dtype=np.float32), rng.random(n, dtype=np.float32)
    px, py = bench.save("x", x), bench.save("y", y)
    lib = ctypes.CDLL(str(bench.bin.parent / "perf" / "libtessera_perf_copy.so"))
    lib.tessera_perf_copy.restype = ctypes.c_int64
    # written once: pages that nobody wrote are all the same page of zeros, and reading them is no traffic
    src, dst = np.ones(2 * n + 16, np.float32), np.ones(2 * n + 16, np.float32)
    align = lambda a: ctypes.c_void_p((a.ctypes.data + 63) & ~63)
    size = 6 * n  # half of the 12 n bytes that the kernel moves, so that both move the same

    def copy():
        return min(statistics.median(lib.tessera_perf_copy(align(dst), align(src), ctypes.c_uint64(size), bench.threads, s)
                                     for _ in range(5)) for s in (0, 1))

    copy()

    def ours():
        ns, (out,) = bench.tessera("vector_add.py:add_kernel", str(n // 8192), [px, py, f"*fp32[{n}]", str(n)], dict(BLOCK_SIZE=8192),
                                   outs=["output_ptr"], repeats=9)
        return ns, float(np.abs(out - (x + y)).max())

    bench.row("vector add 2^26 / copy", 0.95, "GB/s", 12 * n, copy, ours, None, 0.0)


def attention(bench):
    import torch
    h, n, d = 8, 1024, 64
    rng = np.random.default_rng(5)
    q, k, v = (rng.standard_normal((1, h, n, d), dtype=np.float32) for _ in range(3))
    tq, tk, tv = map(torch.from_numpy, (q, k, v))
    torch.set_num_threads(bench.threads)
    s = (q.astype(np.float64) @ k.astype(np.float64).transpose(0, 1, 3, 2)) * d**-0.5
    p = np.exp(s - s.max(-1, keepdims=True))
    want = (p / p.sum(-1, keepdims=True)) @ v.astype(np.float64)
    strides = [str(x) for x in (h * n * d, n * d, d)]
    bm = 128

    def ours():
        args = [bench.save("q", q), bench.save("k", k), bench.save("v", v), f"*fp32[1,{h},{n},{d}]", f"*fp32[{h},{n}]", f"fp32:{d**-0.5}",
                str(h), str(n), str(n)]
        ns, (out,) = bench.tessera("attention.py:attention_forward", f"{n // bm},{h}", args + strides * 4,
                                   dict(CAUSAL="False", HEAD=d, BLOCK_M=bm, BLOCK_N=64), outs=["out_ptr"], repeats=5)
        return ns, float(np.abs(out - want).max())

    peer = lambda: timed(lambda: torch.nn.functional.scaled_dot_product_attention(tq, tk, tv))
    bench.row("attention fwd 8x1024x64 fp32 / PyTorch", 1.0, "GFLOP/s", 4 * h * n * n * d, peer, ours, None, 1e-4)


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
        done = subprocess.run([str(bench.bin / "tessera_cold_compile"), "15", "x86-64-v3", "cpu", str(KERNELS / file), kernel, *bindings],
                              capture_output=True, text=True, env=bench.env)
        if done.returncode:
            raise RuntimeError(done.stderr)
        r = json.loads(done.stdout)
        peak = max(peak, r["peak_mb"])
        bench.limit(f"cold compile in process: {name}", r["cold_ms"], bar, "ms", second_ms=r["warm_ms"], minimum_ms=r["cold_min_ms"])
    command = [str(bench.bin / "tessera"), "compile", str(KERNELS / "vector_add.py"), "-s", "*fp32:16, *fp32:16, *fp32:16, i32:16", "-D", "BLOCK_SIZE=1024",
               "--target", "x86-64-v3", "-o", str(bench.tmp / "add.bin")]
    bench.limit("tessera compile of vector add, process", timed(lambda: subprocess.run(command, check=True), 15) / 1e6, 150, "ms")
    # The largest examples, each in a process of its own.
    for file, kernel, bindings in LARGEST:
        done = subprocess.run([str(bench.bin / "tessera_cold_compile"), "1", "x86-64-v3", "cpu", str(KERNELS / file), kernel, *bindings], capture_output=True,
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
    ns, _ = bench.tessera("vector_add.py:add_kernel", "1", ["*fp32[64]", "*fp32[64]", "*fp32[64]", "64"], dict(BLOCK_SIZE=64), repeats=2000)
    bench.limit("launch from C++, grid of one, caller's thread", ns / 1000, 2, "us")


def launch_python(bench):
    # kernel[grid](...) of an empty kernel, beside Triton's own binder and key: no compiler in the measurement, no GPU needed
    triton = ROOT / "build/venv-triton/bin/python"
    if not triton.exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", triton.parents[1]], check=True)
        subprocess.run([triton, "-m", "pip", "install", "-q", "triton==3.6.0"], check=True)
    out = bench.tmp / "launch.json"
    subprocess.run([sys.executable, ROOT / "tests/perf/launch/launch_python.py", "--ours", sys.executable, bench.bin.parent / "python",
                    "--triton", triton, "--json", out], check=False, env=bench.env, stdout=subprocess.DEVNULL)
    for row in json.loads(out.read_text())["rows"]:
        bench.limit(row["name"], max(row["ours"], row["ours_numpy"]) / 1000, row["bar"] / 1000, "us", numpy_us=row["ours_numpy"] / 1000)
        bench.least(row["name"] + ", Triton's key and binder / ours", row["ratio"], 4, "times", triton_us=row["triton"] / 1000)


ROWS = dict(compile=compile_times, worker=worker, launch=launch, launch_python=launch_python, matmul=matmul, softmax=softmax, layer_norm=layer_norm, rms_norm=rms_norm, vector_add=vector_add, attention=attention)


def peer_versions():
    import torch
    dpkg = lambda p: subprocess.run(["dpkg-query", "-W", "-f", "${Version}", p], capture_output=True, text=True).stdout
    return dict(torch=torch.__version__, onednn=dpkg("libdnnl2"), openblas=dpkg("libopenblas0-pthread"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=str(ROOT / "build/release/bin"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("rows", nargs="*")
    options = parser.parse_args()
    if "MALLOC_MMAP_MAX_" not in os.environ:
        # The peers allocate their results anew each time. With memory from the heap, kept when freed, they do not pay for
        # fresh pages from the system, as our kernels, which write into arrays that exist, do not.
        os.execve(sys.executable, [sys.executable, *sys.argv], dict(os.environ, MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 40)))
    bench = Bench(options)
    failed = []
    for name in options.rows or ROWS:
        try:
            ROWS[name](bench)
        except Exception as e:  # a row that cannot run is a failed row, not the end of the table
            print(f"{name:42} FAILED: {e}", flush=True)
            failed.append(name)
    if options.record:
        cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
        version = subprocess.run([str(bench.bin / "tessera"), "--version"], capture_output=True, text=True).stdout.strip()
        commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        out = ROOT / "tests/perf/results" / f"cpu-{time.strftime('%Y-%m-%d')}.json"
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(dict(machine=dict(cpu=cpu, threads=options.threads, system=platform.platform()), version=version, commit=commit,
                                       python=platform.python_version(), numpy=np.__version__, peers=peer_versions(), rows=bench.rows, failed=failed), indent=1) + "\n")
        print(f"recorded in {out.relative_to(ROOT)}")
    return 1 if failed or any(not r["met"] for r in bench.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
