# interpreter.py - kernels run by the reference interpreter, every access checked
# SPDX-License-Identifier: Apache-2.0
"""With ``TESSERA_INTERPRET=1`` (or TRITON_INTERPRET=1) ``jit`` makes ``InterpretedFunction``s: a launch runs the kernel in the
reference interpreter, program after program, in this thread. An access outside of the tensors' memory raises
InterpreterError with the line of the kernel; ``device_print`` goes to ``sys.stdout``."""
from __future__ import annotations

import struct
import sys
from dataclasses import replace

from tessera import _tessera, knobs
from tessera.runtime.errors import InterpreterError
from tessera.runtime.jit import JITFunction

__all__ = ["InterpretedFunction", "InterpreterError", "interpreter_builder"]


def _memory_of(tensor, address):
    """(start, bytes) of the memory that belongs to a tensor, its other views included."""
    if hasattr(tensor, "base") and type(tensor).__name__ == "TensorWrapper":
        tensor = tensor.base
    if hasattr(tensor, "untyped_storage"):
        storage = tensor.untyped_storage()
        return storage.data_ptr(), storage.nbytes()
    root = tensor
    while getattr(root, "base", None) is not None and hasattr(root.base, "__array_interface__"):
        root = root.base
    interface = getattr(root, "__array_interface__", None)
    if interface is not None:
        start = interface["data"][0]
        return start, max(getattr(root, "nbytes", 0), 1)
    try:
        view = memoryview(tensor)
    except TypeError:
        # Nothing says how large it is: from the pointer to what its shape needs.
        size = getattr(tensor, "nbytes", None)
        if size is None:
            size = tensor.element_size() if hasattr(tensor, "element_size") else 8
            for extent in getattr(tensor, "shape", ()):
                size *= extent
        return address, size
    return address, view.nbytes


def _address(tensor):
    if hasattr(tensor, "data_ptr"):
        return tensor.data_ptr()
    if hasattr(tensor, "__array_interface__"):
        return tensor.__array_interface__["data"][0]
    return _tessera.address_of(tensor)


def _pointer(value):
    """A pointer argument as the interpreter takes it: with the memory that it may reach."""
    if value is None or isinstance(value, int):
        return True, value or 0, value or 0, 0
    address = _address(value)
    return True, address, *_memory_of(value, address)


_FLOATS = {"fp32": "<f", "fp64": "<d", "fp16": "<e"}


def _bits(value, ty):
    """The bits of a scalar argument."""
    if ty in _FLOATS:
        return int.from_bytes(struct.pack(_FLOATS[ty], float(value)), "little")
    if ty == "bf16":
        (word, ) = struct.unpack("<I", struct.pack("<f", float(value)))
        return (word + 0x7FFF + (word >> 16 & 1)) >> 16
    return int(value) & (1 << 64) - 1


def _as_host(value, copies):
    """A tensor of an accelerator, also that of a descriptor, as one of the host; it is copied back after the launch."""
    device = getattr(value, "device", None)
    kind = getattr(device, "type", device)
    if hasattr(value, "data_ptr") and hasattr(value, "cpu") and isinstance(kind, str) and kind.split(":")[0] not in ("cpu", "meta"):
        for original, copy in copies:
            if original is value:
                return copy
        copy = value.cpu()
        copies.append((value, copy))
        return copy
    if getattr(value, "__tessera_kind__", None) == "descriptor":
        base = _as_host(value.base, copies)
        return value if base is value.base else replace(value, base=base)
    if isinstance(value, tuple):
        items = [_as_host(item, copies) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value


class _Builder:
    """Triton's builder, whose methods the operations of a kernel call, for programs that name it."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotImplementedError(f"interpreter_builder.{name} belongs to Triton's own interpreter, which runs operations one by one in Python; "
                                  "the interpreter here is native code and runs whole programs")


interpreter_builder = _Builder()


class InterpretedFunction(JITFunction):
    """A kernel that the interpreter runs. It is launched as a JITFunction is; the launch returns None.

    Errors: InterpreterError for an access out of bounds, a failed ``device_assert`` and what else goes wrong while it runs;
    CompilationError for a kernel that is wrong.
    """

    def __getitem__(self, grid):
        return lambda *args, **kwargs: self.run(*args, grid=grid, warmup=False, **kwargs)

    def run(self, *args, grid, warmup=False, **kwargs):
        from tessera.compiler.compiler import ASTSource, compiler_options, make_backend, show_warnings
        from tessera.compiler.errors import parse_diagnostics
        from tessera.runtime.driver import driver
        for hook in self.pre_run_hooks:
            hook(*args, **kwargs)
        copies = []
        host_args = tuple(_as_host(a, copies) for a in args)
        bound, specialization, options = self._bind(*host_args, **{k: _as_host(v, copies) for k, v in kwargs.items()})
        backend = make_backend(driver.active.get_current_target())
        # Assertions of the kernel are always checked. Integers that wrap, as those of hashes do, are right outside of debug builds.
        asked = bool(kwargs.get("debug", self.debug) or knobs.runtime.debug)
        given = {"sanitize_overflow": asked, **options, "debug": True}
        parsed, signature, constexprs, attrs = self._pack_args(backend, given, bound, specialization, options)
        if warmup:
            return None
        if callable(grid):
            grid = grid(bound)
        grid = (grid, ) if isinstance(grid, int) else tuple(grid)
        if not 1 <= len(grid) <= 3:
            raise ValueError(f"a grid has one to three extents, not {len(grid)}")
        src = ASTSource(self, signature, constexprs, attrs)
        types = src.runtime_values(tuple(signature[name] for name in self.arg_names))
        values = []
        for value, ty in zip(src.runtime_values(tuple(bound.values())), types):
            if ty.startswith("tensordesc"):
                # What the kernel takes of it: the pointer, every extent, every stride but the last, which is 1.
                values.append(_pointer(value.base))
                values += [(False, _bits(number, "i64"), 0, 0) for number in (*value.shape, *value.strides[:-1])]
            elif ty.startswith("*"):
                values.append(_pointer(value))
            else:
                values.append((False, _bits(value, ty), 0, 0))
        status, rows, _, _, cause = _tessera.interpret(self, self.__name__, src.bindings(), compiler_options(parsed),
                                                       tuple(map(int, grid)) + (1, ) * (3 - len(grid)), values, sys.stdout.write)
        diagnostics = parse_diagnostics(rows)
        show_warnings(diagnostics)
        if status:
            raise self._failure(diagnostics, cause)
        for original, copy in copies:
            original.copy_(copy)
        return None

    @staticmethod
    def _failure(diagnostics, cause):
        from tessera.compiler.errors import compilation_error
        from tessera.runtime.jit import SOURCES
        running = [d for d in diagnostics if d.get("id", "").startswith("E06")]
        if not running:
            return compilation_error(diagnostics, SOURCES, cause)
        error = InterpreterError(running[0]["text"].rstrip())
        error.id, error.file, error.line = running[0].get("id"), running[0].get("file"), running[0].get("line")
        return error
