# jit.py - functions that are kernels: the decorator, what it makes, how a launch is specialised
# SPDX-License-Identifier: Apache-2.0
"""``@jit`` makes a ``JITFunction``. ``kernel[grid](…)`` is bound, keyed, looked up and launched in C (``_tessera.Launcher``);
this file has what happens when a specialisation is new, and what programs ask of a kernel."""
from __future__ import annotations

import inspect
import sys
import threading
import weakref
from collections import namedtuple
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property

from tessera import _tessera, knobs
from tessera._types_of_arguments import type_canonicalisation_dict
from tessera.runtime import source as _source
from tessera.runtime.driver import driver
from tessera.runtime.source import DependenciesFinder
from tessera.runtime.tensors import MockTensor, TensorWrapper, is_read_only, reinterpret
from tessera.language._function import BoundConstexprFunction, ConstexprFunction, constexpr_function, must_use_result

TRITON_MODULE = "triton.language"
_CANONICAL = frozenset(type_canonicalisation_dict.values())
_EMPTY = inspect.Parameter.empty


def _normalize_ty(annotation):
    """The spelling of an annotation in signatures: "i32", "*fp32", "*kfp16"; other annotations as their text."""
    if isinstance(annotation, str):
        text = annotation.strip()
        if text.startswith("const "):
            inner = _normalize_ty(text[len("const "):])
            return "*k" + inner[1:]
        if text.endswith("*"):
            return "*" + _normalize_ty(text[:-1])
        if text.startswith("*"):
            return "*" + _normalize_ty(text[1:])
        if text.startswith("tl."):
            return _normalize_ty(text[len("tl."):])
        name = text
    elif getattr(annotation, "__tessera_kind__", None) == "dtype" and not isinstance(annotation, type):
        if annotation.is_ptr():
            return "*" + _normalize_ty(annotation.element_ty)
        name = annotation.name
    elif isinstance(annotation, type):
        name = annotation.__name__
    else:
        name = str(annotation)
    return type_canonicalisation_dict.get(name.replace("_t", ""), name)


class KernelParam:
    """A parameter of a kernel: its name, number, annotation and how it is specialised."""

    def __init__(self, num, param, do_not_specialize, do_not_specialize_on_alignment):
        self.num = num
        self._param = param
        self.do_not_specialize = do_not_specialize
        self.do_not_specialize_on_alignment = do_not_specialize_on_alignment

    @cached_property
    def name(self):
        return self._param.name

    @cached_property
    def annotation(self):
        annotation = self._param.annotation
        return "" if annotation is _EMPTY or annotation is None or annotation == "" else _normalize_ty(annotation)

    @cached_property
    def annotation_type(self):
        """The type that the annotation forces on the argument, or ""."""
        element = self.annotation
        element = element[2:] if element.startswith("*k") else element.removeprefix("*")
        return self.annotation if element in _CANONICAL else ""

    @cached_property
    def is_constexpr(self):
        return "constexpr" in self.annotation

    @cached_property
    def is_const(self):
        return not self.is_constexpr and ("const" in self.annotation or self.annotation.startswith("*k"))

    @property
    def default(self):
        return self._param.default

    @property
    def has_default(self):
        return self._param.default is not _EMPTY


class KernelInterface:
    """What can be launched: ``thing[grid](…)``, ``thing.run(…, grid=, warmup=)``, ``thing.warmup(…, grid=)``."""

    def __class_getitem__(cls, item):
        return cls

    def warmup(self, *args, grid, **kwargs):
        """Compiles for these arguments and launches nothing; dtypes may stand for tensors. Gives the compiled kernel."""
        return self.run(*map(MockTensor.wrap_dtype, args), grid=grid, warmup=True, **kwargs)

    def run(self, *args, grid, warmup, **kwargs):
        raise NotImplementedError("run not implemented")

    def __getitem__(self, grid):
        return lambda *args, **kwargs: self.run(*args, grid=grid, warmup=False, **kwargs)


@dataclass
class JitFunctionInfo:
    """What hooks are told about a function."""
    module: object
    name: str
    jit_function: object


def convert_to_tuple_if_list(item):
    """Lists as tuples, all the way down."""
    return tuple(convert_to_tuple_if_list(x) for x in item) if isinstance(item, list) else item


def get_full_name(fn):
    return f"{fn.__module__}.{fn.__qualname__}"


