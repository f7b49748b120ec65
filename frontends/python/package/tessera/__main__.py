# __main__.py - the command line: `tessera …` and `python -m tessera …`
# SPDX-License-Identifier: Apache-2.0
"""Runs the command that lies in the package, in place of this process. Its manual: ``tessera --help``."""
import os
import pathlib
import sys


def main():
    command = pathlib.Path(__file__).parent / "bin" / "tessera"
    if not command.exists():
        sys.exit(f"tessera: there is no command at {command}: this is not an installed package")
    os.execv(command, ["tessera", *sys.argv[1:]])


if __name__ == "__main__":
    main()
