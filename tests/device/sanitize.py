#!/usr/bin/env python3
# sanitize.py - compute-sanitizer's memcheck, racecheck, synccheck and initcheck over the kernels of the tests
# SPDX-License-Identifier: Apache-2.0
"""usage: sanitize.py [--tools memcheck,…] [--only PART,…] [--seeds 40] [--stride 5] [--jobs 8] [--limit SECONDS] [--budget SECONDS] [--sanitizer FILE]
                   [--pack FILE] [--out FOLDER] [--list]

Runs on the device's machine, with what `./dev bench --device pack` made, Python with PyTorch and NumPy, and compute-sanitizer of a CUDA toolkit.
A subject is a process: a row of the device's table at its small size, with the first of its configurations; a kernel of tests/kernels, by the
demo; ten random kernels, or every n-th of the conformance kit's, by device-kernels-check. Subjects run beside each other, each under each tool;
one that does not end in time is told as such. The log of every run lies in FOLDER ($OUT, else the current folder), where results.json is written
after every run; a table of what was found is the last that is printed. Exit code 0: every run ended, and nothing was found."""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import bench

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")
SEEDS_A_RUN = 10
FOUND = 86  # exit code of the sanitizer where it found something; not one of the programs' own

# What the tool says that is no report. Every other line of its own without an indent begins one ("Compute Sanitizer", Understanding … Errors): a kind
# that nobody has seen yet is told, too.
SUMMARY = re.compile(r"(ERROR|RACECHECK) SUMMARY: (\d+) (?:error|hazard)")
TROUBLE = re.compile(r"(Internal Sanitizer Error.*|Error: .*(?:instrumented API call|attachable process|terminate successfully|not supported).*|"
                     r"Target application (?:returned an error|terminated).*)")
ASIDE = re.compile(r"COMPUTE-SANITIZER|LEAK SUMMARY|\d+ errors were (?:not printed|skipped)|(?:Try using|This tool is deprecated|Tracking kernels) .*")
PLACE = re.compile(r"at (?:0x[0-9a-f]+ in )?(.+?)(?:\+0x[0-9a-f]+)?(?: in (\S+:\d+))?$")
RACE = re.compile(r"(.* (?:access )?)at (?:0x[0-9a-f]+ in )?(.+?)(?:\+0x[0-9a-f]+)?(?: in (\S+:\d+))?(?: \[\d+ hazards?\])?$")
ADDRESS = re.compile(r"(?:Address|host access to|access (?:at|to)) (0x[0-9a-f]+)")


def placed(name, line):
    """A kernel, and its line where there is line information."""
    return re.sub(r"^void |\(.*", "", name) + (f" ({line.rsplit('/', 1)[-1]})" if line else "")


def kind_of(lines):
    """Of a report's lines: what it is, where, without what differs from one thread to the next."""
    kind, rest = lines[0], lines[1:]
    if "between" in kind and (found := RACE.match(kind)):  # racecheck names two accesses
        kind = f"{found[1]}in {placed(found[2], found[3])}"
        if rest and (other := RACE.match(rest[0])):
            kind += f" {other[1]}in {placed(other[2], other[3])}"
    elif kind.startswith("Host API"):  # a copy by the driver, of no kernel
        kind += "".join(f": {line}" for line in rest if " on access by " in line)
    elif found := next(filter(None, map(PLACE.match, rest)), None):
        kind += f" in {placed(found[1], found[2])}"
    return re.sub(r"0x[0-9a-f]+", "…", kind)


def parse(text):
    """A log of compute-sanitizer: {"summary": errors or None, "reports": {report: times}, "addresses": {report: the first one's}, "trouble":
    [what the tool says of itself]}."""
    reports, addresses, trouble, summaries, lines = collections.Counter(), {}, [], [], []

    def end():
        if lines:
            kind = kind_of(lines)
            reports[kind] += 1
            if found := next(filter(None, map(ADDRESS.search, lines)), None):
                addresses.setdefault(kind, found[1])
        lines.clear()

    for line in text.splitlines():
        if not line.startswith("========="):
            continue
        content = line[len("========="):]
        body = content.strip()
        if lines and content.startswith("  "):
            lines.append(body)
            continue
        end()
        if found := SUMMARY.match(body):
            summaries.append(int(found[2]))
        elif found := TROUBLE.match(body):
            trouble.append(found[1])
        elif body and not content.startswith("  ") and not ASIDE.match(body):
            lines.append(body)
    end()
    return {"summary": sum(summaries) if summaries else None, "reports": dict(reports), "addresses": addresses, "trouble": trouble}


