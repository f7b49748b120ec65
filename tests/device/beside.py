#!/usr/bin/env python3
# beside.py - machine code of a product by several compilers beside each other: one process, the same buffers
# SPDX-License-Identifier: Apache-2.0
"""usage: beside.py build FOLDER NAME=COMPILER… [--tiles 128x256x64w8s3,…] [--type fp16] [--unaligned]
       beside.py run FOLDER [--shapes 2048x2048x2048,…] [--sets 16] [--out FILE]

What a change to the compiler does to products, to a tenth of a percent, where sides in processes of their own differ by half a percent for where their buffers lie.
`build`, here: `tests/device/kernels/matmul.py` for sm_90a by each COMPILER (the program `tessera` of a build) in each tile (BM x BN x BK, warps, stages); of rows of any length with --unaligned. `run`, on the device's
machine with PyTorch and Triton: all of them, Triton's and cuBLAS, in turns, 256 MB written before each sample, on so many sets of buffers, each at other places in memory. A line a kernel: mean over
the sets of means without the outer eighths, and in percent against the first NAME of its tile, with the standard error over the sets."""
import argparse
import ctypes
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TILES = "128x256x64w8s3,256x128x64w8s3,128x128x32w4s5,128x128x64w4s3,128x128x64w4s4,64x256x64w4s4"
TYPES = {"fp16": ("float16", 6), "bf16": ("bfloat16", 9)}  # PyTorch's name; CUtensorMapDataType
FLUSH_BYTES, GROUP = 256 << 20, 8


def numbers_of(tile):
    return [int(n) for n in re.fullmatch(r"(\d+)x(\d+)x(\d+)w(\d+)s(\d+)", tile).groups()]


