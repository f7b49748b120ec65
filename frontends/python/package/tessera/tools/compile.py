# compile.py - a kernel, compiled ahead of time into C: machine code in an array and a function that launches it
# SPDX-License-Identifier: Apache-2.0
"""    python -m tessera.tools.compile kernels.py -n add -s "*fp32:16, *fp32:16, i32, 1024" -g "(n + 1023) / 1024, 1, 1"

writes add.HASH_SUFFIX.c and .h, whose functions are

    tsr_status load_add_HASH_SUFFIX(TsrDevice *device);     NULL: the best device; once, before the first launch
    void unload_add_HASH_SUFFIX(void);
    tsr_status add_HASH_SUFFIX(TsrStream *stream, arguments…);   NULL: the default stream

and need libtessera (tessera.h), no compiler and no Python. For a target of NVIDIA's (``-t cuda:90``) they are Triton's instead, unless
``--interface tessera`` says otherwise: they need cuda.h and libcuda alone,

    CUresult load_add_HASH_SUFFIX(void);         into the current context
    CUresult add_HASH_SUFFIX(CUstream stream, arguments…);       pointers as CUdeviceptr

The file of kernels is executed. A signature has an entry for each
parameter: a type ("*fp16", "i32", "fp32"), with ":16" where the value is a multiple of 16 and ":1" where it is 1, or the value
of a constant. The grid is three C expressions of arguments and constants. `python -m tessera.tools.link` makes one entry
point of several such files."""
from __future__ import annotations

import argparse
import ast
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tessera.tools import _cuda_c

_C_TYPES = {"u1": "_Bool", "i8": "int8_t", "i16": "int16_t", "i32": "int32_t", "i64": "int64_t", "u8": "uint8_t",
            "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t", "fp16": "float", "bf16": "float", "fp32": "float",
            "fp64": "double", "i1": "_Bool"}


@dataclass
class CompileArgs:
    """What the command line says; see ``python -m tessera.tools.compile --help``."""
    path: str = ""
    kernel_name: str = ""
    signature: str = ""
    grid: str = ""
    target: str | None = None
    num_warps: int = 1
    num_stages: int = 3
    interface: str | None = None
    out_name: str | None = None
    out_path: Path | None = None


class Parameter:
    """One parameter of a signature: ``type`` or ``value`` (of a constant), and ``hint`` (16, 1 or None)."""

    def __init__(self, name, text):
        self.name = name
        self.text = text
        self.value = _constant(text)
        self.is_constant = self.value is not None or text == "None"
        kind, _, hint = (text, "", "") if self.is_constant else text.partition(":")
        self.type = kind.strip()
        self.hint = int(hint) if hint else None
        if self.hint not in (None, 1, 16):
            raise ValueError(f"Only 1 and 16 are valid hints, got {self.hint} for '{name}'")
        if not self.is_constant and self.type.lstrip("*k") not in (*_C_TYPES, "void", *_FP8):
            raise ValueError(f"'{text}' of parameter '{name}' is neither a type nor a constant")

    @property
    def is_pointer(self):
        return self.type.startswith("*")

    @property
    def c_type(self):
        return "const void *" if self.is_pointer else _C_TYPES[self.type] + " "

    @property
    def passed(self):
        """Whether a launch passes it: constants and what is known to be 1 are in the code."""
        return not self.is_constant and self.hint != 1


_FP8 = ("fp8e4nv", "fp8e5", "fp8e4b8", "fp8e5b16", "fp8e4b15")


def _constant(text):
    if text in ("inf", "-inf", "nan"):
        return float(text)
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None


