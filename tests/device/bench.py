#!/usr/bin/env python3
# bench.py - correctness and speed on an NVIDIA device: Tessera, Triton on the same sources, and the libraries
# SPDX-License-Identifier: Apache-2.0
"""usage: bench.py [--rows PART,…] [--pack FILE] [--out FOLDER] [--budget SECONDS] [--list] [--small --device cpu --package FOLDER]

Runs on the device's machine, which needs Python with PyTorch and Triton, and no more. Unpacks what `./dev bench --device pack` made,
starts a process for each side (ours, Triton, the libraries) and goes through the rows: first the error against float64, then speeds, in
turns, so that what the chip does to the one it does to the other. Random data, at five places in memory; 256 MB written before every sample, so that nothing is in
the cache; events around the region, the host ahead; medians. What fails is a row that says so, and its side goes on in a new process.
Results are written after every row to FOLDER ($OUT, else the current folder) / results.json; a table is the last that is printed."""
import argparse
import json
import os
import pathlib
import queue
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SIDES = ("ours", "triton", "library")
STEP_MS = 32e-6  # of an event (H200)
TURNS, SETS = 15, 5  # turns of a row; sets of data, each at other places in memory
FIRST_S, ROW_S, TURN_S = 120, 150, 30  # time limits: a process's start, a row's preparation (with tuning), a turn


class Dead(Exception):
    """A side that died or did not answer in time."""


