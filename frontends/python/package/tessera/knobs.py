# knobs.py - every setting of the package, in one place
# SPDX-License-Identifier: Apache-2.0
"""Settings. Each knob is looked up in this order: what a program assigned to the attribute, the environment variable
``TESSERA_X``, the variable ``TRITON_X``, the default.

    from tessera import knobs
    knobs.autotuning.print = True            # also sets the variable, so that child processes see it
    with knobs.compilation.scope():          # what changes inside is undone at the end
        knobs.compilation.always_compile = True
    del knobs.autotuning.print               # back to the environment; so does ``= knobs.env``
    knobs.compilation.reset()                # the whole group back to the environment

``list_knobs()`` gives all of them. Setting a knob that changes code or launches takes effect at the next launch.
"""
from __future__ import annotations

import os
import sys


class Env:
    """The type of ``env``."""


env = Env()                 # assigned to a knob: back to the environment
propagate_env: bool = True  # whether an assignment also sets the environment variable
_UNSET = object()
_TRUE = frozenset(("1", "true", "on", "yes", "y"))


def _names(key):
    """The variables of a knob, the strongest first."""
    return ("TESSERA_" + key[len("TRITON_"):], key) if key.startswith("TRITON_") else (key,)


def _read(key):
    for name in _names(key):
        value = os.environ.get(name)
        if value is not None:
            return value
    return None


def toenv(value):
    """What an assigned value is in the environment, in a tuple; None for what has no spelling there."""
    if value is None:
        return (None,)
    if isinstance(value, bool):
        return ("1" if value else "0",)
    if isinstance(value, (str, int)):
        return (str(value),)
    return None


def setenv(key, value):
    """Sets or deletes a variable, and drops a stronger one that would hide it."""
    if not propagate_env:
        return
    for name in _names(key)[:-1]:
        os.environ.pop(name, None)
    if value is None:
        os.environ.pop(key, None)
    else:
        os.environ[key] = value


def _changed():
    """Tells the launch path that a setting changed."""
    native = sys.modules.get("tessera._tessera")
    if native is None:
        return
    if hasattr(native, "bump_epoch"):
        native.bump_epoch()
    if hasattr(native, "set_launch_hooks"):
        hooks = (runtime.launch_enter_hook, runtime.launch_exit_hook)
        native.set_launch_hooks(*(None if hook is None or getattr(hook, "calls", True) == [] else hook for hook in hooks))


class env_base:
    """A knob: ``key`` is its environment variable."""

    def __init__(self, key):
        self.key = key

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        value = instance.__dict__.get(self.name, _UNSET)
        return self.get() if value is _UNSET else self.transform(value)

    def __set__(self, instance, value):
        if isinstance(value, Env):
            instance.__dict__.pop(self.name, None)
        else:
            instance.__dict__[self.name] = value
            spelled = toenv(value)
            if spelled:
                setenv(self.key, spelled[0])
        _changed()

    def __delete__(self, instance):
        instance.__dict__.pop(self.name, None)
        _changed()

    def get(self):
        """The value without an assignment."""
        raise NotImplementedError

    def transform(self, value):
        """What an assigned value is read as."""
        return value


class env_str(env_base):

    def __init__(self, key, default=None):
        super().__init__(key)
        self.default = default

    def get(self):
        value = _read(self.key)
        return self.default if value is None else value


class env_str_callable_default(env_base):

    def __init__(self, key, default_factory):
        super().__init__(key)
        self.default_factory = default_factory

    def get(self):
        value = _read(self.key)
        return self.default_factory() if value is None else value


class env_opt_str(env_str):

    def __init__(self, key):
        super().__init__(key)


class env_bool(env_base):
    """1, true, yes, on, y are true, whatever their case; all else is false."""

    def __init__(self, key, default=False):
        super().__init__(key)
        self.default = default

    def get(self):
        value = _read(self.key)
        if value is None:
            return self.default
        return value.lower() in _TRUE


class env_opt_bool(env_bool):

    def __init__(self, key):
        super().__init__(key, None)