def split_signature(text):
    """The entries of a signature; commas inside brackets and quotes do not separate."""
    parts, depth, quote, start = [], 0, "", 0
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([{<":
            depth += 1
        elif c in ")]}>":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part.strip() for part in (*parts, text[start:])]


def _load_kernel(path, name):
    import importlib.util
    path = Path(path)
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kernel = getattr(module, name, None)
    if kernel is None:
        raise ValueError(f"{path} has no kernel '{name}'")
    while not hasattr(kernel, "arg_names") or hasattr(kernel.fn, "arg_names"):
        kernel = kernel.fn
    return kernel


def _target(text):
    from tessera.backends.compiler import GPUTarget
    from tessera.runtime.driver import driver
    if not text:
        return driver.active.get_current_target()
    backend, _, rest = text.partition(":")
    arch, _, warp = rest.partition(":")
    return GPUTarget(backend, int(arch) if arch.isdigit() else arch, int(warp) if warp else (1 if backend == "cpu" else 32))


def _compile(kernel, parameters, target, num_warps, num_stages, interface):
    import tessera
    known = {p.name: p.value if p.is_constant else 1 for p in parameters if not p.passed}
    signature = {p.name: "constexpr" if p.name in known else p.type for p in parameters}
    attrs = {(i,): [["tt.divisibility", 16]] for i, p in enumerate(parameters) if p.hint == 16}
    source = tessera.compiler.ASTSource(fn=kernel, signature=signature, constexprs=known, attrs=attrs)
    options = {"num_warps": num_warps, "num_stages": num_stages}
    if interface == "cuda":  # descriptors by tensor maps are made by a runtime
        options["tensor_copies"] = False
    return tessera.compile(source, target=target, options=options)


def _argument(p):
    if p.is_pointer:
        return f"tsr_arg_pointer({p.name})"
    if p.type.startswith(("fp", "bf")):
        return f"tsr_arg_float({p.name})"
    return f"tsr_arg_{'uint' if p.type.startswith('u') else 'int'}({p.name})"


def _bytes(data):
    lines = [", ".join(f"0x{b:02x}" for b in data[i:i + 24]) for i in range(0, len(data), 24)]
    return ",\n    ".join(lines)


def _constants(parameters):
    """Declarations of what the grid's expressions may name besides the arguments."""
    known = [(p.name, p.value if p.is_constant else 1) for p in parameters if not p.passed]
    return "".join(f"  enum {{ {n} = {int(v)} }};\n" for n, v in known if isinstance(v, (int, bool)) and abs(v) < 2**31)


def _source(name, header, kernel_name, parameters, grid, binary, about):
    passed = [p for p in parameters if p.passed]
    arguments = "".join(f", {p.c_type}{p.name}" for p in passed)
    constants = _constants(parameters)
    unused = "".join(f"  (void){p.name};\n" for p in passed)
    values = ", ".join(map(_argument, passed)) or "tsr_arg_int(0)"
    return f"""/* {header[:-2]}.c - {about}
 * Made by tessera.tools.compile; edits are lost. */
#include "{header}"
#include <stddef.h>

static const unsigned char image[{len(binary)}] __attribute__((aligned(64))) = {{
    {_bytes(binary)}}};
static TsrDevice *own_device;
static TsrModule *module;
static TsrKernel *kernel;

tsr_status load_{name}(TsrDevice *device) {{
  tsr_status status = TSR_OK;
  if (module)
    return TSR_OK;
  if (!device) {{
    status = tsr_device_open(NULL, NULL, 0, &own_device);
    device = own_device;
  }}
  if (status == TSR_OK)
    status = tsr_module_load(device, image, sizeof image, &module);
  if (status == TSR_OK)
    status = tsr_module_kernel(module, "{kernel_name}", &kernel);
  if (status != TSR_OK)
    unload_{name}();
  return status;
}}

void unload_{name}(void) {{
  tsr_module_unload(module);
  tsr_device_close(own_device);
  module = NULL;
  kernel = NULL;
  own_device = NULL;
}}

tsr_status {name}(TsrStream *stream{arguments}) {{
{constants}{unused}  if (!kernel) {{
    tsr_status status = load_{name}(NULL);
    if (status != TSR_OK)
      return status;
  }}
  {{
    const int32_t grid[3] = {{(int32_t)({grid[0]}), (int32_t)({grid[1]}), (int32_t)({grid[2]})}};
    const TsrArgument values[] = {{{values}}};
    return tsr_kernel_launch(kernel, stream, grid, values, {len(passed)});
  }}
}}
"""


def _header(name, parameters, about, directive):
    guard = re.sub(r"\W", "_", name).upper() + "_H"
    arguments = "".join(f", {p.c_type}{p.name}" for p in parameters if p.passed)
    return f"""/* {about}
 * Made by tessera.tools.compile; edits are lost.
 * tessera-link: {json.dumps(directive)} */
#ifndef {guard}
#define {guard}

#include "tessera.h"

#ifdef __cplusplus
extern "C" {{
#endif

/* Loads the kernel onto the device (NULL: the best one). Not from two threads at once. */
tsr_status load_{name}(TsrDevice *device);
void unload_{name}(void);
/* Launches it; NULL is the default stream. Loads it onto the best device where nothing was loaded. */
tsr_status {name}(TsrStream *stream{arguments});

#ifdef __cplusplus
}}
#endif
#endif
"""


def compile_kernel(args):
    """Does what a CompileArgs says; returns the C function's name and the written files.
    Errors: ValueError for a signature, grid or kernel that does not fit; CompilationError of the kernel."""
    out_name = args.out_name or args.kernel_name
    out_path = Path(args.out_path) if args.out_path else Path(out_name)
    kernel = _load_kernel(args.path, args.kernel_name)
    entries = split_signature(args.signature)
    if len(entries) != len(kernel.arg_names):
        raise ValueError(f"the signature has {len(entries)} entries, '{args.kernel_name}' has {len(kernel.arg_names)} parameters: "
                         f"{', '.join(kernel.arg_names)}")
    parameters = [Parameter(name, text) for name, text in zip(kernel.arg_names, entries)]
    grid = split_signature(args.grid)
    if len(grid) != 3:
        raise ValueError(f"the grid has {len(grid)} entries, three are needed: {args.grid!r}")
    options = f"warps{args.num_warps}xstages{args.num_stages}"
    digest = hashlib.sha256(" ".join([*entries, options]).encode()).hexdigest()[:8]
    suffix = "".join(f"{i}{ {1: 'c', 16: 'd'}.get(p.hint, '') }" for i, p in enumerate(parameters))
    name = f"{out_name}_{digest}_{suffix}"
    target = _target(args.target)
    interface = args.interface or ("cuda" if target.backend == "cuda" else "tessera")
    if interface == "cuda" and target.backend != "cuda":
        raise ValueError(f"--interface cuda is for targets of NVIDIA's; this one is {target.backend}:{target.arch}")
    compiled = _compile(kernel, parameters, target, args.num_warps, args.num_stages, interface)
    constants = [f"{p.name}={p.value}" for p in parameters if p.is_constant]
    about = f"kernel {args.kernel_name} with {', '.join([*constants, f'num_warps={args.num_warps}', f'num_stages={args.num_stages}'])}"
    directive = {
        "name": out_name, "function": name, "interface": interface,
        "algorithm": re.sub(r"\W", "_", "_".join([*(str(p.value) for p in parameters if p.is_constant), options])),
        "parameters": [[_cuda_c.c_type(p) if interface == "cuda" else p.c_type, p.name, p.hint] for p in parameters if not p.is_constant]}
    header = f"{out_path.name}.{digest}_{suffix}.h"
    if interface == "cuda":
        texts = (_cuda_c.header(name, parameters, about, directive),
                 _cuda_c.source(name, header, compiled, parameters, grid, _constants(parameters), _bytes, about))
    else:
        texts = (_header(name, parameters, about, directive),
                 _source(name, header, compiled.name, parameters, grid, compiled.kernel, about))
    files = []
    for extension, text in zip((".h", ".c"), texts):
        file = out_path.with_name(f"{out_path.name}.{digest}_{suffix}{extension}")
        file.write_text(text)
        files.append(file)
    return name, files


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tessera.tools.compile", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", help="the Python file with the kernel; it is executed")
    parser.add_argument("--kernel-name", "-n", required=True, help="the kernel")
    parser.add_argument("--signature", "-s", required=True, help="types, hints and constants of its parameters")
    parser.add_argument("--grid", "-g", required=True, help="three C expressions")
    parser.add_argument("--target", "-t", help="BACKEND:ARCH[:WARP], such as cpu:x86-64-v3; the machine's own if left out")
    parser.add_argument("--num-warps", "-w", type=int, default=1)
    parser.add_argument("--num-stages", "-ns", type=int, default=3)
    parser.add_argument("--interface", choices=("tessera", "cuda"),
                        help="of the C functions: tessera.h, on any device, or cuda.h; cuda for NVIDIA's targets if left out")
    parser.add_argument("--out-name", "-on", help="the C function's name before the hash; the kernel's if left out")
    parser.add_argument("--out-path", "-o", type=Path, help="the files' path before the hash")
    try:
        name, files = compile_kernel(CompileArgs(**vars(parser.parse_args(arguments))))
    except (ValueError, OSError) as error:
        print(f"tessera.tools.compile: {error}", file=sys.stderr)
        return 1
    print(f"{name}: {' '.join(map(str, files))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
