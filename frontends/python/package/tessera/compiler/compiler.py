# compiler.py - from a specialised function to a compiled kernel
# SPDX-License-Identifier: Apache-2.0
"""``compile(ASTSource(…))`` gives a ``CompiledKernel``. Finished kernels are kept on disk by the hash of everything that they
depend on, the compiler itself included."""
from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import sys
import threading
import warnings
from collections import namedtuple
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

from tessera import _tessera, knobs
from tessera.backends.compiler import BaseBackend, GPUTarget, Language
from tessera.compiler.errors import CompilationError, compilation_error, parse_diagnostics
from tessera.compiler.options import Options, compiler_options, parse_options, target_with, used_options
from tessera.runtime.driver import PLUGINS, DriverUtils, driver, target_text
from tessera.runtime.errors import OutOfResources

# Triton's names of stages onto the compiler's.
_STAGES = {"ttir": "tile", "ttgir": "layout", "llir": "llvm", "ptx": "asm", "amdgcn": "asm", "cubin": "obj",
           "hsaco": "artifact", "spv": "artifact"}
_TEXTS = {"tile", "layout", "llvm", "asm", "tbc"}
_STAGES_OF = {"cuda": ("ttir", "ttgir", "llir", "ptx", "cubin"), "hip": ("ttir", "ttgir", "llir", "amdgcn", "hsaco"),
              "spirv": ("ttir", "ttgir", "llir", "spv"), "mock": ("ttir", "ttgir", "bytecode", "artifact")}
_BINARY = {"cuda": "cubin", "hip": "hsaco", "spirv": "spv"}


class Backend(BaseBackend):
    """The compiler of a target, by the methods that programs call."""

    binary_ext = "artifact"

    def __init__(self, target):
        super().__init__(target)
        self.binary_ext = _BINARY.get(target.backend, "artifact")

    @staticmethod
    def supports_target(target):
        return isinstance(target, GPUTarget)

    def hash(self):
        return _tessera.digest((_tessera.plugin_build(target_text(self.target)), ))

    def parse_options(self, options):
        return parse_options(self.target, options)


def make_backend(target):
    """The Backend of a GPUTarget."""
    return Backend(target)


def triton_key():
    """A text that changes with the compiler."""
    return _tessera.plugin_build(target_text(driver.active.get_current_target()))


def get_cache_key(src, backend, options, env_vars=None):
    """What a compiled kernel depends on, as one text."""
    return f"{_tessera.__version__}-{src.hash()}-{backend.hash()}-{options.hash()}-{sorted((env_vars or {}).items())}"


_SpecializationProxy = namedtuple("SpecializationProxy", ["constants", "signature"])