class JITCallable:
    """A Python function whose source the compiler reads."""

    def __init__(self, fn):
        self.fn = fn
        self.signature = inspect.signature(fn)
        self.source = _source.FunctionSource(fn)
        self.raw_src = self.source.raw
        self.starting_line_number = self.source.starting_line
        self._src = self.source.text
        self._fn_name = get_full_name(fn)
        self._hash_lock = threading.RLock()
        self._hash = None
        # (name, id of the namespace) -> (value when it was first used, namespace)
        self.used_global_vals = {}
        self._asked_options = frozenset()
        self.__doc__ = fn.__doc__
        self.__name__ = fn.__name__
        self.__qualname__ = fn.__qualname__
        self.__globals__ = fn.__globals__
        self.__module__ = fn.__module__

    def get_capture_scope(self):
        """Everything that names in the function may stand for."""
        return self.__globals__ | inspect.getclosurevars(self.fn).nonlocals

    def _changed(self):
        """The source is another than it was."""

    @property
    def hash(self):
        return self._hash

    @hash.setter
    def hash(self, value):
        self._hash = value
        if value is None:
            self._changed()

    @property
    def cache_key(self):
        """A hash of the function's source, its line, the functions that it calls and the constexpr globals that it uses.

        Errors: RuntimeError for a plain Python function among the globals that it uses.
        """
        # Inductor takes the lock off before it pickles a function whose key is known.
        with self._hash_lock or nullcontext():
            if self._hash is None:
                # Stands in for the key while a function that calls itself is visited.
                self._hash = f"recursion:{self._fn_name}"
                try:
                    self._hash, self.used_global_vals, self._asked_options = _source.analyse(self)
                except BaseException:
                    self._hash = None
                    raise
                self._note_globals()
            return self._hash

    @property
    def asked_options(self):
        """Names of the launch options whose values the source asks for, ``num_warps`` by ``tl.extra.cuda.num_threads()``.

        Errors: as of ``cache_key``.
        """
        self.cache_key
        return self._asked_options

    def _note_globals(self):
        """The globals are known."""

    def __hash__(self):
        return hash(self.cache_key)

    def parse(self):
        """The tree of the source, as ``ast`` gives it."""
        import ast
        tree = _source.parse(self._src)
        assert len(tree.body) == 1 and isinstance(tree.body[0], ast.FunctionDef)
        return tree

    @property
    def type(self):
        from tessera.language.core import constexpr_type
        return constexpr_type(self)

    def _unsafe_update_src(self, new_src):
        """Replaces the source. Whoever calls this function must have its own ``hash`` set to None."""
        self._src = new_src
        self.hash = None

    @property
    def src(self):
        return self._src

    @src.setter
    def src(self, _):
        raise AttributeError("Cannot set attribute 'src' directly. Use '_unsafe_update_src()' and manually clear `.hash` of all "
                             "callers instead.")

    # ---- what the compiler asks (frontends/python/extension/Host.cpp) ----

    def _host_source(self):
        parameters = self.signature.parameters.values()
        keyword_only = [(p.default is not _EMPTY, None if p.default is _EMPTY else p.default)
                        for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
        s = self.source
        SOURCES[(s.file, s.first_line)] = self
        return (self.__name__, s.file, self._src, s.first_line, s.column_offset, int(bool(getattr(self, "noinline", False))),
                self.fn.__defaults__ or (), keyword_only, f"{s.file}:{s.first_line}:{hash(self._src)}")

    def _host_global(self, name):
        if self.fn.__closure__ and name in self.fn.__code__.co_freevars:
            cell = self.fn.__closure__[self.fn.__code__.co_freevars.index(name)]
            try:
                return cell.cell_contents, False
            except ValueError:  # not assigned yet
                return None
        return (self.__globals__[name], False) if name in self.__globals__ else None

    def _host_names(self):
        return [*self.fn.__code__.co_freevars, *self.__globals__]

    # What compilation errors need of a source.
    @property
    def text(self):
        return self._src

    @property
    def first_line(self):
        return self.source.first_line

    @property
    def column_offset(self):
        return self.source.column_offset


# (file, first line) -> the function that was read there last.
SOURCES = weakref.WeakValueDictionary()

DeviceCache = namedtuple("DeviceCache", "kernels keys target backend binder")


class _KernelCache(dict):
    """Compiled kernels by key. What a program takes out is no longer launched either."""

    def __init__(self, owner):
        super().__init__()
        self._owner = weakref.ref(owner)

    def _changed(self):
        owner = self._owner()
        if owner is not None:
            owner._forget()

    def clear(self):
        super().clear()
        self._changed()

    def pop(self, *args):
        self._changed()
        return super().pop(*args)

    def popitem(self):
        self._changed()
        return super().popitem()

    def __delitem__(self, key):
        super().__delitem__(key)
        self._changed()

    def __setitem__(self, key, value):
        if key in self:
            self._changed()
        super().__setitem__(key, value)


class _DeviceCaches(_KernelCache):
    """Per device of the active driver, by number: (kernels, keys, target, backend, binder)."""

    @staticmethod
    def _key(device):
        # torch.cpu.current_device() is "cpu".
        if isinstance(device, str):
            device = int(device.partition(":")[2] or 0)
        # Drivers that a program chose have devices of the same numbers. The key holds the driver itself: by its id alone, a
        # driver that is made after this one is gone could find kernels of another target.
        return device if not isinstance(device, int) or driver.active is driver.default else (driver.active, device)

    def __getitem__(self, device):
        key = self._key(device)
        value = self.get(key)
        if value is None:
            value = self._owner().create_binder()
            dict.__setitem__(self, key, value)
        return value

    def __contains__(self, device):
        return dict.__contains__(self, self._key(device))


def compute_cache_key(kernel_key_cache, specialization, options):
    """The text under which a specialisation's kernel is kept: functions count by their source."""

    def plain(item):
        if isinstance(item, JITCallable):
            return item.cache_key
        if isinstance(item, tuple) and hasattr(item, "_fields"):
            return type(item)(*(plain(x) for x in item))
        if isinstance(item, (list, tuple)):
            return type(item)(plain(x) for x in item)
        return item

    return str(plain(list(specialization))) + str(options)


def _paths(values, matches, at=()):
    """Paths, as tuples of indices, of the leaves for which ``matches`` holds."""
    found = []
    for index, value in enumerate(values):
        path = at + (index, )
        if isinstance(value, tuple):
            found += _paths(value, matches, path)
        elif matches(value):
            found.append(path)
    return found


def _at(values, path):
    for index in path:
        values = values[index]
    return values


class JITFunction(_tessera.Launcher, JITCallable, KernelInterface):
    """A kernel, or a function that kernels call.

    ``kernel[grid](*args, **kwargs)`` launches: the grid is an int, a tuple or list of up to three, or a callable that gets
    the arguments by name and gives one. Tensors are objects with ``data_ptr()`` and ``dtype``, with DLPack,
    ``__cuda_array_interface__`` or the buffer protocol. Keywords that are no parameters are options (num_warps, num_stages,
    …). The result is the CompiledKernel.

    Errors: TypeError for missing, superfluous or unsupported arguments, KeyError for unknown keywords, ValueError for tensors
    that live elsewhere than the kernel runs, OverflowError for ints beyond 64 bits, CompilationError, RuntimeError for a
    global that changed after it was compiled in.
    """

    def __init__(self, fn, version=None, do_not_specialize=None, do_not_specialize_on_alignment=None, debug=None,
                 noinline=None, repr=None, launch_metadata=None):
        JITCallable.__init__(self, fn)
        self.module = fn.__module__
        self.version = version
        self.do_not_specialize = do_not_specialize or []
        self.do_not_specialize_on_alignment = do_not_specialize_on_alignment or []
        self._repr = repr
        self.launch_metadata = launch_metadata
        self.params = []
        self.variadic = ""
        for number, param in enumerate(self.signature.parameters.values()):
            if param.kind in (param.VAR_POSITIONAL, param.VAR_KEYWORD):
                self.variadic = ("*" if param.kind is param.VAR_POSITIONAL else "**") + param.name
                continue
            plain = number in self.do_not_specialize or param.name in self.do_not_specialize
            unaligned = number in self.do_not_specialize_on_alignment or param.name in self.do_not_specialize_on_alignment
            self.params.append(KernelParam(number, param, plain, unaligned))
        self.device_caches = _DeviceCaches(self)
        self.kernel = None
        self.debug = debug
        self.noinline = noinline
        self.arg_names = [p.name for p in self.params]
        self.constexprs = [p.num for p in self.params if p.is_constexpr]
        self._configure_launcher()

    def _configure_launcher(self):
        self._configure([(p.name, p.has_default, p.default if p.has_default else None, p.is_constexpr, p.is_const,
                          p.do_not_specialize, p.do_not_specialize_on_alignment, p.annotation_type) for p in self.params])
        if self.variadic:
            self._set_variadic(self.variadic)

    def is_gluon(self):
        return False

    def repr(self, specialization):
        """The kernel's name, for tools: what the ``repr`` option made of the specialisation, or the function's own."""
        return self._fn_name if self._repr is None else self._repr(specialization)

    def add_pre_run_hook(self, hook):
        """Calls ``hook(*args, **kwargs)`` before every launch with the arguments of the launch."""
        assert callable(hook)
        self.pre_run_hooks.append(hook)

    def create_binder(self):
        """The caches of a device, and what turns arguments into (arguments by name, specialisation, options)."""
        from tessera.compiler.compiler import ASTSource, CompiledKernel, compile, make_backend
        target = driver.active.get_current_target()
        self.CompiledKernel = CompiledKernel
        self.compile = compile
        self.ASTSource = ASTSource
        return DeviceCache(_KernelCache(self), {}, target, make_backend(target), self._bind)

    def _changed(self):
        self._forget()

    def _note_globals(self):
        rows = []
        for (name, _), (value, namespace) in self.used_global_vals.items():
            current = namespace.get(name)
            if current is value:
                rows.append((name, namespace, value, None, None))
            else:
                # A copy was made of what may change; a constexpr is the same as long as it holds the same plain object.
                inner = getattr(current, "value", None) if isinstance(current, _source.constexpr_class()) else None
                rows.append((name, namespace, current, value, inner if _source.is_unchanging(inner) else None))
        self._set_globals(rows)

    # Called by the launcher for a specialisation that it does not know.
    def _resolve(self, device, bound, specialization, options, warmup):
        kwargs = dict(options)
        kwargs["debug"] = bool(kwargs.get("debug", self.debug) or knobs.runtime.debug)
        kwargs["instrumentation_mode"] = knobs.compilation.instrumentation_mode
        index = driver.active.get_current_device()
        cache = self.device_caches[index]
        key = compute_cache_key(cache[1], specialization, kwargs)
        kernel = cache[0].get(key)
        if kernel is None:
            packed = self._pack_args(cache[3], kwargs, bound, specialization, options)
            parsed, signature, constexprs, attrs = packed
            kernel = self._do_compile(key, signature, index, constexprs, parsed, attrs, warmup)
        if not warmup:
            self._refuse_read_only(kernel, bound)
        return kernel

    # Whether memory is read-only is part of the launcher's key: a launch that has passed here is not asked again.
    def _refuse_read_only(self, kernel, bound):
        for name in getattr(kernel, "mutated_args", ()):
            value, *path = (part if i else bound.get(part) for i, part in enumerate(name.split(".")))
            for part in path:
                if not isinstance(value, tuple):
                    break
                value = value[int(part)] if part.isdigit() else getattr(value, part)
            if is_read_only(value):
                raise ValueError(f"{self.__name__} writes through {name}, and the memory that was given for it is read-only")

    def _pack_args(self, backend, kwargs, bound_args, specialization, options):
        """(options, signature, constexprs, attributes) of a specialisation.

        Errors: KeyError for a keyword that is neither a parameter nor an option.
        """
        for name, instead in (("device_type", "target"), ("device", "device"), ("stream", "stream")):
            assert name not in kwargs, f"{name} option is deprecated; current {instead} will be used"
        parsed = backend.parse_options(kwargs)
        names = {p.name for p in self.params}
        for name in kwargs:
            if name not in vars(parsed) and name not in names:
                raise KeyError(f"Keyword argument {name} was specified but unrecognised")
        types = [row[0] for row in specialization]
        signature = dict(zip(self.arg_names, types))
        values = list(bound_args.values())
        constexprs = {path: _at(values, path) for path in _paths(types, lambda ty: ty == "constexpr")}
        keys = [row[1] for row in specialization]
        attrs = {path: backend.parse_attr(_at(keys, path))
                 for path in _paths(keys, lambda key: isinstance(key, str))
                 if _at(types, path) != "constexpr"}
        return parsed, signature, constexprs, attrs

    def _call_hook(self, hook, key, signature, device, constants, options, configs, is_warmup):
        if not hook:
            return None
        shown = ", ".join(f"{p.name}: {ty}" for p, ty in zip(self.params, signature.values()))
        text = (f"{self.fn.__qualname__}[num_warps={options.num_warps}, num_ctas={options.num_ctas}, "
                f"num_stages={options.num_stages}, enable_fp_fusion={options.enable_fp_fusion}, "
                f"launch_cooperative_grid={options.launch_cooperative_grid}]({shown})")
        data = serialize_specialization_data(self._fn_name, signature, constants, configs[0], options, key)
        compile = {"key": key, "signature": signature, "device": device, "constants": constants,
                   "num_warps": options.num_warps, "num_ctas": options.num_ctas, "num_stages": options.num_stages,
                   "enable_fp_fusion": options.enable_fp_fusion,
                   "launch_cooperative_grid": options.launch_cooperative_grid, "extern_libs": options.extern_libs,
                   "configs": configs, "specialization_data": data, "is_warmup": is_warmup}
        return hook(key=key, repr=text, fn=JitFunctionInfo(self.fn.__module__, self.fn.__qualname__, self), compile=compile,
                    is_manual_warmup=is_warmup, already_compiled=False)

    def _do_compile(self, key, signature, device, constexprs, options, attrs, warmup):
        cache = self.device_caches[device]
        kernels, target = cache[0], cache[2]
        if self._call_hook(knobs.runtime.jit_cache_hook, key, signature, device, constexprs, options, [attrs], warmup):
            return None
        src = self.ASTSource(self, signature, constexprs, attrs)

        def keep(kernel):
            dict.__setitem__(kernels, key, kernel)
            self._call_hook(knobs.runtime.jit_post_compile_hook, key, signature, device, constexprs, options, [attrs], warmup)

        asynchronous = sys.modules.get("tessera.runtime._async_compile")
        mode = asynchronous.active_mode.get() if asynchronous is not None else None
        if mode is not None:
            from tessera.compiler.compiler import get_cache_key
            return mode.submit(get_cache_key(src, cache[3], options, {}),
                               lambda: self.compile(src, target=target, options=vars(options)), keep)
        kernel = self.compile(src, target=target, options=vars(options))
        keep(kernel)
        return kernel

    def warmup(self, *args, grid, **kwargs):
        """Compiles for these arguments and launches nothing. A dtype of torch stands for a tensor, and one of
        ``tessera.language`` where the parameter is no constexpr. Gives the compiled kernel."""

        def tensor(value, param):
            if param is not None and not param.is_constexpr and getattr(value, "__tessera_kind__", None) == "dtype":
                return MockTensor(value)
            return MockTensor.wrap_dtype(value)

        named = {p.name: p for p in self.params}
        args = [tensor(value, self.params[i] if i < len(self.params) else None) for i, value in enumerate(args)]
        kwargs = {name: tensor(value, named.get(name)) for name, value in kwargs.items()}
        return self.run(*args, grid=grid, warmup=True, **kwargs)

    def preload(self, specialization_data):
        """Compiles what ``specialization_data`` describes (hooks get it), as ``warmup`` does.

        Errors: RuntimeError where it is of another function.
        """
        import json
        from tessera.language import constexpr, dtype
        given = json.loads(specialization_data)
        if given["name"] != self._fn_name:
            raise RuntimeError(f"Specialization data is for {given['name']} but trying to preload for {self._fn_name}")

        def constant(value):
            if isinstance(value, str) and dtype.is_dtype(value):
                return dtype(value)
            if isinstance(value, dict) and "constexpr" in value:
                return constexpr(value["constexpr"])
            if isinstance(value, dict) and "jit_function" in value:
                module, name = value["jit_function"].rsplit(":", 1)
                return _by_name(module, name)
            return value

        constexprs = {tuple(k): constant(v) for k, v in zip(given["constant_keys"], given["constant_vals"])}
        attrs = dict(zip(map(tuple, given["attrs_keys"]), given["attrs_vals"]))
        signature = {name: convert_to_tuple_if_list(ty) for name, ty in given["signature"].items()}
        device = driver.active.get_current_device()
        options = self.device_caches[device][3].parse_options({name: tuple(v) if isinstance(v, list) else v
                                                              for name, v in given["options"].items()})
        return self._do_compile(given["key"], signature, device, constexprs, options, attrs, warmup=True)

    def __call__(self, *args, **kwargs):
        raise RuntimeError("Cannot call @triton.jit'd outside of the scope of a kernel")

    def __repr__(self):
        return f"JITFunction({self.module}:{self.fn.__qualname__})"

    # A kernel is pickled by its name, as a function is. Inductor compiles in processes of its own whose kernels have no name here, and takes
    # what cannot be pickled (``fn``, ``__globals__``) off them: those are pickled whole, and can be asked for everything but a compile.
    def __reduce__(self):
        if self.fn is None:
            return _from_state, ({name: value for name, value in self.__dict__.items() if name not in ("device_caches", "_hash_lock")}, )
        if "<locals>" in self.__qualname__:
            import pickle
            raise pickle.PicklingError(f"{self!r} is local to a function: only kernels at module level can be pickled")
        return _by_name, (self.__module__, self.__qualname__)


def _from_state(state):
    function = JITFunction.__new__(JITFunction)
    function.__dict__.update(state)
    function._hash_lock = threading.RLock()
    function.device_caches = _DeviceCaches(function)
    function._configure_launcher()
    return function


def _by_name(module, qualname):
    import importlib
    found = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def serialize_specialization_data(name, signature, constants, attrs, options, key):
    """A specialisation as JSON; ``JITFunction.preload`` takes it."""
    import json

    def constant(value):
        kind = getattr(value, "__tessera_kind__", None)
        if kind == "dtype":
            return value.name if hasattr(value, "name") else str(value)
        if kind == "constexpr":
            return {"constexpr": value.value}
        if isinstance(value, JITFunction):
            return {"jit_function": f"{value.__module__}:{value.__qualname__}"}
        return value

    return json.dumps({"name": name, "signature": signature, "constant_keys": [list(path) for path in constants],
                       "constant_vals": [constant(v) for v in constants.values()], "attrs_keys": [list(p) for p in attrs],
                       "attrs_vals": list(attrs.values()), "options": vars(options), "key": key}, default=str)


def jit(fn=None, *, version=None, repr=None, launch_metadata=None, do_not_specialize=None,
        do_not_specialize_on_alignment=None, debug=None, noinline=None):
    """Makes a Python function a kernel: ``@jit`` or ``@jit(option=…)``.

    ``repr(specialization)`` gives the name under which tools show the kernel; ``launch_metadata(grid, metadata, args)`` a
    dictionary for launch hooks; ``do_not_specialize`` and ``do_not_specialize_on_alignment`` list parameters, by name or
    number, whose values (1, divisible by 16) make no new kernels; ``debug`` compiles ``device_assert`` in; ``noinline``
    keeps calls of this function calls.

    With TESSERA_INTERPRET=1 (or TRITON_INTERPRET=1) the function runs in the interpreter, with every access checked.

    Example:
        @tessera.jit
        def add_kernel(x, y, out, n, BLOCK: tl.constexpr):
            place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
            inside = place < n
            tl.store(out + place, tl.load(x + place, mask=inside) + tl.load(y + place, mask=inside), mask=inside)

        add_kernel[(tessera.cdiv(n, 1024), )](x, y, out, n, BLOCK=1024)
    """

    def decorate(function):
        assert callable(function)
        cls = JITFunction
        if knobs.runtime.interpret:
            from tessera.runtime.interpreter import InterpretedFunction as cls
        return cls(function, version=version, do_not_specialize=do_not_specialize,
                   do_not_specialize_on_alignment=do_not_specialize_on_alignment, debug=debug, noinline=noinline, repr=repr,
                   launch_metadata=launch_metadata)

    return decorate if fn is None else decorate(fn)


def get_jit_fn_file_line(fn):
    """File and line of a kernel's ``def``, through decorators such as autotune."""
    return _source.caller_line(fn)


def mangle_type(arg, specialize=False):
    """The signature type of a value."""
    return native_specialize_impl(None, arg, False, specialize, True)[0]


def native_specialize_impl(backend, arg, is_const, specialize_value, align):
    """The signature type and the key of a value as Triton has them, which does not tell whether a descriptor's rows are whole; ``backend`` has no say."""
    ty, key = _tessera.specialization(arg, is_const, specialize_value, align)
    return (ty.replace(", whole>", ">") if isinstance(ty, str) else ty), key
