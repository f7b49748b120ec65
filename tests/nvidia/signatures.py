#!/usr/bin/env python3
# signatures.py - the driver functions that the plugin asks for, by name and version, against NVIDIA's own list of them
# SPDX-License-Identifier: Apache-2.0
"""usage: signatures.py ApiFunctions.def; prints a line a function with another number of parameters, and `N passed, N failed`.

cuGetProcAddress gives what a name meant in a version; the headers' macros hide which name that is (cuGraphInstantiate of 12.0 is
cuGraphInstantiateWithFlags), and C has no way to see that a pointer to a function has other parameters. cudaTypedefs.h of a toolkit lists all."""
import os
import pathlib
import re
import sys


def count(parameters):
    return 0 if parameters.strip() in ("", "void") else parameters.count(",") + 1


def main():
    folders = [os.environ.get("CUDA_HOME"), "/usr/local/cuda", "/opt/cuda"]
    headers = [pathlib.Path(f) / "include" / "cudaTypedefs.h" for f in folders if f]
    header = next((h for h in headers if h.exists()), None)
    if header is None:
        print("skipped: no toolkit with cudaTypedefs.h")
        return 77
    known = {}
    for name, version, parameters in re.findall(r"typedef CUresult \(CUDAAPI \*PFN_(\w+?)_v(\d+)\)\((.*?)\);", header.read_text(), re.S):
        known.setdefault(name, []).append((int(version), count(parameters)))
    passed = failed = 0
    asked = re.findall(r"^CU_FUNCTION\((\w+), (\d+), \w+,\s*\((.*?)\)\)$", pathlib.Path(sys.argv[1]).read_text(), re.S | re.M)
    for name, version, parameters in asked:
        theirs = [k for k in known.get(name, []) if k[0] <= int(version)]
        if theirs and max(theirs)[1] == count(parameters):
            passed += 1
            continue
        failed += 1
        print(f"FAIL {name}, version {version}: {count(parameters)} parameters here, "
              + (f"{max(theirs)[1]} in version {max(theirs)[0]}" if theirs else "no such function"))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