class ASTSource:
    """A function with its specialisation.

    ``signature`` maps parameters to types ("*fp32", "i32", "constexpr", a tuple of these), ``constexprs`` parameters (names,
    numbers or paths into tuples) to values, ``attrs`` paths to facts: {(0,): [["tt.divisibility", 16]]}. What has a value is a constant,
    whatever type the signature gives.

    Errors: TypeError for a signature whose keys are not names.
    """

    language = Language.TRITON
    ext = "ttir"

    def __init__(self, fn, signature, constexprs=None, attrs=None):
        self.fn = fn
        self.signature = signature
        self.constants = {}
        for key, value in (constexprs or {}).items():
            path = (fn.arg_names.index(key), ) if isinstance(key, str) else (key, ) if isinstance(key, int) else key
            assert isinstance(path, tuple)
            self.constants[path] = value
        self.attrs = attrs or {}
        for name in signature:
            if not isinstance(name, str):
                raise TypeError("Signature keys must be string")
        fixed = {fn.arg_names[path[0]] for path in self.constants if len(path) == 1}
        self.signature = {name: "constexpr" if name in fixed and isinstance(ty, str) else ty for name, ty in signature.items()}
        self.name = self._name()
        self._picks = {}

    # Of the machine code, which tools show. What the ``repr`` option makes of the specialisation may hold anything; an assembler's names do not.
    def _name(self):
        if getattr(self.fn, "_repr", None) is None:
            return self.fn.__name__
        constants = {self.fn.arg_names[path[0]]: value for path, value in self.constants.items() if len(path) == 1}
        text = re.sub(r"[^A-Za-z0-9_$]", "_", self.fn.repr(_SpecializationProxy(constants, self.signature)))
        return text if text and not text[0].isdigit() else f"_{text}"

    def hash(self):

        def shown(value):
            if isinstance(value, tuple):
                return "(" + ",".join(shown(v) for v in value) + ")"
            return value.cache_key if hasattr(value, "cache_key") else f"{type(value).__name__}:{value}"

        types = [(name, str(ty)) for name, ty in sorted(self.signature.items())]
        constants = [(path, shown(value)) for path, value in sorted(self.constants.items())]
        text = f"{self.fn.cache_key}-{sorted(self.attrs.items())}-{types}-{constants}"
        return hashlib.sha256(text.encode()).hexdigest()

    def parse_options(self):
        return {}

    def make_ir(self, target, options, codegen_fns=None, module_map=None, context=None):
        """The function's IR for a target, a ``KernelIR``. Errors: CompilationError and its kinds."""
        from tessera.compiler._kernel_ir import KernelIR
        result = _run_compiler(self, target, options, "tile")
        parameters = [(name, ty) for name, ty in self.signature.items() if ty != "constexpr"]
        return KernelIR(self.name, parameters, result.outputs["tile"].decode(), result.facts["arguments"])

    # (name, type, has constant, constant, divisibility) for the compiler
    def bindings(self):
        rows = []
        for number, param in enumerate(self.fn.arg_names):
            ty = self.signature.get(param, "constexpr")
            path = (number, )
            if isinstance(ty, tuple):
                rows.append((param, self._tuple_text(ty, path), True, self._tuple_value(ty, path), 0))
            elif ty == "constexpr":
                if path in self.constants:
                    rows.append((param, "", True, self.constants[path], 0))
            else:
                rows.append((param, ty, False, None, self._divisibility(path)))
        return rows

    def _divisibility(self, path):
        for name, value in self.attrs.get(path, ()):
            if name == "tt.divisibility":
                return value
        return 0

    def _tuple_text(self, types, path):
        parts = []
        for index, ty in enumerate(types):
            at = path + (index, )
            if isinstance(ty, tuple):
                parts.append(self._tuple_text(ty, at))
            else:
                parts.append(ty + (":16" if ty != "constexpr" and self._divisibility(at) == 16 else ""))
        return "(" + ",".join(parts) + ")"

    def _tuple_value(self, types, path):
        values = [self._tuple_value(ty, path + (i, )) if isinstance(ty, tuple) else self.constants.get(path + (i, ))
                  for i, ty in enumerate(types)]
        return type(types)(*values) if hasattr(types, "_fields") else tuple(values)

    # Which of the arguments of a launch the kernel takes at run time, tuples flattened. Besides all parameters in order a
    # launch may give only those that are not declared constexpr, the form of Triton before 3.3 (its argument list says which).
    def runtime_values(self, args):
        pick = self._picks.get(len(args))
        return pick(args) if pick is not None else self._walk_values(args)

    # Compiled kernels are launched so all over a compiled PyTorch program: once seen, the values are picked by one call.
    def _remember_values(self, types):
        at = [i for i, ty in enumerate(types) if ty != "constexpr"]
        if len(at) > 1 and not any(isinstance(ty, tuple) for ty in types):
            self._picks[len(types)] = itemgetter(*at)

    def _walk_values(self, args):

        def walk(types, values, path, out):
            for index, (ty, value) in enumerate(zip(types, values)):
                if isinstance(ty, tuple):
                    walk(ty, value, path + (index, ), out)
                elif ty != "constexpr":
                    out.append(value)
            return out

        names = self.fn.arg_names
        if len(args) != len(names):
            names = [name for name, param in zip(names, self.fn.params) if not param.is_constexpr]
            if len(args) != len(names):
                raise TypeError(f"{self.name}: a launch of a compiled kernel takes all {len(self.fn.arg_names)} parameters in order, or the "
                                f"{len(names)} that are not constexpr; {len(args)} were given")
        types = [self.signature.get(name, "constexpr") for name in names]
        self._remember_values(types)
        return tuple(walk(types, args, (), []))


