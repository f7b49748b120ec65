#!/usr/bin/env python3
# build_wheel.py - the wheel: build, tag, look at what came out
# SPDX-License-Identifier: Apache-2.0
"""usage: build_wheel.py SOURCE DESTINATION

Builds with scikit-build-core in SOURCE/build/wheel (a second time only what changed), reads from the binaries which C library the
wheel needs and tags it so, then checks that the wheel holds what it must and stays in its size. Prints the path of the wheel.

Binaries are not rewritten: patchelf (and so auditwheel's repair) breaks libraries that lld linked with packed relocations; libraries
that a distribution may lack lie beside ours, which find them by their run path."""
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

LIMIT = 60_000_000  # bytes
MUST_HOLD = ("_tessera.abi3.so", "lib/libtessera.so", "lib/libtessera_compiler.so", "lib/libtessera_cpu.so",
             "lib/libtessera_cpu_driver.so", "lib/libtbb.so.12", "lib/tessera-worker", "lib/tessera/plugins.d/cpu.tessera.json",
             "lib/libtessera_nvidia.so", "lib/libtessera_nvidia_driver.so", "lib/tessera/plugins.d/nvidia.tessera.json", "bin/tessera", "__init__.py", "triton.py", "language/core.py")


def run(*command, **options):
    done = subprocess.run(command, **options)
    if done.returncode:
        sys.exit(f"build_wheel.py: {command[0]} failed with exit code {done.returncode}")
    return done


def newest_glibc(wheel):
    """(major, minor): the newest symbol version of the C library that a binary of the wheel asks for."""
    newest = (2, 17)
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        for name in archive.namelist():
            with archive.open(name) as entry:
                if entry.read(4) != b"\x7fELF":
                    continue
            path = archive.extract(name, folder)
            text = subprocess.run(["llvm-readelf-22", "--version-info", path], capture_output=True, text=True, check=True).stdout
            for version in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", text):
                newest = max(newest, tuple(map(int, version)))
    return newest


def main(source, destination):
    scripts = pathlib.Path(sys.executable).parent
    environment = dict(os.environ, PATH=f"{scripts}:{os.environ['PATH']}")
    raw = source / "build" / "wheel-raw"
    raw.mkdir(parents=True, exist_ok=True)
    for old in (*raw.glob("*.whl"), *destination.glob("*.whl")):
        old.unlink()
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(raw), str(source), env=environment, stdout=sys.stderr)
    built, = raw.glob("*.whl")
    major, minor = newest_glibc(built)
    run(sys.executable, "-m", "wheel", "tags", f"--platform-tag=manylinux_{major}_{minor}_{platform.machine()}", "--remove", str(built),
        stdout=sys.stderr)
    tagged, = raw.glob("*.whl")
    result = destination / tagged.name
    shutil.copyfile(tagged, result)
    with zipfile.ZipFile(result) as archive:
        names = set(archive.namelist())
    missing = [name for name in MUST_HOLD if f"tessera/{name}" not in names]
    if missing:
        sys.exit(f"build_wheel.py: the wheel lacks {', '.join(missing)}")
    if not re.search(r"-cp311-abi3-manylinux", result.name):
        sys.exit(f"build_wheel.py: unexpected tags: {result.name}")
    if result.stat().st_size > LIMIT:
        sys.exit(f"build_wheel.py: the wheel has {result.stat().st_size} bytes; at most {LIMIT} are allowed")
    print(result)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