class Process:
    """One side. `ask` sends a request and waits for the answer; a side that is dead is started anew by the next request."""

    def __init__(self, side, device, environment, logs):
        self.side, self.device, self.environment = side, device, environment
        self.log = logs / f"{side}.log"
        self.child = None

    def _start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen([sys.executable, str(HERE / "side.py"), self.side, "--device", self.device], text=True,
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=self.environment,
                                          start_new_session=True)
        self.lines = queue.Queue()

        def read(stream=self.child.stdout, lines=self.lines):
            for line in stream:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()

    def ask(self, limit, **request):
        if self.child is None:
            self._start()
            limit += FIRST_S
        try:
            self.child.stdin.write(json.dumps(request) + "\n")
            self.child.stdin.flush()
            line = self.lines.get(timeout=limit)
        except (BrokenPipeError, OSError):
            line = None
        except queue.Empty:
            self.kill()
            raise Dead(f"no answer in {limit:.0f} s") from None
        if line is None:
            code = self.child.wait()
            self.kill()
            raise Dead(f"died ({signal.Signals(-code).name if code < 0 else f'exit code {code}'}): {self._last_words()}")
        reply = json.loads(line)
        if not reply["ok"]:
            if not reply["healthy"]:
                self.kill()
            raise Dead(reply["text"])
        return reply["answer"]

    def _last_words(self):
        text = self.log.read_text(errors="replace").strip().splitlines()[-3:]
        return " | ".join(text)[-400:]

    def kill(self):
        if self.child is not None:
            try:
                os.killpg(self.child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.child.wait()
            self.child = None


class Bench:
    def __init__(self, options, environments, out):
        self.options, self.out = options, out
        self.sides = {side: Process(side, options.device, environments[side], out) for side in SIDES if side in options.sides}
        self.results = {"rows": [], "machine": {}, "versions": {}}
        self.started = time.monotonic()

    def machine(self):
        fields = "name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,power.limit,temperature.gpu"
        found = self.results["machine"]
        found["gpu"] = _output("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader")
        found["gpu_fields"] = fields
        for tool in ("/usr/local/cuda/bin/ptxas", "ptxas"):
            text = _output(tool, "--version")
            if text:
                found["toolkit ptxas"] = text.splitlines()[-2:]
                break
        found["python"], found["system"] = sys.version.split()[0], " ".join(os.uname())
        for name, side in self.sides.items():
            try:
                self.results["versions"][name] = side.ask(FIRST_S, do="versions")
            except Dead as error:
                self.results["versions"][name] = {"failed": str(error)}
        self.save()

    def save(self):
        self.results["seconds"] = round(time.monotonic() - self.started, 1)
        place = self.out / "results.json"
        place.with_suffix(".new").write_text(json.dumps(self.results, indent=1) + "\n")
        place.with_suffix(".new").replace(place)

    def spent(self):
        return time.monotonic() - self.started > self.options.budget

    def add(self, row):
        self.results["rows"].append(row)
        self.save()
        print(line_of(row), flush=True)

    # ---- a row of rates

    def rate(self, row):
        result = {"name": row.name, "unit": row.unit, "bars": row.bars, "floor": row.floor, "failed": {}, "ms": {}, "prepared": {}}
        samples = {}
        alive = []
        for name, side in self.sides.items():
            try:
                answer = side.ask(ROW_S, do="prepare", row=row.name, small=self.options.small)
                result["failed"] |= answer.pop("failed", {})
                result["prepared"][name] = answer
                alive.append(name)
            except Dead as error:
                result["failed"][name] = str(error)
        for turn in range(TURNS):
            for name in list(alive):
                try:
                    if turn and turn % (TURNS // SETS) == 0:
                        self.sides[name].ask(ROW_S, do="renew", count=turn)
                    for call, found in self.sides[name].ask(TURN_S, do="measure").items():
                        samples.setdefault(call, []).extend(found)
                except Dead as error:
                    result["failed"][name] = str(error)
                    alive.remove(name)
        work = row.work(**(row.small if self.options.small else row.sizes))
        scale = {"GB/s": 1e6, "TFLOP/s": 1e9}[row.unit]
        # Events tell time in steps of 32 ns, a third of a percent of the shortest row.
        result["ms"] = {name: statistics.median_grouped(found, STEP_MS) if self.options.device == "cuda" else statistics.median(found)
                        for name, found in samples.items() if name not in result["failed"]}
        result["spread"] = {name: (max(found) - min(found)) / statistics.median(found) for name, found in samples.items()}
        result["rates"] = {name: work / ms / scale for name, ms in result["ms"].items()}
        result["clock"] = _output("nvidia-smi", "--query-gpu=clocks.sm,power.draw,temperature.gpu", "--format=csv,noheader")
        self.add(judge(result))

    # ---- rows of what the host does

    def compile(self, kernel):
        result = {"name": f"cold compile {kernel}", "unit": "ms", "bars": {"triton": 2.0}, "floor": None, "failed": {}, "prepared": {}}
        values, ptx = {}, {}
        for name in ("ours", "triton"):
            if name not in self.sides:
                continue
            found = []
            for _ in range(3):
                process = Process(name, self.options.device, self.sides[name].environment, self.out)
                try:
                    # Something else first: what a process pays once is not a kernel's.
                    process.ask(ROW_S, do="compile", kernel="softmax 4096" if kernel == "add" else "add")
                    found.append(process.ask(ROW_S, do="compile", kernel=kernel))
                except Dead as error:
                    result["failed"][name] = str(error)
                    break
                finally:
                    process.kill()
            else:
                result["prepared"][name] = found
                values[name] = statistics.median(f["loaded_ms"] for f in found)
                if all("ptx_ms" in f for f in found):
                    ptx[name] = statistics.median(f["ptx_ms"] for f in found)
        self.add(judge({**result, "rates": values}))
        result = {**result, "name": f"compile to PTX {kernel}", "bars": {"triton": 3.0}, "rates": ptx}
        if len(ptx) < len(values):
            result["failed"] = {**result["failed"], **{name: "the compiler tells no time of its stage ptx" for name in values if name not in ptx}}
        self.add(judge(result))

    def launch(self):
        found, failed = {}, {}
        for name, side in self.sides.items():
            try:
                found[name] = side.ask(ROW_S, do="launch")
            except Dead as error:
                failed[name] = str(error)
        for count, bar in (("4", 4.0), ("12", 5.0)):
            rates = {name: f[count] for name, f in found.items() if count in f}
            medians = {name: f[f"{count}, medians"] for name, f in found.items() if count in f}
            if "library" in found:
                rates["torch"], medians["torch"] = found["library"]["add"], found["library"]["add, medians"]
            self.add(judge({"name": f"launch from Python, {count} arguments", "unit": "us", "bars": {}, "floor": bar, "failed": failed,
                            "prepared": {}, "rates": rates, "medians": medians}))

    def launch_from_cpp(self, package, folder):
        """Microseconds a launch by the C interface, of kernels that `tessera compile` makes files of; the driver's own part beside it."""
        kernels = {"4": ("four_arguments", "*fp32:16,*fp32:16,*fp32:16,i32"), "12": ("twelve_arguments", "*fp32:16,*fp32:16,*fp32:16" + ",i32" * 9)}
        programs, environment = package / "tessera" / "bin", dict(os.environ, TESSERA_CACHE_DIR=str(folder / "cache"))
        if self.options.device == "cpu":
            environment["TESSERA_DEVICE"] = "cpu"
        found, failed = {}, {}
        try:
            files = []
            for count, (kernel, signature) in kernels.items():
                files.append(str(folder / f"{count}.tk"))
                target = [] if self.options.device == "cpu" else ["--target", "native"]
                _checked([str(programs / "tessera"), "compile", f"{HERE / 'kernels' / 'elementwise.py'}:{kernel}", "-s", signature, *target,
                          "--emit=artifact", "-o", files[-1]], environment)
            found = json.loads(_checked([str(programs / "device-launch-bench"), *files], environment).splitlines()[-1])
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            failed["ours"] = str(error)
        for count in kernels:
            rates = {"ours": found[count]} if count in found else {}
            medians = {name: values for name, values in found.get("medians", {}).items() if name.split()[0] in (count, "driver")}
            if f"{count} changing" in found:
                rates["changing arguments"] = found[f"{count} changing"]
            if "driver" in found:
                rates["cuLaunchKernel alone"] = found["driver"]
            if "driver graph" in found:
                rates["cuGraphLaunch alone"] = found["driver graph"]
            self.add(judge({"name": f"launch from C++, {count} arguments", "unit": "us", "bars": {}, "floor": 2.0, "failed": failed,
                            "prepared": {}, "rates": rates, "medians": medians}))


def judge(row):
    """Adds `ratios` (above 1: ours is better) and `met`."""
    rates, smaller = row["rates"], row["unit"] in ("ms", "us")
    ours = rates.get("ours")
    row["ratios"] = {}
    if ours:
        row["ratios"] = {name: (rate / ours if smaller else ours / rate) for name, rate in rates.items() if name != "ours"}
    error, limit = row["prepared"].get("ours", {}), None
    if isinstance(error, dict) and error:
        error, limit = error["error"], error["limit"]
    row["met"] = bool(ours) and (limit is None or error <= limit) and all(
        row["ratios"].get(name, 0) >= bar for name, bar in row["bars"].items())
    if row["met"] and row["floor"] is not None:
        row["met"] = ours <= row["floor"] if smaller else ours >= row["floor"]
    return row


def line_of(row):
    def number(name):
        value = row["rates"].get(name)
        return "-" if value is None else f"{value:.1f}"

    others = " ".join(f"{name} {value:.1f}" for name, value in row["rates"].items() if name not in ("ours", "triton"))
    ratios = " ".join(f"{name} {value:.2f}" for name, value in row["ratios"].items())
    bars = " ".join(f"{name} {bar}" for name, bar in row["bars"].items())
    if row["floor"] is not None:
        bars += f" {row['floor']:g} {row['unit']}"
    errors = [f"{side[0]} {p['error']:.0e}" for side, p in row["prepared"].items() if isinstance(p, dict) and "error" in p]
    text = (f"{row['name']:42} {row['unit']:8} {number('ours'):>8} {number('triton'):>8} {others:34} {ratios:36} {bars.strip():24} "
            f"{'met' if row['met'] else 'SHORT':6} {', '.join(errors)}")
    for name, values in row.get("medians", {}).items():
        text += f"\n    {name}, medians: {' '.join(f'{value:.1f}' for value in values)}"
    for name, why in row["failed"].items():
        text += f"\n    {name} failed: {' '.join(why.split())[:300]}"
    return text.rstrip()


HEADER = f"{'row':42} {'unit':8} {'ours':>8} {'triton':>8} {'others':34} {'ratio of ours':36} {'bar':24} {'':6} error"


def _output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _checked(command, environment):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    if done.returncode:
        raise RuntimeError(f"{pathlib.Path(command[0]).name}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def unpack(pack, folder):
    with tarfile.open(pack) as archive:
        archive.extractall(folder, filter="data")
    return folder / "python"


def environments(package, folder):
    """Of each side: ours finds the package, Triton's does not; caches are the run's own."""
    base = dict(os.environ, TRITON_CACHE_DIR=str(folder / "triton-cache"), PYTHONUNBUFFERED="1")
    base.pop("PYTHONPATH", None)
    outer = os.environ.get("PYTHONPATH")
    path = os.pathsep.join(filter(None, (str(package), outer)))
    ours = dict(base, PYTHONPATH=path, TESSERA_CACHE_DIR=str(folder / "cache"), TRITON_CACHE_DIR=str(folder / "cache"))
    if outer:
        base["PYTHONPATH"] = outer
    return {"ours": ours, "triton": base, "library": base}


def names(package):
    """Rows by name, asked of a table that needs a triton: Tessera's, in a process of its own like everything else."""
    sys.path[:0] = [str(HERE), str(package)]
    import tessera.triton
    tessera.triton.install()
    import compiling
    import workloads
    return workloads.table(), list(compiling.kernels())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="", help="parts of rows' names, with commas between; all without")
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--pack", type=pathlib.Path, default=ROOT / "build" / "device" / "tessera.tar.xz")
    parser.add_argument("--package", type=pathlib.Path, help="an assembled package instead of a pack")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(os.environ.get("OUT", ".")))
    parser.add_argument("--budget", type=float, default=500, help="no row starts after so many seconds")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="the sizes of a machine without a device")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    options.sides = options.sides.split(",")
    options.out.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-device-"))
    try:
        package = options.package or unpack(options.pack, folder)
        bench = Bench(options, environments(package.resolve(), folder), options.out.resolve())
        described = package / "tessera" / "pack.json"
        bench.results["pack"] = json.loads(described.read_text()) if described.exists() else {}
        table, compiled = names(package)
        jobs = [(row.name, lambda row=row: bench.rate(row)) for row in table]
        jobs += [(f"cold compile {k}", lambda k=k: bench.compile(k)) for k in compiled] + [
            ("launch from Python", bench.launch), ("launch from C++", lambda: bench.launch_from_cpp(package.resolve(), folder))]
        wanted = [part for part in options.rows.split(",") if part]
        jobs = [(name, job) for name, job in jobs if not wanted or any(part in name for part in wanted)]
        if options.list or not jobs:
            print("\n".join(name for name, _ in jobs) or "no row has such a name")
            return 0 if jobs else 2
        try:
            bench.machine()
            print(json.dumps(bench.results["machine"]), json.dumps(bench.results["versions"]), sep="\n", flush=True)
            for name, job in jobs:
                if bench.spent():
                    bench.results.setdefault("not_run", []).append(name)
                    continue
                job()
        finally:
            for side in bench.sides.values():
                side.kill()
            bench.save()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows = bench.results["rows"]
    print("\n" + HEADER, *map(line_of, rows), sep="\n")
    print(f"{sum(r['met'] for r in rows)} of {len(rows)} rows met; {bench.results['seconds']} s"
          + "".join(f"; not run: {name}" for name in bench.results.get("not_run", ())))
    return 0 if all(row["met"] for row in rows) and "not_run" not in bench.results else 1


if __name__ == "__main__":
    sys.exit(main())