# Suffixes of files of tile IR: our own, MLIR's, and what programs call the dump of asm["ttir"].
_IR_SUFFIXES = ("tile", "mlir", "ttir")


def _tile_text(path):
    """The text of a file of tile IR. Errors: ValueError for another kind of file, FileNotFoundError."""
    suffix = Path(path).suffix[1:]
    if suffix not in _IR_SUFFIXES:
        raise ValueError(f"{path}: files of tile IR end in .tile, .mlir or .ttir; kernels cannot be compiled from '.{suffix}'")
    text = Path(path).read_text()
    if "tt.func" in text:
        raise ValueError(f"{path}: this is Triton's IR, of its dialect `tt`; tessera compiles its own tile IR, which "
                         'asm["ttir"] of a compiled kernel has')
    return text


class _TileFile:
    """A file of tile IR as the source that diagnostics show."""

    first_line, column_offset = 1, 0

    def __init__(self, path):
        self.path = str(path)
        self.text = _tile_text(path)

    def digest(self):
        return hashlib.sha256(self.text.encode()).hexdigest()


class IRSource:
    """A kernel given as tile IR in a file: what ``asm["ttir"]`` has and ``tessera compile --emit=tile`` prints. The file ends in
    ``.tile``, ``.mlir`` or ``.ttir``; options that its module names (num_warps, …) are those of the kernel. All its parameters are
    given at a launch.

    Errors: ValueError for another kind of file, FileNotFoundError.
    """

    language = Language.TRITON

    def __init__(self, path, context=None, backend=None):
        self.file = _TileFile(path)
        self.path = self.file.path
        self.ext = Path(path).suffix[1:]
        self.src = self.file.text
        found = re.search(r"func\.func\s+(?:public\s+|private\s+)?@([\w.$-]+)\s*\(", self.src)
        self.name = found[1] if found else Path(path).stem
        self.fn = None

    def hash(self):
        return self.file.digest()

    def parse_options(self):
        facts = re.search(r"tile\.options\s*=\s*\{([^}]*)\}", self.src)
        return {name: int(value) for name, value in re.findall(r"(num_warps|num_stages|num_ctas)\s*=\s*(\d+)", facts[1])} if facts else {}

    def make_ir(self, target, options, codegen_fns=None, module_map=None, context=None):
        """The file's IR as a ``KernelIR``, as the compiler reads it for a target. Errors: CompilationError and its kinds."""
        from tessera.compiler._kernel_ir import KernelIR
        result = _run_compiler(self, target, options, "tile,artifact")  # what is known of arguments comes with the latter
        rows = result.facts["arguments"]
        return KernelIR(self.name, [(row[0], None) for row in rows], result.outputs["tile"].decode(), rows)

    def runtime_values(self, args):
        return tuple(args)


class LazyDict:
    """Metadata of a launch that is computed when a hook asks for it."""

    def __init__(self, data):
        self.data = data
        self.extras = []

    def get(self):
        for function, args in self.extras:
            self.data = self.data | function(*args)
        self.extras.clear()
        return self.data

    def add(self, function, args):
        self.extras.append((function, args))

    def __getitem__(self, name):
        return self.get()[name]


