#!/usr/bin/env python3
# frontend.py - source to first IR: ours to verified tile bytes, Triton's to ttir, both from Python, in turn
# SPDX-License-Identifier: Apache-2.0
"""usage: frontend.py [--triton PYTHON] [--rounds 3] [--repeats 20] [--json FILE]; PYTHONPATH names the built package.

Kernels of tests/kernels with one signature each; each side in processes of its own that have compiled the kernel before, so parsed
sources and loaded libraries are warm on both. A time is the median over the rounds of the median over the repeats. --triton: an
interpreter that imports Triton; without it only our side is measured. Files that need torch are left out where it is missing."""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

# file:kernel; types of the runtime parameters (":16": divisible by 16); constants, in the file's own names
ROWS = """
vector_add.py:add_kernel | x_ptr=*fp32:16 y_ptr=*fp32:16 output_ptr=*fp32:16 count=i32 | BLOCK_SIZE=4096
softmax.py:softmax_kernel | x_ptr=*fp32:16 y_ptr=*fp32:16 x_stride=i32 y_stride=i32 rows=i32 cols=i32 | BLOCK_SIZE=1024
matmul.py:matmul_kernel | a_ptr=*fp32:16 b_ptr=*fp32:16 c_ptr=*fp32:16 M=i32:16 N=i32:16 K=i32:16 a_row=i32:16 b_row=i32:16 c_row=i32:16 | a_col=1 b_col=1 c_col=1 BM=64 BN=64 BK=32 GROUP=4
matmul.py:matmul_block_ptr_kernel | a_ptr=*fp32:16 b_ptr=*fp32:16 c_ptr=*fp32:16 M=i32:16 N=i32:16 K=i32:16 | BM=64 BN=64 BK=32
layer_norm.py:layer_norm_forward | x_ptr=*fp32:16 y_ptr=*fp32:16 weight_ptr=*fp32:16 bias_ptr=*fp32:16 mean_ptr=*fp32:16 rstd_ptr=*fp32:16 row_stride=i32 cols=i32 eps=fp32 | BLOCK_SIZE=1024
layer_norm.py:layer_norm_backward_dx | dy_ptr=*fp32:16 x_ptr=*fp32:16 weight_ptr=*fp32:16 mean_ptr=*fp32:16 rstd_ptr=*fp32:16 dx_ptr=*fp32:16 dw_rows_ptr=*fp32:16 db_rows_ptr=*fp32:16 lock_ptr=*i32:16 used_ptr=*i32:16 row_stride=i32 cols=i32 | SHARED_ROWS=64 BLOCK_SIZE=1024
dropout.py:dropout_kernel | x_ptr=*fp32:16 y_ptr=*fp32:16 count=i32 p=fp32 seed=i32 | BLOCK=1024
rms_norm.py:rms_norm_forward | x_ptr=*fp32:16 y_ptr=*fp32:16 weight_ptr=*fp32:16 rstd_ptr=*fp32:16 x_stride=i32 y_stride=i32 cols=i32 eps=fp32 shift=fp32 | ROUNDING=0 BLOCK_SIZE=1024
gelu.py:gelu_kernel | x_ptr=*fp32:16 y_ptr=*fp32:16 count=i32 | FORM=exact BLOCK=2048
histogram.py:histogram_kernel | x_ptr=*i32:16 counts_ptr=*i32:16 n_elements=i32 | NUM_BINS=256 BLOCK=1024
int8_matmul.py:int8_matmul_kernel | a_ptr=*i8:16 b_ptr=*i8:16 c_ptr=*i32:16 M=i32 N=i32 K=i32 | BLOCK_M=32 BLOCK_N=32 BLOCK_K=32
reductions.py:argmax_kernel | x_ptr=*fp32:16 value_ptr=*fp32:16 index_ptr=*i32:16 n_rows=i32 n_cols=i32 | BLOCK_M=16 BLOCK_N=64
reductions.py:moments_kernel | x_ptr=*fp32:16 mean_ptr=*fp32:16 var_ptr=*fp32:16 n_cols=i32 | BLOCK=1024
segmented_scan.py:recurrence_kernel | gate_ptr=*fp32:16 x_ptr=*fp32:16 h_ptr=*fp32:16 T=i32 D=i32 | BLOCK_T=32 BLOCK_D=32
swiglu.py:swiglu_forward | gate_ptr=*fp32:16 value_ptr=*fp32:16 out_ptr=*fp32:16 row_stride=i32 | cols=1024
topk.py:topk_kernel | x_ptr=*fp32:16 y_ptr=*fp32:16 n_cols=i32 | K=8 BLOCK=256
"""

