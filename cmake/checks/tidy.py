#!/usr/bin/env python3
# tidy.py - clang-tidy over the files that changed, or over all
# SPDX-License-Identifier: Apache-2.0
"""usage: tidy.py BUILD [--all] [--jobs N]

Needs a finished build of BUILD (its compile_commands.json, precompiled and generated headers). Without --all: the sources
that differ from the branch they came from (the merge base with main; on main itself, the last commit), uncommitted changes
included; for a header, one source that includes it. Prints what clang-tidy found and exits 1 if that was anything."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCE, HEADER = (".cpp", ".c"), (".h", ".hpp", ".def")


def git(*arguments):
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def base():
    head = git("rev-parse", "HEAD")
    for branch in ("origin/main", "main"):
        found = git("merge-base", "HEAD", branch)
        if found and found != head:
            return found
    return git("rev-parse", "HEAD~1")


def changed():
    names = set(git("diff", "--name-only", "--diff-filter=d", base() or "HEAD").splitlines())
    names |= set(git("ls-files", "--others", "--exclude-standard").splitlines())
    return sorted(n for n in names if n.endswith(SOURCE + HEADER))


def commands(build):
    """The compile command's file, relative to the root, of everything of ours."""
    out = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "build"):
            out[path.relative_to(ROOT).as_posix()] = entry["file"]
    return out


def includers(names, known):
    """One source for each header: the one of its name, else the smallest that includes it."""
    texts = {n: (ROOT / n).read_text(errors="replace") for n in known}
    found = set()
    for name in names:
        if name in known:
            found.add(name)
        if name.endswith(SOURCE):
            continue
        twin = re.sub(r"\.(h|hpp|def)$", ".cpp", name)
        by = [n for n in known if f'#include "{name}"' in texts[n]]
        if twin in known:
            found.add(twin)
        elif by:
            found.add(min(by, key=lambda n: len(texts[n])))
    return sorted(found)


def check(build, name, file):
    done = subprocess.run(["clang-tidy-22", "-p", str(build), "--quiet", "--warnings-as-errors=*", file], cwd=ROOT,
                          capture_output=True, text=True)
    text = "\n".join(l for l in done.stdout.splitlines() if l.strip())
    if done.returncode and not text:
        text = done.stderr
    return name, done.returncode == 0, text.replace(str(ROOT) + "/", "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    known = commands(build)
    names = sorted(known) if arguments.all else includers(changed(), known)
    bad, seen = 0, set()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for name, ok, text in pool.map(lambda n: check(build, n, known[n]), names):
            bad += not ok
            if not ok and text not in seen:
                print(text, flush=True)
            seen.add(text)
    print(f"clang-tidy: {len(names)} files, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
