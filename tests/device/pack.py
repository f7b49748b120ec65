#!/usr/bin/env python3
# pack.py - what the device's machine needs of a build, in one archive; and what came back, into tests/perf/results
# SPDX-License-Identifier: Apache-2.0
"""usage: pack.py pack [BUILD]      BUILD/python and its libraries, stripped, into build/device/tessera.tar.xz
       pack.py record FILE…      results.json of bench.py, one or several parts of a run, into tests/perf/results/<gpu>-<date>T<time>.json

Only what runs on the device goes along: no CPU plugin, none of the tests' plugins. The machine that runs it needs a C library at least
as new as the one that it was built with."""
import datetime
import io
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PACK = ROOT / "build" / "device" / "tessera.tar.xz"
LIMIT = 60_000_000  # bytes: what travels with the sources
LIBRARIES = ("libtessera.so", "libtessera_compiler.so", "libtessera_nvidia.so", "libtessera_nvidia_driver.so", "tessera-worker",
             "tessera/plugins.d/nvidia.tessera.json")


def stripped(path, folder):
    """The file, without symbols where it is a binary."""
    path = path.resolve()
    if path.open("rb").read(4) != b"\x7fELF":
        return path
    copy = folder / path.name
    subprocess.run(["llvm-strip-22", "--strip-unneeded", "-o", copy, path], check=True)
    return copy


def contents(build):
    """(name in the archive, file), in order."""
    package = build / "python" / "tessera"
    for entry in sorted(package.iterdir()):
        if entry.name == "lib":
            continue
        for file in sorted(entry.rglob("*")) if entry.is_dir() else [entry]:
            if file.is_file() and "__pycache__" not in file.parts:
                yield f"python/tessera/{file.relative_to(package)}", file
    for name in LIBRARIES:
        yield f"python/tessera/lib/{name}", build / "lib" / name
    for program in ("tessera", "device-kernels-check", "nvidia-driver-check", "device-launch-bench"):
        yield f"python/tessera/bin/{program}", build / "bin" / program


def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def pack(build):
    PACK.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, tarfile.open(PACK, "w:xz", preset=6) as archive:
        for name, file in contents(build):
            if not file.exists():
                raise SystemExit(f"pack.py: {file} is missing: build it first (`./dev bench --device pack` does)")
            archive.add(stripped(file, pathlib.Path(folder)), arcname=name)
        text = json.dumps({"commit": commit(), "packed": datetime.datetime.now().isoformat(timespec="seconds")}).encode()
        entry = tarfile.TarInfo("python/tessera/pack.json")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    size = PACK.stat().st_size
    if size > LIMIT:
        raise SystemExit(f"pack.py: {PACK} has {size} bytes; at most {LIMIT} are allowed")
    print(f"{PACK.relative_to(ROOT)}: {size / 1e6:.1f} MB")


def record(files):
    """Parts of a run become one: later parts' rows replace rows of the same name. Refuses parts of another device or another commit."""
    parts = [json.loads(pathlib.Path(file).read_text()) for file in files]

    def origin(part):
        return part["machine"]["gpu"].split(",")[0], part.get("pack", {}).get("commit")

    if len({origin(part) for part in parts}) != 1:
        raise SystemExit(f"pack.py: these are not parts of one run: {', '.join(map(str, map(origin, parts)))}")
    whole = parts[-1]
    whole["rows"] = list({row["name"]: row for part in parts for row in part["rows"]}.values())
    whole.pop("not_run", None)
    gpu = re.sub(r"[^a-z0-9]+", "-", whole["machine"]["gpu"].split(",")[0].lower().replace("nvidia", "")).strip("-") or "unknown"
    name = f"{gpu}-{datetime.datetime.now():%Y-%m-%dT%H%M%S}.json"
    # The system's line names a machine; its kernel is what matters.
    whole["machine"]["system"] = " ".join(word for i, word in enumerate(whole["machine"]["system"].split()) if i != 1)
    place = ROOT / "tests" / "perf" / "results" / name
    place.write_text(json.dumps(whole, indent=1) + "\n")
    print(f"{place.relative_to(ROOT)}: {len(whole['rows'])} rows, {sum(row['met'] for row in whole['rows'])} met")


def main(arguments):
    if arguments[:1] == ["pack"] and len(arguments) <= 2:
        return pack(pathlib.Path(arguments[1]) if len(arguments) == 2 else ROOT / "build" / "release")
    if arguments[:1] == ["record"] and len(arguments) >= 2:
        return record(arguments[1:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
