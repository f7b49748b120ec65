# tools - ahead-of-time compiling, descriptors, number formats, disassembly
# SPDX-License-Identifier: Apache-2.0


def __getattr__(name):
    if name == "LinearLayout":
        from tessera._C.libtriton.linear_layout import LinearLayout
        return LinearLayout
    import importlib
    try:
        return importlib.import_module(f"tessera.tools.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"tessera.tools.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