class AsmDict(dict):
    """Stages of a compiled kernel by name; each is made when it is first asked for.

    ``source`` is the function's text, ``ttir`` the tile IR, ``ttgir`` the IR with layouts (of
    a target without them, the tile IR again), ``llir`` LLVM IR; then what the
    target has (``ptx``, ``cubin``, …: what the vendor's tools read; ``sass``: what its ``cuobjdump`` shows), ``asm`` and ``artifact``, our kernel file. Our own names (``tile``, ``layout``, ``llvm``, ``bytecode``,
    ``obj``) work too. Errors: KeyError for what the target does not have.
    """

    def __init__(self, src, target, options, artifact, known):
        super().__init__()
        self._of = (src, target, options, artifact)
        self._known = tuple(dict.fromkeys(known))

    # With the stages that are made; the others can still be where the function's source came along.
    def __reduce__(self):
        return AsmDict, (*self._of, self._known), None, None, iter(list(dict.items(self)))

    def __missing__(self, name):
        value = self._made(name)
        if value is None:
            raise KeyError(f"Unknown key: '{name}'; there are: {', '.join(self._known)}")
        self[name] = value
        return value

    def __contains__(self, name):
        return dict.__contains__(self, name) or name in self._known

    def keys(self):
        return {name: None for name in (*self._known, *super().keys())}.keys()

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def _made(self, name):
        src, target, options, artifact = self._of
        if name == "source":
            return src.fn.src if src.fn is not None else src.src
        if name == "sass" and target.backend == "cuda":
            from tessera.tools.disasm import get_sass
            return get_sass(self["cubin"])
        stage = _STAGES.get(name, name)
        if stage == "artifact":
            return artifact
        if stage not in (*_TEXTS, "bytecode", "obj"):
            return None
        # A target that takes kernels without layouts has none: its last IR is the tile IR.
        wanted = "tile,layout" if stage == "layout" else stage
        if src.fn is not None and src.fn.fn is None:
            raise RuntimeError(f"asm[{name!r}] of {src.name} cannot be made: its function was taken off by who pickled the kernel")
        outputs = _run_compiler(src, target, options, wanted, again=True).outputs
        found = outputs.get(stage) or (outputs.get("tile") if stage == "layout" else None)
        if name == "cubin" and found is None:
            return artifact  # without an assembler the kernel file holds PTX
        return found.decode() if found is not None and stage in _TEXTS else found

    def get(self, name, default=None):
        try:
            return self[name]
        except KeyError:
            return default

    def items(self):
        return [(name, self[name]) for name in self.keys()]

    def values(self):
        return [self[name] for name in self.keys()]


class DirectLauncher:
    """Launches a compiled kernel with Triton's long argument list."""

    def __init__(self, src, metadata):
        self.src = src
        self.metadata = metadata

    def __call__(self, grid_0, grid_1, grid_2, stream, function, packed_metadata, launch_metadata, enter_hook, exit_hook, *args):
        if enter_hook is not None:
            enter_hook(launch_metadata)
        _tessera.launch(function, (grid_0, grid_1, grid_2), stream or None, self.src.runtime_values(args))
        if exit_hook is not None:
            exit_hook(launch_metadata)


@lru_cache
def _metadata_class(fields):

    class KernelMetadata(namedtuple("KernelMetadata", fields)):
        __slots__ = ()

        def __reduce__(self):
            return _metadata, (self._asdict(), )

    return KernelMetadata


def _metadata(facts):
    return _metadata_class(tuple(sorted(facts)))(**facts)


class _Loaded(dict):
    """A kernel on devices, id(device) -> (device, kernel). Copies and pickles of a kernel are loaded nowhere yet."""

    def __reduce__(self):
        return _Loaded, ()


def _hook(hook):
    return None if hook is None or getattr(hook, "calls", True) == [] else hook


