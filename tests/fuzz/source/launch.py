# launch.py - runs generated kernels with whatever triton is imported, and keeps what they put
# SPDX-License-Identifier: Apache-2.0
"""usage: python launch.py KERNELS.py CASES.json RESULTS.jsonl [DEVICE [I/N]]      with Triton, its interpreter (TRITON_INTERPRET=1), or
       this one's through `-m tessera.triton`

CASES: what `generate.cases` gives. A line of RESULTS a kernel: {"out": the bytes put, compressed, in base64} or {"error", "causes"}. A kernel that
crashes the process is a result as well; so is one that takes more than a minute. DEVICE: cpu (default) or cuda. I/N: every N-th kernel
from the I-th on. Arrays are PyTorch's where it is installed, else NumPy's (which only this compiler takes)."""
import base64
import importlib.util
import json
import os
import random
import signal
import struct
import sys
import warnings
import zlib

import numpy

import bits

try:
    import torch
except ImportError:
    torch = None
import triton
from triton.tools.tensor_descriptor import TensorDescriptor

ELEMENTS = 256
LARGE = 640 * 512  # of the arrays of loops.py
SPECIAL = [float("inf"), float("-inf"), float("nan"), 0.0, -0.0, 1e-40, -1e-40, 1e-6, 65504.0, -65504.0, 3.0e38, 1.0, -1.0, 0.1, 1 / 3, 1e10]


def whole(seed, count, low, high):
    """``count`` whole numbers from low to high - 1, in no order that anybody would notice."""
    place = numpy.arange(count, dtype=numpy.uint64)
    with numpy.errstate(over="ignore"):
        mixed = (place + numpy.uint64(zlib.crc32(seed.encode()) + 1)) * numpy.uint64(0x9e3779b97f4a7c15)
        mixed = (mixed ^ mixed >> numpy.uint64(29)) * numpy.uint64(0xbf58476d1ce4e5b9)
    return (mixed >> numpy.uint64(33)).astype(numpy.int64) % (high - low) + low


def any_bits(ty, seed):
    """2048 numbers of a type: a quarter edges of the type, a quarter any bits, the others small."""
    kind = whole(f"{seed} kind", 2048, 0, 4)
    pick = whole(f"{seed} pick", 2048, 0, 1 << 30)
    if ty == "int1":
        return (pick & 1).astype(numpy.uint8).tobytes()
    width = bits.width(ty)
    unsigned = numpy.dtype(f"<u{width}")
    with numpy.errstate(over="ignore"):
        drawn = (whole(f"{seed} high", 2048, 0, 1 << 30).astype(numpy.uint64) << numpy.uint64(34)) ^ (pick.astype(numpy.uint64) * numpy.uint64(0x9e3779b97f4a7c15))
    drawn = (drawn >> numpy.uint64(64 - 8 * width)).astype(unsigned)
    if ty in bits.FORMAT:
        edges = numpy.frombuffer(b"".join(bits.encode(ty, number) for number in SPECIAL), unsigned)
        quarters = numpy.frombuffer(b"".join(bits.encode(ty, n / 4) for n in range(-64, 64)), unsigned)
        small = quarters[pick % 128]
    else:
        top = 1 << 8 * width - 1
        edges = numpy.array([0, 1, top - 1, top, top + 1, 2 * top - 1, 2 * top - 2, top >> 1], numpy.uint64).astype(unsigned)
        small = (pick % 40 - (0 if ty.startswith("u") else 20)).astype(unsigned)
    return numpy.where(kind == 0, edges[pick % len(edges)], numpy.where(kind == 1, drawn, small)).astype(unsigned).tobytes()


