#!/usr/bin/env python3
# run_blocks.py - keep the outputs and commands shown in the documentation true
# SPDX-License-Identifier: Apache-2.0
"""usage: run_blocks.py BIN_DIR [--update] FILE…

A line `<!-- run: COMMAND -->` in a page is followed by a fenced block. The command runs from the root of the repository with BIN_DIR
first in PATH; its standard output must be the block. `<!-- run, lines 3-9: COMMAND -->` takes part of the output;
`<!-- file: PATH -->` shows a file. --update rewrites the blocks.

A line `<!-- commands -->` is followed by an indented block of commands. Those of a page run as one script of bash, in a folder of their own where
the entries of the repository are links, and `build/dev` is the build of BIN_DIR: what they write does not end up in the tree. Each must succeed, and a test
program must have found tests. The last line is `N passed, N failed`."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARK = re.compile(r"^<!-- (run|file)(?:, lines (\d+)-(\d+))?: ([^\n]*) -->\n(?:\n)?```(\w*)\n(.*?)^```$", re.M | re.S)

COMMANDS = re.compile(r"^<!-- commands -->\n\n?((?:    [^\n]*\n)+)", re.M)


def run_commands(page, text, bin_dir, env):
    """(passed, failed) of the blocks of commands of a page, a command of the first one that fails shown."""
    blocks = [re.sub("^    ", "", m.group(1), flags=re.M) for m in COMMANDS.finditer(text)]
    if not blocks:
        return 0, 0
    with tempfile.TemporaryDirectory(prefix="tessera-docs-") as folder:
        folder = pathlib.Path(folder)
        for entry in ROOT.iterdir():
            if entry.name not in ("build", ".git"):
                (folder / entry.name).symlink_to(entry)
        (folder / "build").mkdir()
        (folder / "build/dev").symlink_to(bin_dir.parent)
        (folder / "build/venv").symlink_to(ROOT / "build/venv")
        script = "set -eEo pipefail\ntrap 'echo \"this command failed: $BASH_COMMAND\"' ERR\n" + "".join(f"{b}echo '=== {i} done'\n" for i, b in enumerate(blocks))
        done = subprocess.run(["bash", "-c", script], cwd=folder, env=env | {"TESSERA_CACHE_DIR": str(folder / "cache")}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    parts = re.split(r"^=== \d+ done\n", done.stdout, flags=re.M)
    passed = 0
    for block, output in zip(blocks, parts[:-1]):
        if "Running 0 tests" in output or re.search(r"^0 passed", output, re.M):
            print(f"{page}: nothing matched in\n{block}{output}")
        else:
            passed += 1
    if len(parts) <= len(blocks):
        print(f"{page}: a command of this block fails\n{blocks[len(parts) - 1]}{parts[-1]}")
    return passed, len(blocks) - passed


def main(arguments):
    update = "--update" in arguments
    bin_dir, *files = [a for a in arguments if a != "--update"]
    bin_dir = pathlib.Path(bin_dir).resolve()
    env = dict(os.environ, PATH=os.pathsep.join([str(bin_dir), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]), LC_ALL="C.UTF-8")
    passed = failed = 0

    for name in files:
        page = pathlib.Path(name)
        text = page.read_text()

        def block(match):
            nonlocal passed, failed
            kind, first, last, what, language, shown = match.groups()
            if kind == "file":
                actual = (ROOT / what).read_text()
            else:
                done = subprocess.run(["bash", "-c", what], cwd=ROOT, env=env, capture_output=True, text=True)
                actual = done.stdout if done.returncode == 0 else done.stdout + done.stderr + f"exit code {done.returncode}\n"
            if first:
                actual = "".join(actual.splitlines(keepends=True)[int(first) - 1:int(last)])
            if actual and not actual.endswith("\n"):
                actual += "\n"
            if actual == shown:
                passed += 1
                return match.group(0)
            if update:
                passed += 1
                return match.group(0)[:match.start(6) - match.start(0)] + actual + "```"
            failed += 1
            print(f"{page}: the block of `{what}` is out of date (docs/run_blocks.py --update renews it); now:\n{actual}")
            return match.group(0)

        more = run_commands(page, text, bin_dir, env)
        passed, failed = passed + more[0], failed + more[1]
        fresh = MARK.sub(block, text)
        if update and fresh != text:
            page.write_text(fresh)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
