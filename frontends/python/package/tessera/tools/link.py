# link.py - one C function for several compiled variants of a kernel
# SPDX-License-Identifier: Apache-2.0
"""    python -m tessera.tools.link add.*.h -o add

reads headers of tessera.tools.compile and writes add.c and add.h with

    tsr_status load_add(TsrDevice *device);   void unload_add(void);
    tsr_status add_default(TsrStream *stream, arguments…);
    tsr_status add(TsrStream *stream, arguments…, int algo_id);
    int add_get_num_algos(void);

From headers for cuda.h (``--interface cuda``) the functions take a ``CUstream``, give a ``CUresult`` and load without an argument.
Files that differ only in hints (":16", ":1") are variants of one algorithm: a launch takes the one with the most hints that hold
for its arguments, and gives TSR_E_INVALID (CUDA_ERROR_INVALID_VALUE) where none does. Files with other constants or options are further algorithms."""
from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

_DIRECTIVE = re.compile(r"^ \* tessera-link: (\{.*\}) \*/$", re.M)


class LinkerError(Exception):
    """Headers that do not belong together, or that no compile made."""


class Interface(NamedTuple):
    """The words of the C functions."""
    include: str
    status: str
    ok: str
    invalid: str
    stream: str
    device: str  # parameters of load
    given: str   # what it hands on
    loads: str   # what the header says of it


_INTERFACES = {
    "tessera": Interface('"tessera.h"', "tsr_status", "TSR_OK", "TSR_E_INVALID", "TsrStream *", "TsrDevice *device", "device",
                         "onto a device (NULL: the best one)"),
    "cuda": Interface("<cuda.h>\n#include <stdint.h>", "CUresult", "CUDA_SUCCESS", "CUDA_ERROR_INVALID_VALUE", "CUstream ", "void", "",
                      "into the current context")}


class Variant:
    """One header: its function, and the parameters with their hints."""

    def __init__(self, path):
        found = _DIRECTIVE.search(Path(path).read_text())
        if not found:
            raise LinkerError(f"{path} was not made by tessera.tools.compile: it has no line 'tessera-link'")
        self.header = Path(path).name
        data = json.loads(found.group(1))
        self.name, self.function, self.algorithm = data["name"], data["function"], data["algorithm"]
        self.interface = data.get("interface", "tessera")
        self.parameters = [tuple(p) for p in data["parameters"]]

    @property
    def hints(self):
        return sum(hint is not None for _, _, hint in self.parameters)

    def condition(self):
        tests = []
        for kind, name, hint in self.parameters:
            value = f"(uintptr_t){name}" if "*" in kind or "CUdeviceptr" in kind else name
            if hint == 16:
                tests.append(f"{value} % 16 == 0")
            elif hint == 1:
                tests.append(f"{name} == 1")
        return " && ".join(tests) or "1"

    def call(self):
        return f"{self.function}({', '.join(['stream', *(name for _, name, hint in self.parameters if hint != 1)])})"


def link(headers, out, prefix=""):
    """Writes ``out``.c and ``out``.h for headers (paths); returns the two paths. Errors: LinkerError."""
    variants = [Variant(path) for path in headers]
    names = {v.name for v in variants}
    if len(names) != 1:
        raise LinkerError(f"the headers are of different kernels: {', '.join(sorted(names))}")
    if len({v.interface for v in variants}) != 1:
        raise LinkerError("some of the headers are for cuda.h and some for tessera.h")
    interface = _INTERFACES[variants[0].interface]
    shapes = {tuple((kind, name) for kind, name, _ in v.parameters) for v in variants}
    if len(shapes) != 1:
        raise LinkerError("the headers differ in the parameters that a launch passes")
    name = prefix + names.pop()
    parameters = shapes.pop()
    declared = "".join(f", {kind}{argument}" for kind, argument in parameters)
    passed = ", ".join(["stream", *(argument for _, argument in parameters)])
    algorithms = {}
    for variant in variants:
        algorithms.setdefault(variant.algorithm, []).append(variant)
    out = Path(out)
    header, source = out.with_suffix(".h"), out.with_suffix(".c")
    header.write_text(_header_text(name, declared, interface))
    source.write_text(_source_text(name, header.name, variants, algorithms, declared, passed, interface))
    return header, source


def _header_text(name, declared, c):
    return f"""/* {name}: {name}_get_num_algos() algorithms, each with variants; made by tessera.tools.link, edits are lost. */
#ifndef {name.upper()}_LINKED_H
#define {name.upper()}_LINKED_H

#include {c.include}

#ifdef __cplusplus
extern "C" {{
#endif

/* Loads all variants {c.loads}. Not from two threads at once. */
{c.status} load_{name}({c.device});
void unload_{name}(void);
/* Launches an algorithm, 0 <= algo_id < {name}_get_num_algos(); {c.invalid} where no variant fits the arguments. */
{c.status} {name}({c.stream}stream{declared}, int algo_id);
/* The first algorithm. */
{c.status} {name}_default({c.stream}stream{declared});
int {name}_get_num_algos(void);

#ifdef __cplusplus
}}
#endif
#endif
"""


def _source_text(name, header, variants, algorithms, declared, passed, c):
    includes = "".join(f'#include "{h}"\n' for h in sorted({v.header for v in variants}))
    functions = []
    for algorithm, members in algorithms.items():
        tests = "".join(f"  if ({v.condition()})\n    return {v.call()};\n"
                        for v in sorted(members, key=lambda v: (-v.hints, v.function)))
        closing = "" if any(v.condition() == "1" for v in members) else f"  return {c.invalid};\n"
        functions.append(f"static {c.status} {name}_{algorithm}({c.stream}stream{declared}) {{\n{tests}{closing}}}\n")
    table = ", ".join(f"{name}_{algorithm}" for algorithm in algorithms)
    loads = "".join(f"  if (status == {c.ok})\n    status = load_{v.function}({c.given});\n" for v in variants)
    unloads = "".join(f"  unload_{v.function}();\n" for v in variants)
    return f"""/* {name}; made by tessera.tools.link, edits are lost. */
#include "{header}"
{includes}
{chr(10).join(functions)}
static {c.status} (*const algorithms[])({c.stream}stream{declared}) = {{{table}}};

int {name}_get_num_algos(void) {{ return (int)(sizeof algorithms / sizeof algorithms[0]); }}

{c.status} {name}({c.stream}stream{declared}, int algo_id) {{
  if (algo_id < 0 || algo_id >= {name}_get_num_algos())
    return {c.invalid};
  return algorithms[algo_id]({passed});
}}

{c.status} {name}_default({c.stream}stream{declared}) {{ return {name}({passed}, 0); }}

{c.status} load_{name}({c.device}) {{
  {c.status} status = {c.ok};
{loads}  return status;
}}

void unload_{name}(void) {{
{unloads}}}
"""


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tessera.tools.link", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("headers", nargs="+", help="headers of tessera.tools.compile")
    parser.add_argument("--out", "-o", required=True, help="the written files' path, without suffix")
    parser.add_argument("--prefix", default="", help="in front of the functions' names")
    options = parser.parse_args(arguments)
    try:
        header, source = link(options.headers, options.out, options.prefix)
    except (LinkerError, OSError) as error:
        print(f"tessera.tools.link: {error}", file=sys.stderr)
        return 1
    print(f"{header} {source}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