class env_int(env_base):

    def __init__(self, key, default=0):
        super().__init__(key)
        self.default = default

    def get(self):
        value = _read(self.key)
        if value is None:
            return self.default
        try:
            return int(value)
        except ValueError as error:
            raise RuntimeError(f"Unable to use {self.key}={value}: expected int") from error


class env_class(env_base):
    """A class, named ``module:Class`` in the environment; ``type`` is a name in its bases."""

    def __init__(self, key, type):
        super().__init__(key)
        self.type = type

    def get(self):
        value = _read(self.key)
        if value is None:
            return None
        module, colon, name = value.partition(":")
        if not colon:
            raise RuntimeError(f"Unable to read {self.key}: '{value}' isn't of the form MODULE:CLASS")
        import importlib
        cls = getattr(importlib.import_module(module), name)
        if all(base.__name__ != self.type for base in cls.mro()):
            raise RuntimeError(f"Unable to use '{value}' from {self.key}: not of type '{self.type}'")
        return cls


class NvidiaTool:
    """A program of the CUDA toolkit and its release."""

    def __init__(self, path, version):
        self.path = path
        self.version = version

    @staticmethod
    def from_path(path):
        import re
        import subprocess
        try:
            text = subprocess.check_output([path, "--version"], stderr=subprocess.STDOUT, text=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        release = re.search(r"release (\d+\.\d+)", text)
        return NvidiaTool(path, release.group(1)) if release else None


class env_nvidia_tool(env_base):
    """A program of the CUDA toolkit: where the variable says, else on the search path or in the toolkit's place."""

    def __init__(self, binary):
        super().__init__(f"TRITON_{binary.upper().replace('-', '_')}_PATH")
        self.binary = binary

    def get(self):
        return self.transform(_read(self.key))

    def transform(self, path):
        import shutil
        found = [path, shutil.which(self.binary), f"/usr/local/cuda/bin/{self.binary}"]
        for candidate in found:
            tool = NvidiaTool.from_path(candidate) if candidate else None
            if tool:
                return tool
        raise RuntimeError(f"Cannot find {self.binary}; set {self.key} to where it is")


class _Scope:
    """Undoes changes to a group, variables included."""

    def __init__(self, group):
        self.group = group

    def __enter__(self):
        names = [name for knob in self.group.knob_descriptors.values() for name in _names(knob.key)]
        self.environment = {name: os.environ.get(name) for name in names}
        self.attributes = dict(self.group.__dict__)

    def __exit__(self, *exception):
        self.group.__dict__.clear()
        self.group.__dict__.update(self.attributes)
        for name, value in self.environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _changed()


class base_knobs:
    """A group of knobs."""

    @property
    def knob_descriptors(self):
        return {name: knob for name, knob in type(self).__dict__.items() if isinstance(knob, env_base)}

    @property
    def knobs(self):
        return {name: getattr(self, name) for name in self.knob_descriptors}

    def copy(self):
        other = type(self)()
        other.__dict__.update(self.__dict__)
        return other

    def reset(self):
        for name in self.knob_descriptors:
            delattr(self, name)
        return self

    def scope(self):
        return _Scope(self)

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
        _changed()


class CompileTimes:
    """How long parts of a compile took, in microseconds: ``ir_initialization``, up to the frontend's IR; ``lowering_stages``,
    ``[(name, us)]`` by the names of ``CompiledKernel.asm`` (``ttir``, ``ttgir``, ``llir``, ``ptx``, ``cubin``, …), with ``target`` for loading the
    target's plugin and ``worker`` for what lies between the processes; ``store_results``."""

    def __init__(self, ir_initialization, lowering_stages, store_results):
        self.ir_initialization = ir_initialization
        self.lowering_stages = lowering_stages
        self.store_results = store_results

    @property
    def total_lowering(self):
        return sum(us for _, us in self.lowering_stages)

    @property
    def total(self):
        return self.ir_initialization + self.total_lowering + self.store_results

    def __repr__(self):
        return f"CompileTimes({self.ir_initialization}, {self.lowering_stages}, {self.store_results})"


class HookChain:
    """Hooks that are called in the order in which they were added (``reversed``: the opposite)."""

    def __init__(self, reversed=False):
        self.calls = []
        self.reversed = reversed

    def add(self, func):
        if func not in self.calls:
            self.calls.append(func)
            _changed()

    def remove(self, func):
        if func in self.calls:
            self.calls.remove(func)
            _changed()

    def clear(self):
        self.calls.clear()
        _changed()

    def __call__(self, *args, **kwargs):
        for call in (self.calls[::-1] if self.reversed else list(self.calls)):
            call(*args, **kwargs)


class build_knobs(base_knobs):
    """How C code of ahead-of-time kernels is built."""
    cc = env_opt_str("CC")
    cudacrt_path = env_opt_str("TRITON_CUDACRT_PATH")
    cudart_path = env_opt_str("TRITON_CUDART_PATH")
    impl = None

    @property
    def backend_dirs(self):
        return {path for path in (self.cudacrt_path, self.cudart_path) if path is not None}


class redis_knobs(base_knobs):
    """Where a Redis cache is."""
    key_format = env_str("TRITON_REDIS_KEY_FORMAT", "triton:{key}:{filename}")
    host = env_str("TRITON_REDIS_HOST", "localhost")
    port = env_int("TRITON_REDIS_PORT", 6379)


def _default_cache():
    # A program that was written for Triton finds its cache where Triton has it; ours is where the command line has it.
    if "triton" in sys.modules or "TRITON_HOME" in os.environ or "home_dir" in cache.__dict__:
        return cache.get_triton_dir("cache")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "tessera")


