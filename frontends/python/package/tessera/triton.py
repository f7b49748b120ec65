# triton.py - the drop-in: programs that say `import triton` get this package
# SPDX-License-Identifier: Apache-2.0
"""Serves ``triton`` and every ``triton.*`` as modules of this package.

    python -m tessera.triton program.py arguments…       runs a program unchanged (also: -m module, -c code)
    import tessera.triton; tessera.triton.install()      the same from inside, before the first `import triton`
"""
from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types

VERSION = "3.6.0"
# Modules whose names differ here.
_ELSEWHERE = {"_utils": "_types_of_arguments"}


def _ours(name):
    """The module of this package that ``triton.x.y`` means."""
    below = name.partition(".")[2]
    return "tessera." + _ELSEWHERE.get(below, below)


class _Triton(types.ModuleType):
    """The module ``triton``: everything is this package's but the version."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            value = getattr(sys.modules["tessera"], name)
        except AttributeError:
            try:
                value = importlib.import_module(f"triton.{name}")
            except ModuleNotFoundError:
                raise AttributeError(f"module 'triton' has no attribute {name!r}") from None
        _share_loaded_modules()
        self.__dict__[name] = value
        return value

    def __dir__(self):
        return sorted(set(super().__dir__()) | set(dir(sys.modules["tessera"])))


def _share_loaded_modules():
    # A submodule that the package has imported already is registered under its other name, so that the import system
    # does not bind it anew in its parent (where e.g. runtime.driver is an object, not the module).
    elsewhere = {target: name for name, target in _ELSEWHERE.items()}
    for name, module in list(sys.modules.items()):
        if name.startswith("tessera.") and name != "tessera.triton" and module is not None:
            below = name[len("tessera."):]
            sys.modules.setdefault("triton." + elsewhere.get(below, below), module)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):

    def find_spec(self, fullname, path=None, target=None):
        if fullname == "triton":
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        if not fullname.startswith("triton."):
            return None
        own = importlib.util.find_spec(_ours(fullname))
        if own is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=own.submodule_search_locations is not None)

    def create_module(self, spec):
        if spec.name == "triton":
            import tessera
            module = _Triton("triton", tessera.__doc__)
            module.__version__ = VERSION
            module.__path__ = list(tessera.__path__)
            module.__file__ = tessera.__file__
            module.__all__ = list(tessera.__all__)
            module.__tessera_name__ = "triton"
            return module
        module = importlib.import_module(_ours(spec.name))
        # The import system is about to overwrite this; exec_module puts it back.
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        if isinstance(module, _Triton):
            # `import triton` brings these elsewhere, and programs look for them in sys.modules.
            for name in ("runtime", "compiler", "language", "testing"):
                importlib.import_module(f"tessera.{name}")
        else:
            module.__spec__ = module.__spec__.loader_state
        _share_loaded_modules()

    def find_distributions(self, context=None):
        name = getattr(context, "name", None)
        if name is None or name.lower() == "triton":
            from importlib.metadata import Distribution

            class TritonDistribution(Distribution):

                def read_text(self, filename):
                    return f"Metadata-Version: 2.1\nName: triton\nVersion: {VERSION}\n" if filename == "METADATA" else None

                def locate_file(self, path):
                    return path

            yield TritonDistribution()


_finder = _Finder()


def _tell_children():
    # Children of the program say `import triton` too: subprocesses find it by PYTHONPATH, workers that are handed this process's
    # sys.path (multiprocessing's spawn, pytest-xdist) by that.
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_dropin")
    inherited = os.environ.get("PYTHONPATH", "")
    if folder not in inherited.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (folder, inherited)))
    if folder not in sys.path:
        sys.path.insert(0, folder)


def install(children=True):
    """Makes ``import triton`` mean this package, for the whole process and, with ``children``, for the Python processes that it
    starts (by PYTHONPATH and sys.path). Calling it again does nothing.

    Errors: RuntimeError when another ``triton`` has been imported already.
    """
    present = sys.modules.get("triton")
    if present is not None and not isinstance(present, _Triton):
        raise RuntimeError(f"another triton is imported already ({getattr(present, '__file__', '?')}): call "
                           "tessera.triton.install() before the first `import triton`")
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
        importlib.invalidate_caches()
        if children:
            _tell_children()


def _main(arguments):
    usage = "usage: python -m tessera.triton [-m MODULE | -c CODE | PROGRAM.py] [ARGUMENT…]"
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage, file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    install()
    import runpy
    if arguments[0] in ("-m", "-c"):
        if len(arguments) < 2:
            print(usage, file=sys.stderr)
            return 2
        sys.path.insert(0, os.getcwd())
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["-c", *arguments[2:]]
            module = types.ModuleType("__main__")
            sys.modules["__main__"] = module
            exec(compile(arguments[1], "<string>", "exec"), module.__dict__)
        return 0
    if not os.path.exists(arguments[0]):
        print(f"tessera.triton: no such file: {arguments[0]}", file=sys.stderr)
        return 2
    sys.argv = arguments
    sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
    runpy.run_path(arguments[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    # `python -m` made this file __main__; the module that programs import is the one that must be installed.
    from tessera.triton import _main as main
    sys.exit(main(sys.argv[1:]))
