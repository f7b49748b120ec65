# build_extern.py - a Python module for the functions of a bitcode library
# SPDX-License-Identifier: Apache-2.0
"""usage: python -m tessera.tools.build_extern -llvm-dis LLVM-DIS --lib-path LIBRARY.bc --lib-name NAME --output FOLDER

Disassembles the library and writes FOLDER/NAME.py: a function for kernels for each symbol, or group of symbols that differ only
in their types, each one an ``extern_elementwise``. Prefix and suffixes of the device library's symbols (``__nv_…f``) are cut
from the names."""
from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_TYPES = {"i32": "int32", "u32": "uint32", "i64": "int64", "u64": "uint64", "float": "fp32", "double": "fp64", "half": "fp16"}
_DEFINITION = re.compile(r"^define\s+(?:[\w()]+\s+)*?(i32|i64|float|double|half)\s+@([\w.$]+)\((.*?)\)")
# Groups of symbols by the name that users see; a symbol that is in none has a function of its own.
_SUFFIXES = ("f", "ll")
_UNSIGNED = re.compile(r"^(ull|u)(?=abs|max|min|mul|div|rem|rhadd|hadd|sad)")


class Symbol:
    """A function of a library: its symbol, the name of the operation, result and argument types ("i32", "float", …)."""

    def __init__(self, name, op_name, ret_type, arg_names, arg_types):
        self.name = name
        self.op_name = op_name
        self.ret_type = ret_type
        self.arg_names = list(arg_names)
        self.arg_types = list(arg_types)


def convert_type(type_str):
    """The language's name of an LLVM type ("fp32" of "float"), or None where kernels have no such values."""
    return _TYPES.get(type_str)


def to_unsigned(type_str):
    """The unsigned type of the width of a signed one; other types as they are."""
    return {"i32": "u32", "i64": "u64", "int32": "uint32", "int64": "uint64"}.get(type_str, type_str)


class ExternLibrary:
    """A library of bitcode with its symbols by name. Subclasses say how symbols are named."""

    def __init__(self, name, path, format=True, grouping=True):
        self.name = name
        self.path = path
        self.symbols = {}
        self.format = format
        self.grouping = grouping

    def operation(self, symbol):
        """The name of the operation that a symbol is a form of."""
        return symbol

    def parse_symbols(self, input_file):
        """Reads the definitions of a disassembly, a path."""
        for line in Path(input_file).read_text().splitlines():
            found = _DEFINITION.match(line)
            if not found:
                continue
            result, symbol, arguments = found.groups()
            types = [part.split()[0] for part in arguments.split(",") if part.strip()]
            if all(convert_type(t) for t in types) and types:
                self.symbols[symbol] = Symbol(symbol, self.operation(symbol), result, [f"arg{i}" for i in range(len(types))], types)

    def generate_stub_file(self, output_dir):
        """Writes NAME.py into a folder. Errors: ValueError where there is no symbol."""
        if not self.symbols:
            raise ValueError(f"{self.path}: no function takes and gives numbers only")
        groups = {}
        for symbol in self.symbols.values():
            groups.setdefault((symbol.op_name if self.grouping else symbol.name, len(symbol.arg_types)), []).append(symbol)
        lines = [f'"""Functions of {self.name}, made by tessera.tools.build_extern."""', "from triton.language import core", ""]
        for (name, count), symbols in sorted(groups.items()):
            arguments = [f"arg{i}" for i in range(count)]
            lines += ["", "@core.extern", f"def {name}({', '.join(arguments)}, _semantic=None):",
                      f'    return core.extern_elementwise("{self.name}", "{self.path}", [{", ".join(arguments)}], {{']
            for symbol in symbols:
                unsigned = bool(_UNSIGNED.match(symbol.name.removeprefix("__nv_")))
                row = [convert_type(to_unsigned(t) if unsigned else t) for t in symbol.arg_types]
                types = "".join(f'core.dtype("{t}"), ' for t in row)
                result = convert_type(to_unsigned(symbol.ret_type) if unsigned else symbol.ret_type)
                lines.append(f'        ({types}): ("{symbol.name}", core.dtype("{result}")),')
            lines += ["    }, is_pure=True, _semantic=_semantic)", ""]
        Path(output_dir, f"{self.name}.py").write_text("\n".join(lines))


class Libdevice(ExternLibrary):
    """The device library: symbols are ``__nv_NAME``, ``__nv_NAMEf`` for fp32, ``__nv_llNAME`` for 64-bit integers."""

    def __init__(self, path):
        super().__init__("libdevice", path)

    def parse_symbols(self, input_file):
        super().parse_symbols(input_file)
        self.symbols = {name: symbol for name, symbol in self.symbols.items() if name.startswith("__nv_")}
        # sin and sinf are one operation, and so are abs and llabs; fast_sinf, of which there is no fast_sin, keeps its name.
        known = {name.removeprefix("__nv_") for name in self.symbols}
        for symbol in self.symbols.values():
            name = symbol.name.removeprefix("__nv_")
            base = re.sub("^(ull|ll|u)", "", name)
            if base == name or base not in known:
                base = next((name.removesuffix(s) for s in _SUFFIXES if name.endswith(s) and name.removesuffix(s) in known), name)
            symbol.op_name = base


class LLVMDisassembler:
    """Runs llvm-dis, whose path is given."""

    def __init__(self, path):
        self.path = path
        self.ll_file = str(Path(tempfile.mkdtemp()) / "extern_lib.ll")

    def disasm(self, lib_path):
        """Disassembles a library into ``ll_file``. Errors: CalledProcessError, FileNotFoundError."""
        subprocess.run([self.path, lib_path, "-o", self.ll_file], check=True)


def build(llvm_dis_path, lib_path, lib_name, output_dir):
    """Writes OUTPUT_DIR/LIB_NAME.py for the library."""
    library = Libdevice(lib_path) if lib_name == "libdevice" else ExternLibrary(lib_name, lib_path)
    disassembler = LLVMDisassembler(llvm_dis_path)
    disassembler.disasm(lib_path)
    library.parse_symbols(disassembler.ll_file)
    library.generate_stub_file(output_dir)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-llvm-dis", "--llvm-dis", dest="llvm_dis", default="llvm-dis", help="path of llvm-dis")
    parser.add_argument("--lib-path", required=True)
    parser.add_argument("--lib-name", required=True)
    parser.add_argument("--output", dest="output_dir", default=".")
    given = parser.parse_args(arguments)
    build(given.llvm_dis, given.lib_path, given.lib_name, given.output_dir)


if __name__ == "__main__":
    sys.exit(main())
