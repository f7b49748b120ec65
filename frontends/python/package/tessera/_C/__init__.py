# _C - import-time names of another implementation's native modules
# SPDX-License-Identifier: Apache-2.0


def __getattr__(name):
    if name == "libtriton":
        import importlib
        return importlib.import_module("tessera._C.libtriton")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
