# devices.py - random kernels on each device of this machine, against the interpreter
# SPDX-License-Identifier: Apache-2.0
"""usage: python -m tessera.triton devices.py KIND FIRST COUNT [DEVICE …]          KIND: values, loops, shapes, corners; DEVICE: cpu, mock, simt, simt-matrix, simt-copies, simt-groups

Runs the kernels of seeds FIRST to FIRST + COUNT - 1 in the interpreter and on the devices (default: all that run here) and compares every byte put. A kernel
that crashes the process or takes minutes is a failure too; one that a device has no room for is not. The last line is `N passed, N failed`."""
import base64
import json
import os
import pathlib
import signal
import sys
import tempfile
import time
import traceback
import warnings

import numpy
import triton
from tessera import _tessera
from tessera.backends.compiler import GPUTarget
from tessera.runtime.driver import DeviceDriver, driver

import compare
import corners
import generate
import launch
import loops
import shapes

KINDS = {"values": generate, "loops": loops, "shapes": shapes, "corners": corners}
HERE = ("cpu", "mock", "simt", "simt-copies", "simt-groups")
SECONDS = 150  # of the slowest device; machines that do much else at a time are taken into account


class Array:
    """Memory of a device that the host cannot reach, with the dtype of a NumPy array."""

    def __init__(self, device, array):
        self.device, self.dtype, self.nbytes = device, array.dtype, array.nbytes
        self.buffer = _tessera.Buffer(device, array.nbytes)
        self.buffer.write(array.tobytes())

    def data_ptr(self):
        return self.buffer.address

    def tobytes(self):
        data = bytearray(self.nbytes)
        self.buffer.read(data)
        return bytes(data)


class Driver(DeviceDriver):
    """A device whose target may be another than the one it names."""

    def __init__(self, name):
        super().__init__(name.partition("-")[0])
        self.arch = name

    def get_current_target(self):
        target = super().get_current_target()
        return GPUTarget("simt", self.arch, target.warp_size) if target.backend == "simt" else target


class Side:
    """One device: how arrays get there and come back."""

    def __init__(self, name, folder, text):
        self.name = name
        self.interpreted = name == "interpreter"
        os.environ["TRITON_INTERPRET"] = "1" if self.interpreted else "0"
        self.driver = None if self.interpreted else Driver(name)
        source = pathlib.Path(folder, f"kernels_{name.replace('-', '_')}.py")
        source.write_text(text)
        self.activate()
        self.module = launch.load(str(source))

    def activate(self):
        os.environ["TRITON_INTERPRET"] = "1" if self.interpreted else "0"
        if self.driver is not None:
            driver.set_active(self.driver)

    def array(self, data, ty):
        values = numpy.frombuffer(bytearray(data), dtype=getattr(numpy, launch.CARRIER.get(ty, ty)))
        return values if self.interpreted or self.driver.device.host_pointers else Array(self.driver.device, values)

    def run(self, case):
        """The bytes put by a kernel of generate.py."""
        self.activate()
        programs = case.get("programs", case["grid"][0] * case["grid"][1])
        out, *scratch = (self.array(bytes(programs * case["bytes"]), "uint8") for _ in range(1 if "programs" in case else 2))
        arrays = {name: self.array(launch.contents(name, ty, kind, case["name"]), ty) for name, ty, kind in case["arrays"]}
        triton.set_allocator(lambda size, alignment, stream: self.array(bytes(size), "uint8"))
        getattr(self.module, case["name"])[tuple(case["grid"])](out, *scratch, *launch.arguments(case, arrays), *(value for _, _, value in case["scalars"]), **case["constants"],
                                                                **(case.get("options") or {"enable_fp_fusion": False, "num_warps": case["warps"]}))
        if self.driver is not None:
            self.driver.device.synchronize()
        written = case.get("written", [])
        return b"".join(one.tobytes() for one in [out, *(arrays[name] for name in written), *(one for name, one in arrays.items() if name not in written)])


def words(error):
    parts = []
    while error is not None:
        parts.append(f"{type(error).__name__}: {error}")
        error = error.__cause__
    return " < ".join(parts)


def judge(sides, case):
    """What went wrong, in words, a device each; None where nothing did."""
    results, wrong, refused = {}, [], set()
    for side in sides:
        try:
            signal.alarm(SECONDS)
            results[side.name] = side.run(case)
        except triton.OutOfResources:
            pass
        except Exception as error:
            wrong.append(f"{side.name}: {words(error)}")
            refused.add(str(error) if isinstance(error, triton.CompilationError) and "a defect of" not in str(error) else None)
        finally:
            signal.alarm(0)
    if not results and len(refused) == 1 and None not in refused and "programs" not in case:
        return None  # generate.py makes some that are no programs of the language: every side says the same of them
    want = results.pop("interpreter", None)
    for name, have in results.items() if want is not None else ():
        size = case.get("programs", case["grid"][0] * case["grid"][1]) * case["bytes"]
        what = compare.difference(case, have, want) or ("an array that is read has changed" if have[size:] != want[size:] else None)
        if what:
            wrong.append(f"{name}: {what}")
    return "\n".join(wrong) or None


def results(kind, first, count, names):
    """(kernel, what went wrong or None) for each seed. Kernels run in a child, and in a new one after one that crashed it."""
    made = [KINDS[kind].kernel(seed) for seed in range(first, first + count)]
    cases = KINDS[kind].cases(made)
    done = 0
    while done < len(made):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            with os.fdopen(writer, "w") as pipe, tempfile.TemporaryDirectory() as folder:
                try:
                    sides = [Side(name, folder, KINDS[kind].file_text(made[done:])) for name in ("interpreter", *names)]
                    for case in cases[done:]:
                        pipe.write(json.dumps(judge(sides, case)) + "\n")
                        pipe.flush()
                except BaseException:
                    traceback.print_exc()
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            for line in pipe:
                yield made[done], json.loads(line)
                done += 1
        status = os.waitpid(child, 0)[1]
        if done < len(made):
            yield made[done], f"the process ended: wait status {status}"
            done += 1


def main(kind, first, count, *names):
    warnings.simplefilter("ignore")
    passed, failed = 0, 0
    for one, fault in results(kind, int(first), int(count), names or HERE):
        passed, failed = passed + (fault is None), failed + (fault is not None)
        if fault:
            print(f"{one.name}\n    {fault}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return bool(failed or not passed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
