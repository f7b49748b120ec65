#!/usr/bin/env python3
# side.py - one side of the comparison, in a process of its own: ours, Triton's, or PyTorch's
# SPDX-License-Identifier: Apache-2.0
"""usage: side.py ours|triton|library [--device cuda|cpu]

Started by bench.py, with which it talks in lines of JSON: a request on standard input, an answer on the descriptor that was standard
output; what kernels and libraries print goes to standard error. `prepare` builds a row's data, tunes, checks the result and measures
once; `measure` gives samples; `compile` and `launch` time what the host does. On a device without events (cpu) the clock measures."""
import argparse
import gc
import importlib.metadata
import json
import os
import statistics
import sys
import time
import traceback

FLUSH_BYTES = 256 << 20
TURN_MS, LEAST, MOST = 30.0, 3, 40  # a turn: its budget, and how many samples


class Side:
    def __init__(self, name, device):
        self.name, self.device = name, device
        if name == "ours":
            import tessera.triton
            tessera.triton.install()
        import torch
        import triton
        import workloads
        self.torch, self.triton, self.workloads = torch, triton, workloads
        self.rows = {row.name: row for row in workloads.table()}
        self.flush = torch.empty(FLUSH_BYTES, dtype=torch.uint8, device="cuda") if device == "cuda" else None
        self.case, self.calls, self.gap = None, {}, None

    # ---- requests

    def versions(self):
        found = {"python": sys.version.split()[0], "torch": self.torch.__version__, "triton module": "/".join(self.triton.__file__.split("/")[-2:])}
        if self.name == "ours":
            import tessera
            target = self.triton.runtime.driver.active.get_current_target()
            found |= {"tessera": tessera.__version__, "target": f"{target.backend}:{target.arch}"}
        elif self.name == "triton":
            found |= {"triton": importlib.metadata.version("triton"), "ptxas": _triton_ptxas()}
        elif self.device == "cuda":
            properties = self.torch.cuda.get_device_properties(0)
            found |= {"cuda": self.torch.version.cuda, "cudnn": str(self.torch.backends.cudnn.version()), "device": properties.name,
                      "units": properties.multi_processor_count, "l2_bytes": properties.L2_cache_size}
            for package in ("nvidia-cublas", "nvidia-cudnn-cu13", "nvidia-nvjitlink"):
                try:
                    found[package] = importlib.metadata.version(package)
                except importlib.metadata.PackageNotFoundError:
                    pass
        return found

    def prepare(self, row, small=False):
        self.drop()
        row = self.rows[row]
        world = self.workloads.World(self.torch, self.device)
        self.case = row.make(world, **(row.small if small else row.sizes))
        self.row, self.small = row, small
        if self.name == "library":
            return self._prepare_library()
        started = time.perf_counter()
        compiled = self.case.run()
        self._synchronize()
        seconds = time.perf_counter() - started  # compiles and tunes
        answer = {"first_run_s": seconds, "error": self.case.error(), "limit": self.case.limit,
                  "configuration": [str(k.best_config) for k in self.case.kernels if hasattr(k, "best_config")],
                  "candidates_ms": [{str(config): times[0] if isinstance(times, (list, tuple)) else times
                                     for config, times in (getattr(k, "configs_timings", None) or {}).items()}
                                    for k in self.case.kernels if hasattr(k, "best_config")]}
        if compiled is not None:
            answer |= {"registers": compiled.n_regs, "spills": compiled.n_spills, "shared": compiled.metadata.shared}
        self.calls = {self.name: self.case.run}
        return answer

    def _prepare_library(self):
        answer = {"failed": {}}
        for name, call in self.case.library.items():
            try:
                call()
                self._synchronize()
                self.calls[name] = call
            except Exception as error:
                answer["failed"][name] = _short(error)
        return answer

    def renew(self, count):
        """The row's data at other places in memory, behind a gap that depends on `count`. What a kernel takes depends on where its tensors lie, by up
        to 1 % of a product of 2048^3, the same for all kernels that read them (H200: 16 sets of buffers in one process, 2026-11-28)."""
        names = list(self.calls)
        self.case, self.calls, self.gap = None, {}, None
        self.gap = self.torch.empty((37 * count % 61 + 1) << 20, dtype=self.torch.uint8, device=self.device)
        self.case = self.row.make(self.workloads.World(self.torch, self.device), **(self.row.small if self.small else self.row.sizes))
        calls = {**self.case.library, self.name: self.case.run}
        self.calls = {name: calls[name] for name in names}
        for call in self.calls.values():
            call()
        self._synchronize()

    def measure(self):
        """Samples in milliseconds, by the name of the call."""
        return {name: self._samples(call) for name, call in self.calls.items()}

    def _samples(self, call):
        torch = self.torch
        if self.device != "cuda":
            samples = []
            for _ in range(LEAST):
                started = time.perf_counter()
                call()
                samples.append(1e3 * (time.perf_counter() - started))
            return samples

        def timed(count):
            pairs = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(count)]
            for start, end in pairs:  # the host runs ahead: the flush takes longer than a launch
                self.flush.zero_()
                start.record()
                call()
                end.record()
            torch.cuda.synchronize()
            return [start.elapsed_time(end) for start, end in pairs]

        call()
        guess = max(statistics.median(timed(LEAST)), 1e-3)
        return timed(max(LEAST, min(MOST, int(TURN_MS / (guess + 0.1)))))

    def compile(self, kernel):
        """Seconds from source to a loaded kernel, nothing of it in any cache, and to PTX where the compiler says; the compiler itself has
        run before, on another kernel."""
        import compiling
        return compiling.measure(self, kernel)

    def launch(self):
        """Host microseconds a launch, by the number of arguments: empty kernels, batches that the device's queue holds, on processors
        that nobody else uses."""
        from kernels import elementwise
        x = [self.torch.zeros(1024, device=self.device) for _ in range(3)]
        if self.name == "library":
            calls = {"add": lambda: self.torch.add(x[0], x[1], out=x[2])}
        else:
            calls = {"4": lambda: elementwise.four_arguments[(1,)](*x, 1024),
                     "12": lambda: elementwise.twelve_arguments[(1,)](*x, 64, 64, 64, 1024, 8, 1024, 1, 1024, 1)}
        answer = {}
        for name, call in calls.items():
            def batch(call=call):
                self._synchronize()
                started = time.perf_counter_ns()
                for _ in range(200):
                    call()
                return (time.perf_counter_ns() - started) / 200e3

            answer[name], answer[f"{name}, medians"] = on_quiet_processors(batch)
        return answer

    def drop(self):
        self.case, self.calls, self.gap = None, {}, None
        gc.collect()
        if self.device == "cuda":
            self.torch.cuda.empty_cache()

    def healthy(self):
        """Whether the device still works for this process: after some errors it never does again, and CUDA says so only later."""
        try:
            self.drop()
            self._synchronize()
            return self.torch.ones(4, device=self.device).sum().item() == 4
        except Exception:
            return False

    def _synchronize(self):
        if self.device == "cuda":
            self.torch.cuda.synchronize()