CHILD = r'''
import importlib.util, json, statistics, sys, time
side, kernels, repeats, rows = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])

if side == "ours":
    import tessera.triton
    tessera.triton.install()
    from tessera import _tessera
    from tessera.compiler import ASTSource

    def to_ir(fn, signature, constants, attrs):
        src = ASTSource(fn, signature, constants, attrs)
        status, messages, *_ = _tessera.compile(src.fn, src.name, src.bindings(), "", "tile_bytes", [("unsupported_fp8", "")], True, 0.0)
        assert status == 0, messages
else:
    from triton._C.libtriton import ir
    from triton.backends.compiler import GPUTarget
    from triton.compiler.compiler import ASTSource, make_backend
    target = GPUTarget("cuda", 80, 32)
    backend = make_backend(target)

    def to_ir(fn, signature, constants, attrs):
        src = ASTSource(fn, signature, constants, attrs)
        options, context = backend.parse_options({}), ir.context()
        ir.load_dialects(context)
        backend.load_dialects(context)
        src.make_ir(target, options, backend.get_codegen_implementation(options), backend.get_module_map(), context)

for name, types, constants in rows:
    file, kernel = name.split(":")
    spec = importlib.util.spec_from_file_location(file[:-3] + "_kernels", kernels + "/" + file)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as e:  # no torch, or one without the device that the file's own test wants
        print(json.dumps([name, None, str(e)]))
        continue
    fn = getattr(module, kernel)
    while not hasattr(fn, "arg_names") or not hasattr(fn, "signature"):
        fn = fn.fn
    values = {k: eval(v, vars(module)) for k, v in constants.items()}
    signature, attrs = {}, {}
    for i, parameter in enumerate(fn.arg_names):
        text = types.get(parameter, "constexpr")
        signature[parameter] = text.split(":")[0]
        if text.endswith(":16"):
            attrs[(i, )] = [["tt.divisibility", 16]]
        if text == "constexpr" and parameter not in values:
            values[parameter] = fn.params[i].default
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        to_ir(fn, signature, values, attrs)
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps([name, statistics.median(times[2:]), ""]))
'''


def read_rows():
    pairs = lambda text: dict(word.split("=") for word in text.split())
    out = []
    for line in ROWS.strip().splitlines():
        name, types, constants = line.split(" | ")
        out.append((name, pairs(types), pairs(constants)))
    return out


def measure(python, side, repeats, rows):
    kernels = str(pathlib.Path(__file__).resolve().parents[2] / "kernels")
    # Triton's side shall not see our package.
    environment = dict(os.environ) if side == "ours" else {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    result = subprocess.run([python, "-c", CHILD, side, kernels, str(repeats), json.dumps(rows)], capture_output=True,
                            text=True, env=environment)
    if result.returncode:
        sys.exit(result.stderr)
    return {name: ms for name, ms, _ in map(json.loads, result.stdout.splitlines())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--triton", help="an interpreter that imports Triton")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json")
    options = parser.parse_args()
    rows, times = read_rows(), {"ours": {}, "triton": {}}
    for _ in range(options.rounds):
        for side, python in (("ours", sys.executable), ("triton", options.triton)):
            if python:
                for name, ms in measure(python, side, options.repeats, rows).items():
                    if ms is not None:
                        times[side].setdefault(name, []).append(ms)
    print(f"{'kernel':45} {'ours ms':>10} {'Triton ms':>10} {'ratio':>8}")
    ratios, out = [], []
    for name, _, _ in rows:
        mine, theirs = (statistics.median(times[s][name]) if name in times[s] else None for s in ("ours", "triton"))
        if mine and theirs:
            ratios.append(theirs / mine)
        shown = [f"{v:10.3f}" if v else f"{'-':>10}" for v in (mine, theirs)]
        print(f"{name:45} {shown[0]} {shown[1]}" + (f" {theirs / mine:7.1f}x" if mine and theirs else ""))
        out.append(dict(name=name, ours=mine, triton=theirs))
    if options.json:
        with open(options.json, "w") as f:
            json.dump(out, f, indent=1)
    if not ratios:
        return 0
    ratio = statistics.median(ratios)
    print(f"median of the ratios {ratio:.1f} (at least 10) {'met' if ratio >= 10 else 'SHORT'}")
    return 0 if ratio >= 10 else 1


if __name__ == "__main__":
    sys.exit(main())