class CompiledKernel:
    """A kernel, compiled for one target and one specialisation.

    ``asm`` has its stages, ``metadata`` its facts (name, hash, target, shared, num_warps, …), ``kernel`` its bytes;
    ``n_regs``, ``n_spills`` (bytes) and ``n_max_threads`` are known once it is loaded. ``compiled[grid](*args)`` launches it: all
    parameters in order, constexprs too, or all but these.
    """

    def __init__(self, src, target, options, hash, artifact, facts):
        self.src = src
        self.hash = hash
        self.name = facts["name"]
        self._options = options
        self._target = target
        self._facts = facts
        metadata = {**vars(options), "name": self.name, "hash": hash, "target": target, "shared": self.shared,
                    "tmem_size": 0, "global_scratch_size": facts["scratch"], "global_scratch_align": 1,
                    "profile_scratch_size": 0, "profile_scratch_align": 1, "tensordesc_meta": [],
                    "threads_per_warp": target.warp_size or 1, "triton_version": "3.6.0"}
        self.metadata = _metadata(metadata)
        self.packed_metadata = (options.num_warps, options.num_ctas, self.metadata.shared)
        self.metadata_group = {}
        self.kernel = artifact
        backend = make_backend(target)
        self.asm = AsmDict(src, target, options, artifact,
                           ("source", *_STAGES_OF.get(target.backend, ("ttir", "ttgir", "llir", "asm", "artifact"))))
        if _STAGES.get(backend.binary_ext, "artifact") == "artifact":
            dict.__setitem__(self.asm, backend.binary_ext, artifact)
        self.module = None
        self.function = None
        self._loaded = _Loaded()
        self._run = None
        self.n_regs = max(facts["n_regs"], 1)
        self.n_spills = facts["n_spills"]
        self.n_max_threads = 1024

    def __getstate__(self):
        return {**self.__dict__, "module": None, "function": None, "_run": None}

    @property
    def shared(self):
        """Bytes of shared memory that a program needs. Where a target has none this is 1, not 0, as ``n_regs`` is: programs
        divide by both to find out how many programs fit a processor."""
        return self._facts["shared"] if self._target.backend != "cpu" else max(self._facts["shared"], 1)

    @property
    def arguments(self):
        """What the kernel takes at run time: (name, offset, size, kind, flags) each; flag 1: only read."""
        return self._facts["arguments"]

    @property
    def mutated_args(self):
        """Names of the pointer parameters that the kernel may write through; a leaf of a tuple as "name.0"."""
        return tuple(name for name, _, _, kind, flags in self._facts["arguments"] if kind == 2 and not flags & 1)

    # The kernel on a device; loads it there the first time. The launch path calls this once a specialisation.
    def _device_kernel(self, device):
        kernel = self._loaded.get(id(device))
        if kernel is not None:
            return kernel[1]
        limit = DriverUtils.properties_of(device)["max_shared_mem"] if not device.host_pointers else 0
        if limit and self._facts["shared"] > limit:
            raise OutOfResources(self._facts["shared"], limit, "shared memory")
        for hook in filter(None, (_hook(knobs.runtime.kernel_load_start_hook), )):
            hook(self.module, self.function, self.name, self.metadata_group, self.hash)
        module = _tessera.Module(device, self.kernel)
        kernels = module.kernels()
        kernel = next((k for k in kernels if k.name == self.name), kernels[0])
        self.module, self.function = module, kernel
        self.n_regs, self.n_spills = kernel.registers or self.n_regs, kernel.spills or self.n_spills
        self._loaded[id(device)] = (device, kernel)
        for hook in filter(None, (_hook(knobs.runtime.kernel_load_end_hook), )):
            hook(self.module, self.function, self.name, self.metadata_group, self.hash)
        return kernel

    def _init_handles(self):
        if self.module is None:
            self._device_kernel(self._own_device())

    def _own_device(self):
        """The active device, or where that is of another kind than the kernel's target (a program may work on several) one that fits."""
        plugin, device = PLUGINS.get(self._target.backend, self._target.backend), driver.active.device
        if device.plugin == plugin:
            return device
        from tessera.backends import backends
        return backends[plugin].driver().device if plugin in backends else device

    @property
    def run(self):
        if self._run is None:
            self._init_handles()
            self._run = DirectLauncher(self.src, self.metadata)
        return self._run

    def launch_metadata(self, grid, stream, *args):
        """What launch hooks get."""
        if _hook(knobs.runtime.launch_enter_hook) is None and _hook(knobs.runtime.launch_exit_hook) is None:
            return None
        self._init_handles()
        found = LazyDict({"name": self.name, "function": self.function, "stream": stream})
        if isinstance(self.src, ASTSource) and getattr(self.src.fn, "launch_metadata", None) is not None:
            found.add(self.src.fn.launch_metadata, (grid, self.metadata, dict(zip(self.src.fn.arg_names, args))))
        return found

    def __getitem__(self, grid):
        self._init_handles()

        def runner(*args, stream=None):
            if stream is None:
                stream = driver.active.get_current_stream(driver.active.get_current_device())
            sizes = (tuple(grid) + (1, 1))[:3]
            self.run(*sizes, stream, self.function, self.packed_metadata, self.launch_metadata(grid, stream, *args),
                     _hook(knobs.runtime.launch_enter_hook), _hook(knobs.runtime.launch_exit_hook), *args)

        return runner