def build(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    size = "i32" if options.unaligned else "i32:16"
    signature = ",".join([f"*{options.type}:16"] * 3 + [size] * 4 + ["1", size, "1", size, "1"])
    kernels = []
    for tile in options.tiles.split(","):
        bm, bn, bk, warps, stages = numbers_of(tile)
        for name, compiler in (text.split("=", 1) for text in options.compilers):
            file = options.folder / f"{tile}_{name}"
            report = subprocess.run([compiler, "compile", f"{HERE / 'kernels' / 'matmul.py'}:_matmul", "-s", signature, "-D", f"BM={bm}", "-D", f"BN={bn}", "-D", f"BK={bk}",
                                     "-D", f"GROUP={GROUP}", "--num-warps", str(warps), "--num-stages", str(stages), "--target", "nvidia/sm_90a", "--emit=cubin", "-v", "-o",
                                     f"{file}.cubin"], capture_output=True, text=True, check=True)
            shared = int(re.search(r"(\d+) bytes of shared memory", report.stdout + report.stderr)[1])
            kernels.append({"tile": tile, "name": name, "shared": shared, "file": f"{file.name}.cubin"})
    (options.folder / "kernels.json").write_text(json.dumps({"type": options.type, "unaligned": options.unaligned, "kernels": kernels}, indent=1) + "\n")


def trimmed(samples):
    samples, outer = sorted(samples), len(samples) // 8
    return statistics.mean(samples[outer:len(samples) - outer])


def compared(samples, against):
    """Mean, percent against others and its standard error, of the samples of each set."""
    means = [trimmed(s) for s in samples]
    percent = [100 * (mean / trimmed(other) - 1) for mean, other in zip(means, against, strict=True)]
    error = statistics.stdev(percent) / len(percent) ** 0.5 if len(percent) > 1 else 0.0
    return statistics.mean(means), statistics.mean(percent), error


class Driver:
    """libcuda, in the primary context that PyTorch has made."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")

    def __call__(self, function, *arguments):
        status = getattr(self.library, function)(*arguments)
        if status:
            raise RuntimeError(f"{function}: CUDA error {status}")

    def kernel(self, file, shared):
        module, kernel = ctypes.c_void_p(), ctypes.c_void_p()
        self("cuModuleLoad", ctypes.byref(module), str(file).encode())
        self("cuModuleGetFunction", ctypes.byref(kernel), module, b"_matmul")
        self("cuFuncSetAttribute", kernel, 8, ctypes.c_int(shared))  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        return kernel

    def tensor_map(self, element, pointer, inner, outer, box_inner, box_outer):
        """A map as the plugin makes it, of a matrix of 16-bit elements whose rows follow each other, and what keeps its memory."""
        memory = ctypes.create_string_buffer(256)
        at = (ctypes.addressof(memory) + 127) & ~127
        swizzle = {128: 3, 64: 2}[2 * box_inner]  # CU_TENSOR_MAP_SWIZZLE_128B, _64B; promotion to 256 bytes of L2 below
        self("cuTensorMapEncodeTiled", ctypes.c_void_p(at), element, ctypes.c_uint32(2), ctypes.c_void_p(pointer), (ctypes.c_uint64 * 2)(inner, outer),
             (ctypes.c_uint64 * 1)(2 * inner), (ctypes.c_uint32 * 2)(box_inner, box_outer), (ctypes.c_uint32 * 2)(1, 1), 0, swizzle, 3, 0)
        return at, memory


def run(options):
    import torch
    import triton
    sys.path.insert(0, str(HERE))
    from kernels import matmul
    manifest = json.loads((options.folder / "kernels.json").read_text())
    name, element = TYPES[manifest["type"]]
    kind = getattr(torch, name)
    flush, driver = torch.empty(FLUSH_BYTES, dtype=torch.uint8, device="cuda"), Driver()
    stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
    kernels = [{**k, "kernel": driver.kernel(options.folder / k["file"], k["shared"])} for k in manifest["kernels"]]

    def calls_of(m, n, k, a, b, c):
        """By tile and name: a function that launches."""
        values = [ctypes.c_uint64(x.data_ptr()) for x in (a, b, c)] + [ctypes.c_int(v) for v in (m, n, k, k, n, n)]
        calls = {("", "cublas"): lambda: torch.mm(a, b, out=c)}
        for tile in dict.fromkeys(each["tile"] for each in kernels):
            bm, bn, bk, warps, stages = numbers_of(tile)
            maps = [] if manifest["unaligned"] else [driver.tensor_map(element, a.data_ptr(), k, m, bk, bm), driver.tensor_map(element, b.data_ptr(), n, k, 64, bk)]
            arguments = (ctypes.c_void_p * (len(values) + len(maps)))(*(ctypes.addressof(v) for v in values), *(at for at, _ in maps))
            blocks = triton.cdiv(m, bm) * triton.cdiv(n, bn)
            for each in (each for each in kernels if each["tile"] == tile):
                def launch(each=each, blocks=blocks, threads=32 * warps, arguments=arguments, _alive=(values, maps)):
                    driver("cuLaunchKernel", each["kernel"], blocks, 1, 1, threads, 1, 1, each["shared"], stream, arguments, None)
                calls[tile, each["name"]] = launch
            calls[tile, "triton"] = lambda grid=(blocks,), bm=bm, bn=bn, bk=bk, warps=warps, stages=stages: matmul._matmul[grid](
                a, b, c, m, n, k, k, 1, n, 1, n, 1, BM=bm, BN=bn, BK=bk, GROUP=GROUP, num_warps=warps, num_stages=stages)
        return calls

    def timed(call, events):
        for start, end in events:
            flush.zero_()
            start.record()
            call()
            end.record()
        torch.cuda.synchronize()
        return [1e3 * start.elapsed_time(end) for start, end in events]

    results = []
    for shape in options.shapes.split(","):
        m, n, k = (int(v) for v in shape.split("x"))
        large = m * n * k > 2048 ** 3
        sets, turns = max(3, options.sets // 3) if large else options.sets, 4 if large else 8
        events = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(6 if large else 12)]
        samples, gaps = {}, []
        for count in range(sets):
            gaps.append(torch.empty((37 * count % 61 + 1) << 20, dtype=torch.uint8, device="cuda"))
            a, b = (torch.randn(*size, device="cuda").to(kind) for size in ((m, k), (k, n)))
            gaps += [a, b]
            c, expected = torch.empty(m, n, device="cuda", dtype=kind), torch.mm(a, b)
            calls = calls_of(m, n, k, a, b, c)
            for key, call in calls.items():
                c.fill_(float("nan"))
                call()
                if not bool(((c - expected).abs().max() < 0.01 * expected.abs().max()).item()):
                    raise RuntimeError(f"{' '.join(key)} of {shape} is wrong")
            for turn in range(turns):
                for key in list(calls)[::1 if turn % 2 else -1]:
                    samples.setdefault(key, [[] for _ in range(sets)])[count] += timed(calls[key], events)
        print(f"{shape} {name}, {sets} sets of buffers")
        first = {}
        for key in calls:
            first.setdefault(key[0], key)
        for key in calls:
            found = samples[key]
            us, percent, error = compared(found, samples[first[key[0]]])
            results.append({"shape": shape, "tile": key[0], "name": key[1], "us": us, "percent": percent, "error": error})
            print(f"  {key[0]:16} {key[1]:12} {us:9.3f} us {percent:+6.2f} % +- {error:.2f}", flush=True)
    if options.out:
        options.out.write_text(json.dumps({"type": manifest["type"], "gpu": torch.cuda.get_device_name(), "rows": results}, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    making = commands.add_parser("build")
    making.add_argument("folder", type=pathlib.Path)
    making.add_argument("compilers", nargs="+")
    making.add_argument("--tiles", default=TILES)
    making.add_argument("--type", choices=TYPES, default="fp16")
    making.add_argument("--unaligned", action="store_true")
    making.set_defaults(do=build)
    running = commands.add_parser("run")
    running.add_argument("folder", type=pathlib.Path)
    running.add_argument("--shapes", default="2048x2048x2048,4096x4096x4096,8192x8192x512")
    running.add_argument("--sets", type=int, default=16)
    running.add_argument("--out", type=pathlib.Path, default=pathlib.Path(os.environ["OUT"]) / "beside.json" if "OUT" in os.environ else None)
    running.set_defaults(do=run)
    options = parser.parse_args()
    return options.do(options)


if __name__ == "__main__":
    sys.exit(main())
