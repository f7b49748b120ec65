#!/usr/bin/env python3
# run_blocks.py - keep the outputs shown in the documentation true
# SPDX-License-Identifier: Apache-2.0
"""usage: run_blocks.py BIN_DIR [--update] FILE…

A line `<!-- run: COMMAND -->` in a page is followed by a fenced block. The command runs from the root of the repository with BIN_DIR
first in PATH; its standard output must be the block. `<!-- run, lines 3-9: COMMAND -->` takes part of the output;
`<!-- file: PATH -->` shows a file. --update rewrites the blocks. The last line is `N passed, N failed`."""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARK = re.compile(r"^<!-- (run|file)(?:, lines (\d+)-(\d+))?: ([^\n]*) -->\n(?:\n)?```(\w*)\n(.*?)^```$", re.M | re.S)


def main(arguments):
    update = "--update" in arguments
    bin_dir, *files = [a for a in arguments if a != "--update"]
    env = dict(os.environ, PATH=str(pathlib.Path(bin_dir).resolve()) + os.pathsep + os.environ["PATH"], LC_ALL="C.UTF-8")
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

        fresh = MARK.sub(block, text)
        if update and fresh != text:
            page.write_text(fresh)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