_Result = namedtuple("_Result", "outputs facts warnings parts")


def _run_compiler(src, target, options, emits, again=False):
    """One run of the compiler. ``again``: the kernel was compiled before and has said what it says. Errors: CompilationError and its kinds."""
    from tessera.runtime.jit import SOURCES
    pairs = compiler_options(used_options(target, options, src.fn))
    here = knobs.compilation.in_process or emits == "tile"
    timeout = float(os.environ.get("TESSERA_COMPILE_TIMEOUT") or 0)
    file = _TileFile(options.ir_override) if options.ir_override else src.file if isinstance(src, IRSource) else None
    if file is not None:
        sources = {(file.path, 1): file}
        pairs.append(("file", file.path))
        status, rows, outputs, facts, cause = _tessera.lower(file.text.encode(), "", target_text(target), emits, pairs, here, timeout)
    else:
        sources = SOURCES
        if knobs.compilation.allow_non_constexpr_globals:
            pairs.append(("allow_non_constexpr_globals", "1"))
        status, rows, outputs, facts, cause = _tessera.compile(src.fn, src.name, src.bindings(), target_text(target), emits,
                                                               pairs, here, timeout)
    diagnostics = parse_diagnostics(rows)
    if not again:  # also ahead of an error: what a kernel prints tells what led to it
        show_warnings(diagnostics)
    if status:
        raise _failure(status, diagnostics, sources, cause)
    # The frontend and what follows it may be two runs, in two processes.
    parts = [(part, ns) for kind, _, data in outputs if kind == "timing" for part, ns in json.loads(data)]
    return _Result({kind: data for kind, _, data in outputs}, facts, diagnostics, parts)


def _failure(status, diagnostics, sources, cause):
    # Beside errors of the source: what the kernel asks for and its target cannot do.
    if status == 1 or any(d.get("id") == "E0405" and d.get("line") for d in diagnostics):
        error = compilation_error(diagnostics, sources, cause)
        return _out_of_resources(diagnostics, error) or error
    # 3: the compiler or a plugin is defective; 4: no such target or plugin; 5: the worker was killed.
    text = "\n".join(d["text"].rstrip() for d in diagnostics) or f"the compile ended with status {status} without saying why"
    return TimeoutError(text) if any(d.get("id") == "E0503" for d in diagnostics) else RuntimeError(text)


def _out_of_resources(diagnostics, cause):
    """The OutOfResources of a kernel that does not fit its target, with the place as its cause; else None."""
    for d in diagnostics:
        if threads := re.match(r"num_warps = \d+ needs (\d+) threads, target .* runs (\d+) in a block", d.get("message", "")):
            error = OutOfResources(int(threads[1]), int(threads[2]), "threads")
            error.__cause__ = cause
            return error
    found = next((d for d in diagnostics if d.get("id") == "E0501"), None)
    sizes = re.search(r"needs (\d+) bytes of (.+?), target .* has (\d+)", found["message"]) if found else None
    if not sizes:
        return None
    notes = (re.match(r"(\d+) bytes at offset \d+: (.*)", note.get("message", "")) for note in found.get("notes", []))
    error = OutOfResources(int(sizes[1]), int(sizes[3]), sizes[2], [(note[2], f"{note[1]} bytes") for note in notes if note])
    error.__cause__ = cause
    return error


