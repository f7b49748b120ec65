#!/usr/bin/env python3
# tuning.py - how long tuning a matmul takes: candidates in parallel against one after another, and what a second process pays
# SPDX-License-Identifier: Apache-2.0
"""usage: tuning.py [--jobs 2] [--rounds 3] [--json FILE]; PYTHONPATH names the built package.

24 candidates of a 512 x 512 x 512 fp32 product. Each round uses a fresh cache and compiles all candidates with one job, then with
--jobs, in processes of their own; medians. Then the measuring time a candidate, and how many launches a second process tunes with."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

CHILD = r'''
import sys, time
import numpy as np
import tessera, tessera.language as tl
from tessera import knobs
from tessera.runtime import tuning

CONFIGS = [tessera.Config({"M": m, "N": n, "K": k}) for m in (16, 32, 64) for n in (16, 32, 64, 128) for k in (16, 32)]

@tessera.autotune(configs=CONFIGS, key=["size"])
@tessera.jit
def matmul(a, b, c, size, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    row = tl.program_id(0) * M + tl.arange(0, M)[:, None]
    column = tl.program_id(1) * N + tl.arange(0, N)[None, :]
    total = tl.zeros((M, N), tl.float32)
    for k in range(0, size, K):
        left = tl.load(a + row * size + k + tl.arange(0, K)[None, :])
        right = tl.load(b + (k + tl.arange(0, K)[:, None]) * size + column)
        total = tl.dot(left, right, total, input_precision="ieee")
    tl.store(c + row * size + column, total)

a, b = (np.random.default_rng(i).standard_normal((512, 512), dtype=np.float32) for i in (0, 1))
c = np.zeros_like(a)
warm = np.zeros(1, np.float32)

@tessera.jit
def first(x):
    tl.store(x, 1.0)

# Devices, the compiler library and its worker are up before the clock starts.
first[(1,)](warm)
compiling = []
compile_all = tuning.compile_all

def timed(*arguments):
    began = time.perf_counter()
    kernels = compile_all(*arguments)
    compiling.append(time.perf_counter() - began)
    return kernels

tuning.compile_all = timed
launches = 0
quantiles = tuning.Sampler.quantiles

def counted(*arguments):
    global launches
    launches += 1
    return quantiles(*arguments)

tuning.Sampler.quantiles = counted
began = time.perf_counter()
matmul[lambda args: (512 // args["M"], 512 // args["N"])](a, b, c, 512)
whole = time.perf_counter() - began
error = float(np.abs(c - a @ b).max())
print(f"{sum(compiling)} {whole} {launches} {error} {matmul.bench_time}")
'''


def tune(jobs, cache):
    environment = {**os.environ, "TESSERA_AUTOTUNE_JOBS": str(jobs), "TESSERA_CACHE_DIR": cache}
    done = subprocess.run([sys.executable, CHILD_FILE], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr)
    compiling, whole, measured, error, tuning = done.stdout.split()[-5:]
    return float(compiling), float(whole), int(measured), float(error), float(tuning)


def main():
    global CHILD_FILE
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        CHILD_FILE = os.path.join(folder, "tune.py")
        with open(CHILD_FILE, "w") as f:
            f.write(CHILD)
        serial, parallel, measuring, again, errors = [], [], [], [], []
        for i in range(options.rounds):
            serial.append(tune(1, os.path.join(folder, f"a{i}"))[0])
            cache = os.path.join(folder, f"b{i}")
            compiling, whole, measured, error, tuning = tune(options.jobs, cache)
            parallel.append(compiling)
            measuring.append((tuning - compiling) * 1000 / 24)
            errors.append(error)
            again.append(tune(options.jobs, cache))
    rows = [
        ("compiling 24 candidates, one after another", statistics.median(serial), "s", None, None),
        (f"compiling 24 candidates, {options.jobs} jobs", statistics.median(parallel), "s", None, None),
        ("ratio", statistics.median(serial) / statistics.median(parallel), "x", 1.7, "at least"),
        ("measuring a candidate", statistics.median(measuring), "ms", 60, "at most"),
        ("candidates measured by a second process", max(row[2] for row in again), "", 0, "at most"),
        ("largest error of the product", max(errors), "", 1e-3, "at most"),
    ]
    failed = 0
    for name, value, unit, bar, sense in rows:
        met = bar is None or (value >= bar if sense == "at least" else value <= bar)
        failed += not met
        print(f"{name:45} {value:10.3f} {unit:3}" + ("" if bar is None else f" ({sense} {bar}) {'met' if met else 'SHORT'}"))
    if options.json:
        with open(options.json, "w") as f:
            json.dump([dict(name=n, value=v, unit=u, bar=b, sense=s) for n, v, u, b, s in rows], f, indent=1)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