class cache_knobs(base_knobs):
    """Where compiled kernels, tuning results and dumps go."""
    home_dir = env_str_callable_default("TRITON_HOME", lambda: os.path.expanduser("~/"))
    dump_dir = env_str_callable_default("TRITON_DUMP_DIR", lambda: cache.get_triton_dir("dump"))
    override_dir = env_str_callable_default("TRITON_OVERRIDE_DIR", lambda: cache.get_triton_dir("override"))
    dir = env_str_callable_default("TRITON_CACHE_DIR", lambda: _default_cache())
    manager_class = env_class("TRITON_CACHE_MANAGER", "CacheManager")
    remote_manager_class = env_class("TRITON_REMOTE_CACHE_BACKEND", "RemoteCacheBackend")

    def get_triton_dir(self, dirname):
        return os.path.join(self.home_dir, ".triton", dirname)


class compilation_knobs(base_knobs):
    """How kernels are compiled. ``listener(src=, metadata=, metadata_group=, times=, cache_hit=)`` hears of each one."""
    override = env_bool("TRITON_KERNEL_OVERRIDE")
    dump_ir = env_bool("TRITON_KERNEL_DUMP")
    dump_ir_extract_di_local_variables = env_bool("LLVM_EXTRACT_DI_LOCAL_VARIABLES")
    store_binary_only = env_bool("TRITON_STORE_BINARY_ONLY")
    always_compile = env_bool("TRITON_ALWAYS_COMPILE")
    use_ir_loc = env_opt_str("USE_IR_LOC")
    enable_asan = env_bool("TRITON_ENABLE_ASAN")
    disable_line_info = env_bool("TRITON_DISABLE_LINE_INFO")
    front_end_debugging = env_bool("TRITON_FRONT_END_DEBUGGING")
    allow_non_constexpr_globals = env_bool("TRITON_ALLOW_NON_CONSTEXPR_GLOBALS")
    in_process = env_bool("TESSERA_COMPILE_IN_PROCESS")
    instrumentation_mode = env_str("TRITON_INSTRUMENTATION_MODE", "")
    listener = None


class autotuning_knobs(base_knobs):
    """Tuning. ``cache``: keep results on disk (on, unless a program's ``cache_results`` or this says no)."""
    cache = env_opt_bool("TRITON_CACHE_AUTOTUNING")
    print = env_bool("TRITON_PRINT_AUTOTUNING")
    jobs = env_int("TESSERA_AUTOTUNE_JOBS", 0)
    progress = env_opt_bool("TESSERA_AUTOTUNE_PROGRESS")


