"""Compares our trees with CPython's own ast.dump on modules of its standard library.

SPDX-License-Identifier: Apache-2.0

usage: compare_with_cpython.py DUMPER [--all] [FILE …]
Without files: a fixed choice of large and unusual modules, at least 50. --all: every module that there is. A file is
passed over where this Python cannot read it itself.
"""
import ast
import os
import subprocess
import sys
import sysconfig

CHOICE = """abc argparse ast asyncio/base_events asyncio/tasks base64 bdb bisect calendar cmd codecs collections/__init__
configparser contextlib copy csv dataclasses datetime decimal difflib dis doctest email/_header_value_parser enum
fractions functools gettext hashlib heapq html/parser http/client imaplib importlib/_bootstrap inspect ipaddress json/decoder
locale logging/__init__ mailbox mimetypes multiprocessing/pool optparse os pathlib pdb pickle pickletools platform
plistlib pprint pydoc random re/_parser shutil smtplib socket ssl statistics string subprocess tarfile tempfile textwrap
threading tokenize traceback turtle types typing unittest/mock urllib/parse uuid weakref xml/etree/ElementTree zipfile""".split()


def files_to_compare(arguments):
    library = sysconfig.get_paths()["stdlib"]
    if "--all" in arguments:
        for folder, folders, names in os.walk(library):
            folders[:] = [f for f in folders if f not in ("__pycache__", "site-packages", "lib2to3", "dist-packages")]
            yield from (os.path.join(folder, n) for n in sorted(names) if n.endswith(".py"))
    elif len(arguments) > 0:
        yield from arguments
    else:
        for name in CHOICE:
            path = os.path.join(library, name + ".py")
            if os.path.exists(path):
                yield path


def expected(path):
    try:
        with open(path, "rb") as f:
            data = f.read()
        data.decode("utf-8")
        return ast.dump(ast.parse(data))
    except (SyntaxError, ValueError, RecursionError):
        return None


def main():
    dumper, arguments = sys.argv[1], sys.argv[2:]
    sys.setrecursionlimit(10000)
    process = subprocess.Popen([dumper], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    same, different = 0, []
    for path in files_to_compare(arguments):
        want = expected(path)
        if want is None:
            continue
        process.stdin.write(path.encode() + b"\n")
        process.stdin.flush()
        kind, size = process.stdout.readline().split()
        got = process.stdout.read(int(size)).decode("utf-8", "surrogatepass")
        if kind == b"tree" and got == want:
            same += 1
            continue
        different.append(path)
        if kind == b"errors":
            print(f"{path}: refused\n{got[:600]}")
            continue
        at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
        print(f"{path}: differs at {at}\n  ours    …{got[max(0, at - 80):at + 80]!r}\n  CPython …{want[max(0, at - 80):at + 80]!r}")
    process.stdin.close()
    process.wait()
    print(f"{same} equal, {len(different)} different")
    if not arguments and same + len(different) < 50:
        sys.exit("fewer than 50 modules found: the comparison says too little")
    sys.exit(1 if different or process.returncode else 0)


if __name__ == "__main__":
    main()
