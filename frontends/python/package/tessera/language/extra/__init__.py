# extra - functions beyond the portable language: the device library, and what single vendors have
# SPDX-License-Identifier: Apache-2.0
__tessera_name__ = "triton.language.extra"
__all__ = ["cuda", "hip", "libdevice"]


def __getattr__(name):
    if name in __all__:
        import importlib
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