class runtime_knobs(base_knobs):
    """Launching. ``debug`` is read from the environment once, by ``refresh_knobs``."""
    interpret = env_bool("TRITON_INTERPRET")
    override_arch = env_opt_str("TRITON_OVERRIDE_ARCH")
    device = env_opt_str("TESSERA_DEVICE")
    debug = False
    launch_enter_hook = HookChain()
    launch_exit_hook = HookChain(reversed=True)
    kernel_load_start_hook = HookChain()
    kernel_load_end_hook = HookChain(reversed=True)
    jit_cache_hook = None
    jit_post_compile_hook = None
    add_stages_inspection_hook = None


class language_knobs(base_knobs):
    """Defaults of the language."""
    fp32_default = env_opt_str("TRITON_F32_DEFAULT")
    default_fp_fusion = env_bool("TRITON_DEFAULT_FP_FUSION", True)


class nvidia_knobs(base_knobs):
    """For the NVIDIA plugin."""
    cuobjdump = env_nvidia_tool("cuobjdump")
    nvdisasm = env_nvidia_tool("nvdisasm")
    ptxas = env_nvidia_tool("ptxas")
    ptxas_blackwell = env_nvidia_tool("ptxas-blackwell")
    dump_nvptx = env_bool("NVPTX_ENABLE_DUMP")
    disable_ptxas_opt = env_bool("DISABLE_PTXAS_OPT")
    ptxas_options = env_opt_str("PTXAS_OPTIONS")
    mock_ptx_version = env_opt_str("TRITON_MOCK_PTX_VERSION")
    dump_ptxas_log = env_bool("TRITON_DUMP_PTXAS_LOG")
    libdevice_path = env_opt_str("TRITON_LIBDEVICE_PATH")
    libcuda_path = env_opt_str("TRITON_LIBCUDA_PATH")


class amd_knobs(base_knobs):
    """For the AMD plugin."""
    use_buffer_ops = env_bool("AMDGCN_USE_BUFFER_OPS", True)
    use_buffer_atomics = env_bool("AMDGCN_USE_BUFFER_ATOMICS", True)
    buffer_ops_analyze_small_tensor_range = env_bool("AMDGCN_ANALYZE_SMALL_TENSOR_RANGE")
    dump_amdgcn = env_bool("AMDGCN_ENABLE_DUMP")
    libhip_path = env_opt_str("TRITON_LIBHIP_PATH")
    use_block_pingpong = env_opt_bool("TRITON_HIP_USE_BLOCK_PINGPONG")
    use_in_thread_transpose = env_opt_bool("TRITON_HIP_USE_IN_THREAD_TRANSPOSE")
    use_async_copy = env_bool("TRITON_HIP_USE_ASYNC_COPY")
    scalarize_packed_fops = env_bool("AMDGCN_SCALARIZE_PACKED_FOPS")


class proton_knobs(base_knobs):
    """For profilers."""
    disable = env_bool("TRITON_PROTON_DISABLE")
    cupti_lib_dir = env_opt_str("TRITON_CUPTI_LIB_PATH")
    enable_nvtx = env_bool("TRITON_ENABLE_NVTX", True)


def refresh_knobs():
    """Reads again what is read from the environment only once."""
    runtime.debug = env_bool("TRITON_DEBUG").get()


def list_knobs():
    """Every knob as (group, name, environment variables, value)."""
    groups = {name: group for name, group in globals().items() if isinstance(group, base_knobs)}
    for group_name, group in sorted(groups.items()):
        for name, knob in group.knob_descriptors.items():
            try:
                value = getattr(group, name)
            except RuntimeError as error:
                value = error
            yield group_name, name, _names(knob.key), value


runtime = runtime_knobs()
build = build_knobs()
redis = redis_knobs()
cache = cache_knobs()
compilation = compilation_knobs()
autotuning = autotuning_knobs()
language = language_knobs()
nvidia = nvidia_knobs()
amd = amd_knobs()
proton = proton_knobs()
refresh_knobs()