def show_warnings(diagnostics):
    """Says what the dictionaries of ``parse_diagnostics`` hold besides errors: prints of ``static_print``, warnings."""
    import warnings
    for d in diagnostics:
        if d.get("id") == "W0903":  # what static_print prints
            print(d.get("message", ""))
        # An option of the kernel that does nothing here; what a vendor's assembler calls information, about candidates of a tuner as a rule.
        elif d.get("id") == "W0904" or re.search(r"^plugin \w+: \w+ info\b", d.get("message", "")):
            import logging
            logging.getLogger("tessera").info("%s:%s: %s", d.get("file") or "<kernel>", d.get("line") or 0, d.get("message", ""))
        elif d.get("severity") == "warning":
            warnings.warn_explicit(d.get("message", ""), UserWarning, d.get("file") or "<kernel>", d.get("line") or 0)


_in_work = {}  # key of an entry -> [lock, threads that hold or want it]
_in_work_lock = threading.RLock()


def _after_fork():
    # The threads that hold these locks are not in the child.
    global _in_work_lock
    _in_work_lock = threading.RLock()
    _in_work.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def _compiling(fields):
    """One thread at a time for one entry: the next one finds what the first has stored."""
    with _in_work_lock:
        row = _in_work.setdefault(fields, [threading.RLock(), 0])
        row[1] += 1
    try:
        with row[0]:
            yield
    finally:
        with _in_work_lock:
            row[1] -= 1
            if not row[1]:
                del _in_work[fields]


def _pack(artifact, facts):
    header = json.dumps(facts).encode()
    return struct.pack("<I", len(header)) + header + artifact


def _unpack(entry):
    (n, ) = struct.unpack_from("<I", entry)
    return entry[4 + n:], json.loads(entry[4:4 + n])


def compile(src, target=None, options=None, _env_vars=None):
    """Compiles ``src``, an ASTSource or the path of a file of tile IR, for ``target`` (None: the current device's).

    ``options`` is a dictionary of launch options. ``ir_override``: the path of a file of tile IR that is compiled in the place
    of the source (whose signature a launch still uses). ``extern_libs``: {name: path of bitcode}, for ``extern_elementwise``.
    Errors: CompilationError and its kinds for a kernel that is wrong, also one that asks for what the target cannot do;
    RuntimeError for a target that is not available, FileNotFoundError and ValueError for a file of IR that is none.
    """
    if target is None:
        target = driver.active.get_current_target()
    assert isinstance(target, GPUTarget), "target must be of GPUTarget type"
    if not isinstance(src, (ASTSource, IRSource)):
        assert isinstance(src, (str, Path)), "source must be either AST or a filepath"
        src = IRSource(src)
    for param in getattr(src.fn, "params", ()):
        if param.is_constexpr and (param.do_not_specialize or param.do_not_specialize_on_alignment):
            raise CompilationError(src.fn.src, None, f"{param.name} marked as constexpr and listed in do_not_specialize/"
                                   "do_not_specialize_on_alignment. Remove constexpr designation to skip specialization.")
    chosen = {**(options or {}), **src.parse_options()}
    if knobs.compilation.override:
        replaced = Path(knobs.cache.override_dir) / src.hash() / f"{src.name}.ttir"
        if replaced.is_file():
            chosen["ir_override"] = str(replaced)
    parsed = make_backend(target).parse_options(chosen)
    target = target_with(target, parsed)
    # Options without a meaning on the target are no part of the entry's key: tuning tries many of them.
    fields = ("tessera python kernel 1", _tessera.plugin_build(target_text(target)), src.hash(), src.name, target_text(target),
              repr(used_options(target, parsed, src.fn)), str(knobs.compilation.allow_non_constexpr_globals), *_file_digests(parsed))
    hash = _tessera.digest((*fields, repr(parsed)))
    listener = knobs.compilation.listener
    times = _Times() if listener else None
    directory = str(knobs.cache.dir)
    with _compiling(fields):
        entry = None if knobs.compilation.always_compile else _tessera.cache_find(directory, fields)
        if times:
            times.lap()
        if entry is not None:
            artifact, facts = _unpack(entry)
        else:
            result = _run_compiler(src, target, parsed, "artifact,timing" if times else "artifact")
            artifact, facts = result.outputs.get("artifact"), result.facts
            if artifact is None:
                raise CompilationError(None, None, f"target {target_text(target)} gives no artifact")
            if times:
                times.lap()
                times.parts = result.parts
            if not _tessera.cache_store(directory, fields, _pack(artifact, facts)):
                _warn_cache(directory)
    kernel = CompiledKernel(src, target, parsed, hash, artifact, facts)
    if knobs.compilation.dump_ir:
        _dump(kernel, Path(knobs.cache.dump_dir) / src.hash())
    if listener:
        listener(src=src, metadata=kernel.metadata._asdict(), metadata_group={}, times=times.end(target), cache_hit=entry is not None)
    return kernel


