#!/usr/bin/env python3
# assemble.py - the package as it is imported from a build folder: links to sources, extension and libraries
# SPDX-License-Identifier: Apache-2.0
"""usage: assemble.py SOURCE_PACKAGE EXTENSION LIBRARIES DESTINATION"""
import os
import pathlib
import sys


def link(target, place):
    if place.is_symlink() and os.readlink(place) == str(target):
        return
    temporary = place.with_name(place.name + ".new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(place)


def main(source, extension, libraries, destination):
    destination.mkdir(parents=True, exist_ok=True)
    wanted = {entry.name: entry for entry in source.iterdir() if entry.name != "__pycache__"}
    wanted[extension.name] = extension
    wanted["lib"] = libraries
    for name, target in wanted.items():
        link(target, destination / name)
    for entry in destination.iterdir():
        if entry.is_symlink() and entry.name not in wanted:
            entry.unlink()


if __name__ == "__main__":
    main(*(pathlib.Path(argument) for argument in sys.argv[1:]))
