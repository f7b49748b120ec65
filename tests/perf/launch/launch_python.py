#!/usr/bin/env python3
# launch_python.py - what a launch from Python costs, ours and Triton's key and binder part, call by call the same
# SPDX-License-Identifier: Apache-2.0
"""usage: launch_python.py --ours PYTHON PACKAGE --triton PYTHON [--json FILE]

PYTHON is an interpreter, PACKAGE the folder with our package; --triton's interpreter has triton 3.6.0 installed. Rounds of both
alternate; every figure is the median over rounds of the median over batches, in nanoseconds a call.

Ours is everything: kernel[grid](…) with an empty kernel on a grid of one, the driver's own time included. Triton's is its
JITFunction.run up to and without the launcher: binding, specialisation, key, look-up, grid; its driver is a stand-in, for the
machine has no GPU. Tensors are the same Python objects on both sides (`data_ptr()` and `dtype`); ours is measured with NumPy arrays
too."""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROUNDS = 5


class Tensor:
    """The least that both sides take for a tensor."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.memory = bytearray(256)

    def data_ptr(self):
        return 4096


def per_call(call):
    """Nanoseconds a call: the median over batches."""
    for _ in range(2000):
        call()
    batches = []
    for _ in range(40):
        start = time.perf_counter_ns()
        for _ in range(1000):
            call()
        batches.append((time.perf_counter_ns() - start) / 1000)
    return statistics.median(batches)


def calls(four, twelve, tensors):
    a, b, c = tensors
    return {"4": lambda: four[(1, )](a, b, c, 1000),
            "12": lambda: twelve[(1, )](a, b, c, 64, 64, 64, 1000, 8, 1000, 1, 1000, 1)}


def ours():
    import numpy as np
    import launch_kernels_ours as kernels
    tensors = [Tensor(np.dtype("float32")) for _ in range(3)]
    arrays = [np.zeros(16, np.float32) for _ in range(3)]
    found = {}
    for kind, given in (("objects", tensors), ("numpy", arrays)):
        for count, call in calls(kernels.four, kernels.twelve, given).items():
            found[f"{count} {kind}"] = per_call(call)
    return found


def triton():
    from triton.backends.compiler import GPUTarget
    from triton.runtime import driver
    import launch_kernels_triton as kernels

    class Driver:
        def get_current_target(self):
            return GPUTarget("cuda", 90, 32)

        def get_current_device(self):
            return 0

        def get_current_stream(self, device):
            return 0

    class Kernel:
        function = packed_metadata = None

        def launch_metadata(self, grid, stream, *args):
            return None

        def run(self, *args):
            return None

    def compiled(self, key, *args, **kwargs):
        kernel = self.device_caches[0][0][key] = Kernel()
        return kernel

    driver.set_active(Driver())
    for kernel in (kernels.four, kernels.twelve):
        type(kernel)._do_compile = compiled

    class Float32:
        def __str__(self):
            return "torch.float32"

    dtype = Float32()
    return {f"{count} objects": per_call(call) for count, call in calls(kernels.four, kernels.twelve, [Tensor(dtype) for _ in range(3)]).items()}


def side(name, python, environment):
    done = subprocess.run([python, __file__, "--side", name], capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", nargs=2, metavar=("PYTHON", "PACKAGE"))
    parser.add_argument("--triton", metavar="PYTHON")
    parser.add_argument("--json")
    parser.add_argument("--side", choices=("ours", "triton"))
    options = parser.parse_args()
    if options.side:
        sys.path.insert(0, str(pathlib.Path(__file__).parent))
        print(json.dumps({"ours": ours, "triton": triton}[options.side]()))
        return 0
    rounds = {"ours": [], "triton": []}
    for _ in range(ROUNDS):
        if options.triton:
            rounds["triton"].append(side("triton", options.triton, {}))
        rounds["ours"].append(side("ours", options.ours[0], {"PYTHONPATH": options.ours[1]}))
    medians = {name: {key: statistics.median(r[key] for r in found) for key in found[0]} for name, found in rounds.items() if found}
    rows = []
    for count, bar in (("4", 2000), ("12", 3000)):
        mine, peer = medians["ours"][f"{count} objects"], medians.get("triton", {}).get(f"{count} objects")
        numpy_ns = medians["ours"][f"{count} numpy"]
        row = {"name": f"launch from Python, {count} arguments", "unit": "ns", "bar": bar, "ours": mine, "ours_numpy": numpy_ns, "triton": peer,
               "ratio": peer / mine if peer else None, "met": max(mine, numpy_ns) <= bar and (not peer or peer >= 4 * mine)}
        rows.append(row)
        print(f"{row['name']:36} ours {mine:6.0f} ns, with NumPy arrays {numpy_ns:6.0f} ns (bar {bar})" +
              (f"; Triton's key and binder {peer:6.0f} ns, {row['ratio']:.1f} times ours (bar 4)" if peer else ""))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    return 0 if all(row["met"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