def on_quiet_processors(batch):
    """The lower quartile of medians of eight batches, three on each processor, and these medians. On a machine that is a part of a host,
    another machine may run on the other thread of a core: everything on it then takes 1.7 times as long (H200, 2026-11-28: on half of 16
    processors at a time, other ones ten milliseconds later)."""
    allowed = os.sched_getaffinity(0)
    medians = []
    try:
        for _ in range(3):
            for processor in sorted(allowed):
                os.sched_setaffinity(0, {processor})  # of this thread; the driver's own go where they like
                medians.append(statistics.median([batch() for _ in range(10)][2:]))
    finally:
        os.sched_setaffinity(0, allowed)
    medians.sort()
    return medians[len(medians) // 4], medians


def _triton_ptxas():
    try:
        from triton.backends.nvidia.compiler import get_ptxas
        return get_ptxas(90).version
    except Exception as error:
        return _short(error)


def _short(error):
    return f"{type(error).__name__}: {str(error)[:600]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", choices=("ours", "triton", "library"))
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    options = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    side = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if side is None:
                side = Side(options.side, options.device)
            answer = getattr(side, request.pop("do"))(**request)
            reply = {"ok": True, "answer": answer}
        except Exception as error:
            traceback.print_exc()
            reply = {"ok": False, "text": _short(error), "healthy": side is not None and side.healthy()}
        sys.stderr.flush()
        answers.write(json.dumps(reply) + "\n")


if __name__ == "__main__":
    main()