def _dump(kernel, folder):
    """Writes the kernel's stages to FOLDER/NAME.STAGE, as TRITON_KERNEL_DUMP asks for. What cannot be written is a warning."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stage in kernel.asm:
            try:
                value = kernel.asm[stage]
            except KeyError:  # the target makes no such stage of this kernel
                continue
            (folder / f"{kernel.name}.{stage}").write_bytes(value if isinstance(value, bytes) else value.encode())
    except OSError as error:
        warnings.warn(f"TRITON_KERNEL_DUMP: {error}", stacklevel=3)


def _file_digests(options):
    """What the files that options name contain. Errors: FileNotFoundError."""
    if options.ir_override:
        yield _TileFile(options.ir_override).digest()
    # libdevice may be missing: few kernels need it.
    own = [options.libdevice_path] if options.libdevice_path and Path(options.libdevice_path).is_file() else []
    for path in [*(path for _, path in options.linked_libraries()), *own]:
        if path:
            yield hashlib.sha256(Path(path).read_bytes()).hexdigest()


class _Times:
    """How long a compile took, for listeners: up to the compiler's start, the compiler and its parts, and keeping the result."""

    def __init__(self):
        import time
        self._now = time.perf_counter
        self._marks = [self._now()]
        self.parts = []

    def lap(self):
        self._marks.append(self._now())

    def end(self, target):
        self.lap()
        laps = [1e6 * (b - a) for a, b in zip(self._marks, self._marks[1:])]
        if len(laps) == 2:  # it was in the cache
            return knobs.CompileTimes(max(int(sum(laps)), 1), [], 0)
        before, compiling, storing = laps
        names = _part_names(target, {part for part, _ in self.parts})
        spent = {}
        for part, ns in self.parts:
            spent[names[part]] = spent.get(names[part], 0) + ns / 1e3
        # What is left of the call: on the way to the worker process and back, waiting for a processor, or for the worker's start.
        spent["worker"] = compiling - sum(spent.values())
        frontend = spent.pop("frontend", 0)
        return knobs.CompileTimes(max(int(before + frontend), 1), [(name, int(us)) for name, us in spent.items() if int(us) > 0],
                                  max(int(storing), 1))


def _part_names(target, parts):
    """The compiler's parts by Triton's names of the stages that they make, where it has one."""
    binary = _BINARY.get(target.backend, "artifact")
    text = next((name for name in _STAGES_OF.get(target.backend, ()) if _STAGES.get(name) == "asm"), "asm")
    rest = "llir" if "llvm" in parts else binary  # of a plugin: mostly reading and checking
    return {"frontend": "frontend", "target": "target", "tile": "ttir", "layout": "ttgir", "bytecode": rest, "compile": rest,
            "llvm": "llir", "asm": text, "obj": binary}


_warned = set()


def _warn_cache(directory):
    if directory and directory not in _warned:
        _warned.add(directory)
        import warnings
        warnings.warn(f"compiled kernels cannot be kept in {directory}: is it full, or read-only? They are compiled again by the next "
                      "process", RuntimeWarning, stacklevel=3)