def verdict(run):
    """Adds `state`: ok, found, failed (the program itself), none (the tool saw nothing run), late."""
    if run.get("late"):
        run["state"] = "late"
    elif run["reports"] or run["summary"]:
        run["state"] = "found"
    elif run["summary"] is None or any("instrumented API call" in t or "Internal" in t or "attachable" in t for t in run["trouble"]):
        run["state"] = "none"
    else:
        run["state"] = "ok" if run["code"] == 0 else "failed"
    return run


def table(runs):
    """Lines: what the runs of each tool came to, then what was found, each report once with its subjects."""
    lines = [f"{'tool':12} {'runs':>6} {'ok':>6} {'found':>6} {'failed':>6} {'none':>6} {'late':>6}"]
    for tool in TOOLS:
        states = collections.Counter(run["state"] for run in runs if run["tool"] == tool)
        if states:
            lines.append(f"{tool:12} {states.total():6} " + " ".join(f"{states[s]:6}" for s in ("ok", "found", "failed", "none", "late")))
    found, addresses = collections.defaultdict(list), {}
    for run in runs:
        for report, times in run["reports"].items():
            found[run["tool"], report].append((run["subject"], times))
            addresses.setdefault((run["tool"], report), run.get("addresses", {}).get(report))
    for (tool, report), places in sorted(found.items()):
        subjects = ", ".join(name for name, _ in places[:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else "")
        address = addresses[tool, report]
        lines.append(f"{tool}: {report}: {sum(times for _, times in places)} times{f', first at {address}' if address else ''}; {subjects}")
    for run in runs:
        if run["state"] in ("failed", "none", "late"):
            lines.append(f"{run['state']}: {run['tool']} of {run['subject']}: exit code {run['code']}: {' '.join([*run['trouble'], run['last']])[:200]}")
    return lines


def find_sanitizer(given):
    for place in (given, shutil.which("compute-sanitizer"), *sorted(pathlib.Path("/usr/local").glob("cuda*/bin/compute-sanitizer"), reverse=True),
                  *pathlib.Path("/usr/local").glob("cuda*/compute-sanitizer/compute-sanitizer"), *pathlib.Path("/opt").glob("**/compute-sanitizer")):
        if place and os.access(place, os.X_OK) and pathlib.Path(place).is_file():
            return str(place)
    return None


def subjects(package, options, environment):
    """(name, command), in order."""
    made = []
    check = [str(package / "tessera" / "bin" / "device-kernels-check"), "--threads", "2", "--processes", "1", "--seconds", str(options.limit)]
    for seed in range(0, options.seeds, SEEDS_A_RUN):
        made.append((f"random {seed}", [*check, "--first-seed", str(seed), "--random", str(min(SEEDS_A_RUN, options.seeds - seed))]))
    made.append((f"cases / {options.stride}", [*check, "--random", "0", "--cases", "--stride", str(options.stride)]))
    listed = subprocess.run([sys.executable, str(HERE / "bench.py"), "--package", str(package), "--list"], capture_output=True, text=True,
                            env=environment, check=False)
    for name in listed.stdout.splitlines():
        if not name.startswith(("cold compile", "launch")):
            made.append((f"row {name}", [sys.executable, str(HERE / "sanitize.py"), "--row", name]))
    sys.path.insert(0, str(ROOT / "tests" / "demo"))
    import cases
    for name, _ in cases.ROWS:
        made.append((f"demo {name}", [sys.executable, str(ROOT / "tests" / "demo" / "demo.py"), "--bin", str(package / "tessera" / "bin"), "--target",
                                      options.target, "--small", "--repeats", "1", name]))
    return [(name, command) for name, command in made if not options.only or any(part in name for part in options.only)]


def run_one(sanitizer, tool, name, command, options, environment):
    log = options.out / (re.sub(r"\W+", "-", f"{tool} {name}") + ".log")
    # Calls of the driver that may fail are asked on purpose: whether a module has a global, how many parameters a kernel has.
    words = [sanitizer, "--tool", tool, "--report-api-errors", "no", "--target-processes", "all", "--error-exitcode", str(FOUND), "--print-limit", "50",
             "--show-backtrace", "device", *command]
    started, late = time.monotonic(), False
    with open(log, "wb") as out:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        try:
            code = child.wait(timeout=options.limit)
        except subprocess.TimeoutExpired:
            late = True
            os.killpg(child.pid, signal.SIGKILL)
            code = child.wait()
    text = log.read_text(errors="replace")
    own = [line for line in text.splitlines() if line.strip() and not line.startswith("=========")]
    return verdict({"tool": tool, "subject": name, "code": code, "late": late, "seconds": round(time.monotonic() - started, 1), **parse(text),
                    "last": own[-1] if own else "", "end": text.splitlines()[-12:]})


def run_row(name):
    """One row of the table, in this process: small, with the first configuration of everything that would be tuned. A tuner keeps what a kernel writes
    to put it back, and initcheck tells of copies of outputs that nothing has written yet."""
    sys.path.insert(0, str(HERE))
    import tessera.triton
    tessera.triton.install()
    import torch
    import workloads
    row = {row.name: row for row in workloads.table()}[name]
    case = row.make(workloads.World(torch, "cuda"), **row.small)
    for module in [module for place, module in sys.modules.items() if place.startswith("kernels.")]:
        for kernel in vars(module).values():
            if getattr(kernel, "configs", None):
                kernel.configs = kernel.configs[:1]
    error = case.error()
    torch.cuda.synchronize()
    print(f"{name}: error {error:.1e}, limit {case.limit:.1e}")
    return 0 if error <= case.limit else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", default=",".join(TOOLS), type=lambda text: text.split(","))
    parser.add_argument("--only", default=[], type=lambda text: text.split(","), help="parts of subjects' names, with commas between")
    parser.add_argument("--seeds", type=int, default=40, help="random kernels, each in three sizes")
    parser.add_argument("--stride", type=int, default=5, help="every n-th kernel of the conformance kit")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--limit", type=float, default=120, help="seconds of one run")
    parser.add_argument("--budget", type=float, default=480, help="no run starts after so many seconds")
    parser.add_argument("--target", default="nvidia/sm_90a", help="of the demo's kernels")
    parser.add_argument("--sanitizer", help="compute-sanitizer; found without")
    parser.add_argument("--pack", type=pathlib.Path, default=ROOT / "build" / "device" / "tessera.tar.xz")
    parser.add_argument("--package", type=pathlib.Path, help="an assembled package instead of a pack")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(os.environ.get("OUT", ".")))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        return run_row(options.row)
    sanitizer = find_sanitizer(options.sanitizer)
    if not sanitizer and not options.list:
        print("no compute-sanitizer: it comes with the CUDA toolkit (compute-sanitizer in its bin folder); name it with --sanitizer")
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    options.out = options.out.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-sanitize-"))
    runs, lock, began = [], threading.Lock(), time.monotonic()
    try:
        package = (options.package or bench.unpack(options.pack, folder)).resolve()
        # Without PyTorch's pool, every tensor has bounds that the tool knows.
        environment = dict(bench.environments(package, folder)["ours"], PYTORCH_NO_CUDA_MEMORY_CACHING="1")
        wanted = [(tool, *subject) for subject in subjects(package, options, environment) for tool in options.tools]
        if options.list:
            print("\n".join(dict.fromkeys(name for _, name, _ in wanted)))
            return 0

        def job(tool, name, command):
            if time.monotonic() - began > options.budget:
                return
            run = run_one(sanitizer, tool, name, command, options, environment)
            with lock:
                runs.append(run)
                (options.out / "results.json").write_text(json.dumps({"sanitizer": sanitizer, "planned": len(wanted), "runs": runs}, indent=1) + "\n")
                print(f"{run['state']:6} {tool:10} {name} ({run['seconds']} s)", flush=True)

        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for done in [pool.submit(job, *subject) for subject in wanted]:
                done.result()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("", *table(runs), sep="\n")
    print(f"{sum(run['state'] == 'ok' for run in runs)} of {len(wanted)} runs found nothing; {len(wanted) - len(runs)} not started; "
          f"{time.monotonic() - began:.0f} s")
    return 0 if len(runs) == len(wanted) and all(run["state"] == "ok" for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
