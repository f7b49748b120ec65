# build.py - C code of programs, compiled and loaded
# SPDX-License-Identifier: Apache-2.0
"""Kernels need no C compiler; programs that build an extension module of their own source find this here."""
from __future__ import annotations

import os


def platform_key():
    """The machine, system and pointer width, for keys."""
    from platform import architecture, machine, system
    return ",".join([machine(), system(), *architecture()])


def _build(name, src, srcdir, library_dirs, include_dirs, libraries, ccflags):
    import shutil
    import subprocess
    import sysconfig
    from tessera import knobs
    out = os.path.join(srcdir, name + sysconfig.get_config_var("EXT_SUFFIX"))
    if knobs.build.impl is not None:
        return knobs.build.impl(name, src, srcdir, library_dirs, include_dirs, libraries)
    compiler = knobs.build.cc or shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError("Failed to find C compiler. Please specify via CC environment variable or set `knobs.build.impl`.")
    include_dirs = [srcdir, sysconfig.get_paths()["include"], *include_dirs, *knobs.build.backend_dirs]
    command = [compiler, src, "-O3", "-shared", "-fPIC", "-Wno-psabi", "-o", out]
    command += [f"-l:{lib}" if ".so" in lib else f"-l{lib}" for lib in libraries]
    command += [f"-L{path}" for path in library_dirs] + [f"-I{path}" for path in include_dirs] + list(ccflags)
    subprocess.check_call(command, stdout=subprocess.DEVNULL)
    return out


def _load_module_from_path(name, path):
    import importlib.util
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"Failed to load newly compiled {name} from {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_module_from_src(src, name, library_dirs=None, include_dirs=None, libraries=None, ccflags=None):
    """Builds the extension module ``name`` of C source text, or takes it from the cache, and imports it.
    Errors: RuntimeError without a C compiler, CalledProcessError where it fails."""
    import hashlib
    import sysconfig
    import tempfile
    from tessera.runtime.cache import get_cache_manager
    parts = [src, platform_key(), *(str(x) for x in (library_dirs, include_dirs, libraries, ccflags))]
    cache = get_cache_manager(hashlib.sha256("".join(parts).encode()).hexdigest())
    filename = name + sysconfig.get_config_var("EXT_SUFFIX")
    path = cache.get_file(filename)
    if path is not None:
        try:
            return _load_module_from_path(name, path)
        except (RuntimeError, ImportError):
            import logging
            logging.getLogger(__name__).warning(f"Triton cache error: compiled module {name}.so could not be loaded")
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, name + ".c")
        with open(source, "w") as f:
            f.write(src)
        with open(_build(name, source, folder, library_dirs or [], include_dirs or [], libraries or [], ccflags or []), "rb") as f:
            path = cache.put(f.read(), filename)
    return _load_module_from_path(name, path)