def contents(name, ty, kind, seed):
    """An array's bytes: the same on every machine. kind: of generate.py "tame" or "special"; of loops.py "whole" or "index"; of shapes.py "any"; of corners.py "bits"."""
    if kind == "index":
        return whole(f"{name} {seed}", 1024, 0, 64).astype(numpy.int32).tobytes()
    if kind == "any":
        bits_of = 1 if ty == "int1" else 8 * bits.width(ty)
        numbers = whole(f"{name} {seed}", 2048, 0, 1 << min(bits_of, 30))
        small = whole(f"{name} {seed} small", 2048, 0, 4)
        if bits_of > 1:
            numbers = numpy.where(small == 0, numbers % 16, numpy.where(small == 1, -(numbers % 16), numbers * numbers * 5 if bits_of > 30 else numbers))
        return numbers.astype({1: numpy.uint8, 8: numpy.uint8, 16: numpy.uint16, 32: numpy.uint32, 64: numpy.uint64}[bits_of]).tobytes()
    if kind == "bits":
        return any_bits(ty, f"{name} {seed}")
    if kind == "whole":
        numbers = whole(f"{name} {seed}", LARGE, -2, 3)
        if ty == "bf16":
            return (numbers.astype(numpy.float32).view(numpy.uint32) >> 16).astype(numpy.uint16).tobytes()
        return numbers.astype({"fp16": "float16", "fp32": "float32", "fp64": "float64"}.get(ty, ty)).tobytes()
    r = random.Random(f"{name} {ty} {kind} {seed}")
    if ty == "int1":
        return bytes(r.random() < 0.5 for _ in range(ELEMENTS))
    if ty.startswith(("int", "uint")):
        width = 8 * bits.width(ty)
        low, high = (-(1 << width - 1), (1 << width - 1) - 1) if ty.startswith("int") else (0, (1 << width) - 1)
        extremes = [low, high, high - 1, low + 1, high // 2]
        numbers = [r.choice(extremes) if r.random() < 0.1 else r.randint(low, high) if r.random() < 0.4 else max(low, r.randint(-20, 100)) for _ in range(ELEMENTS)]
        form = {8: "b", 16: "h", 32: "i", 64: "q"}[width]
        return struct.pack(f"<{ELEMENTS}{form if low else form.upper()}", *numbers)
    if kind == "special":
        numbers = [r.choice(SPECIAL) if r.random() < 0.5 else r.uniform(-10, 10) for _ in range(ELEMENTS)]
    elif ty.startswith("fp8"):
        numbers = [float(r.randint(-8, 8)) for _ in range(ELEMENTS)]
    else:
        numbers = [r.randint(-32, 32) / 4 for _ in range(ELEMENTS)]
    return b"".join(bits.encode(ty, number) for number in numbers)


# Narrow floats travel as bytes; kernels give their pointers the type.
CARRIER = {"int1": "bool_", "fp16": "float16", "fp32": "float32", "fp64": "float64", "bf16": "uint16", "fp8e5": "uint8", "fp8e4nv": "uint8"}


def array(data, ty, device):
    values = numpy.frombuffer(bytearray(data), dtype=getattr(numpy, CARRIER.get(ty, ty)))
    if torch is None:
        return values
    return torch.from_numpy(values).to(device)


def arguments(case, arrays):
    """The arrays, or descriptors of them, in order."""
    described = case.get("descriptors", {})
    return [TensorDescriptor(one, *described[name]) if name in described else one for name, one in arrays.items()]


def launch(module, case, device):
    programs = case.get("programs", case["grid"][0] * case["grid"][1])
    out, *scratch = (array(bytes(programs * case["bytes"]), "uint8", device) for _ in range(1 if "programs" in case else 2))
    arrays = {name: array(contents(name, ty, kind, case["name"]), ty, device) for name, ty, kind in case["arrays"]}
    if torch is not None:
        triton.set_allocator(lambda size, alignment, stream: torch.empty(size, dtype=torch.uint8, device=device))
    options = {} if os.environ.get("TRITON_INTERPRET") == "1" else case.get("options") or {"enable_fp_fusion": False, "num_warps": case["warps"]}
    getattr(module, case["name"])[tuple(case["grid"])](out, *scratch, *arguments(case, arrays), *(value for _, _, value in case["scalars"]), **case["constants"], **options)
    written = [out, *(arrays[name] for name in case.get("written", ()))]
    return b"".join(one.tobytes() if torch is None else one.cpu().numpy().tobytes() for one in written)


def judge(module, case, device):
    try:
        signal.alarm(60)
        data = launch(module, case, device)
        signal.alarm(0)
        return {"out": base64.b64encode(zlib.compress(data)).decode()}
    except Exception as error:
        signal.alarm(0)
        causes, cause = [], error.__cause__
        while cause is not None:
            causes.append(f"{type(cause).__name__}: {cause}")
            cause = cause.__cause__
        return {"error": f"{type(error).__name__}: {error}", "causes": causes}


def load(source):
    spec = importlib.util.spec_from_file_location("fuzz_kernels", source)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_kernels"] = module
    spec.loader.exec_module(module)
    return module


def main(source, cases, results, device="cpu", shard="0/1"):
    warnings.simplefilter("ignore")
    first, count = map(int, shard.split("/"))
    table = json.load(open(cases))[first::count]
    module = load(source)
    done = 0
    with open(results, "w") as out:
        while done < len(table):
            out.flush()
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(reader)
                silent = os.open(os.devnull, os.O_WRONLY)
                os.dup2(silent, 1)
                os.dup2(silent, 2)
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                with os.fdopen(writer, "w") as pipe:
                    for case in table[done:]:
                        result = judge(module, case, device)
                        pipe.write(json.dumps(result) + "\n")
                        pipe.flush()
                        # What has lost its device runs nothing more.
                        if "CUDA error" in result.get("error", "") or "illegal" in result.get("error", ""):
                            os._exit(1)
                os._exit(0)
            os.close(writer)
            with os.fdopen(reader) as pipe:
                for line in pipe:
                    out.write(line)
                    out.flush()
                    done += 1
            status = os.waitpid(child, 0)[1]
            if done < len(table) and status != 256:
                out.write(json.dumps({"error": f"crash: wait status {status}"}) + "\n")
                done += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
