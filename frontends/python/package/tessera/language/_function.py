# _function.py - what makes a Python function part of the language
# SPDX-License-Identifier: Apache-2.0
"""Functions of the language, functions that users add to it, and functions that run while a kernel compiles.

A function of ours carries ``__tessera_name__``: the compiler knows it by that name and never looks at its body. A
function that a user declares with ``builtin`` has a body of Python which runs during the compile; it gets ``_semantic``,
through which it emits.
"""
from __future__ import annotations

import threading

from tessera.language._constexpr import constexpr, _unwrap_if_constexpr

TRITON_BUILTIN = "__triton_builtin__"
OUTSIDE = "Did you forget to add @triton.jit ? (`_semantic` argument must be provided outside of JIT functions.)"

# The emitter of the compile that runs in this thread; operators of tensors find it here.
_active = threading.local()


def active_semantic():
    return getattr(_active, "semantic", None)


def set_active_semantic(semantic):
    """Sets what operators between tensors emit into (None at the end); returns what was set before."""
    before = active_semantic()
    _active.semantic = semantic
    return before


def _named(wrapper, fn, path, signature):
    wrapper.__name__ = fn.__name__
    wrapper.__qualname__ = fn.__qualname__
    wrapper.__doc__ = fn.__doc__
    wrapper.__module__ = fn.__module__
    wrapper.__wrapped__ = fn
    wrapper.__defaults__ = None
    setattr(wrapper, TRITON_BUILTIN, True)
    wrapper.__tessera_name__ = path
    return wrapper


def language(fn, path=None):
    """Declares a function of the language: its signature and documentation are those of ``fn``, its meaning is the
    compiler's. On the host it raises ValueError; in a ``builtin`` of the user's it emits."""
    path = path or "triton.language." + fn.__name__

    def wrapper(*args, _semantic=None, _generator=None, **kwargs):
        semantic = _semantic if _semantic is not None else active_semantic()
        if semantic is None:
            raise ValueError(OUTSIDE)
        return semantic.call(path, args, kwargs)

    return _named(wrapper, fn, path, None)


def library(fn, path=None):
    """As ``language``, for what Triton writes in the language itself: on the host it raises RuntimeError."""
    path = path or "triton.language." + fn.__name__

    def wrapper(*args, _semantic=None, _generator=None, **kwargs):
        semantic = _semantic if _semantic is not None else active_semantic()
        if semantic is None:
            raise RuntimeError("Cannot call @triton.jit'd outside of the scope of a kernel")
        return semantic.call(path, args, kwargs)

    return _named(wrapper, fn, path, None)


def builtin(fn):
    """Makes ``fn`` callable in kernels as Python that runs during the compile.

    ``fn`` takes tensors and constexprs, and ``_semantic``, which it hands on to functions of the language:

        @tl.core.builtin
        def twice(x, _semantic=None):
            return tl.add(x, x, _semantic=_semantic)

    Errors: ValueError when it is called on the host.
    """
    from functools import wraps
    assert callable(fn)

    @wraps(fn)
    def wrapper(*args, **kwargs):
        semantic = kwargs.get("_semantic")
        if semantic is None:
            raise ValueError(OUTSIDE)
        before = set_active_semantic(semantic)
        try:
            return fn(*args, **kwargs)
        finally:
            set_active_semantic(before)

    setattr(wrapper, TRITON_BUILTIN, True)
    return wrapper


def extern(fn):
    """``builtin`` by the name that wrappers of device libraries use."""
    return builtin(fn)


def is_builtin(fn) -> bool:
    return getattr(fn, TRITON_BUILTIN, False)


def must_use_result(x, s=True):
    """Declares that a call whose result is dropped is a mistake: ``@must_use_result`` or ``@must_use_result("why")``.
    Errors: such a call is a compile error which shows the text."""
    if isinstance(x, str):
        return lambda fn: must_use_result(fn, x)
    x._must_use_result = s
    return x


class ConstexprFunction:
    """A Python function that kernels may call while they compile: see ``constexpr_function``."""

    __triton_builtin__ = True
    __tessera_kind__ = "constexpr_function"

    def __init__(self, fn):
        self.fn = fn
        self.__name__ = fn.__name__
        self.__qualname__ = fn.__qualname__
        self.__module__ = fn.__module__
        self.__doc__ = fn.__doc__
        self.__wrapped__ = fn
        self.__globals__ = fn.__globals__
        self._fn_name = f"{fn.__module__}.{fn.__qualname__}"
        self._source = None
        self._src = None
        self.hash = None
        self.used_global_vals = {}
        self.asked_options = frozenset()

    def __get__(self, instance, owner):
        return self if instance is None else BoundConstexprFunction(instance, self)

    def __call__(self, *args, _semantic=None, **kwargs):
        result = self.fn(*(_unwrap_if_constexpr(x) for x in args),
                         **{name: _unwrap_if_constexpr(x) for name, x in kwargs.items()})
        return result if _semantic is None else constexpr(result)

    def _read(self):
        if self._source is None:
            from tessera.runtime.source import FunctionSource
            self._source = FunctionSource(self.fn)
        return self._source

    @property
    def source(self):
        """Where the function's text stands: file, lines, column."""
        return self._read()

    @property
    def src(self):
        """The function's source, from its ``def``."""
        return self._read().text if self._src is None else self._src

    @property
    def starting_line_number(self):
        return self._read().starting_line

    def _unsafe_update_src(self, new_src):
        """Changes what ``cache_key`` is made of; whoever calls this function must have its ``hash`` set to None."""
        self.hash = None
        self._src = new_src

    @property
    def cache_key(self):
        """A hash of the source and of the functions and constexpr globals that it uses.

        Errors: RuntimeError for a plain Python function among them.
        """
        if self.hash is None:
            from tessera.runtime.source import analyse
            self.hash = f"recursion:{self._fn_name}"
            try:
                self.hash, self.used_global_vals, self.asked_options = analyse(self)
            except ValueError:  # no source: the code itself then
                import hashlib
                code = self.fn.__code__
                text = f"{code.co_code.hex()}{code.co_consts!r}{code.co_names!r}"
                self.hash = hashlib.sha256(text.encode()).hexdigest()
            except BaseException:
                self.hash = None
                raise
        return self.hash

    def __repr__(self):
        return f"ConstexprFunction({self.__module__}:{self.__qualname__})"


class BoundConstexprFunction(ConstexprFunction):
    """A constexpr function as a method of an object that a kernel knows at compile time."""

    def __init__(self, instance, function):
        super().__init__(function.fn)
        self.__self__ = instance
        self.__func__ = function

    def __get__(self, instance, owner):
        return self

    def __call__(self, *args, **kwargs):
        return self.__func__(self.__self__, *args, **kwargs)


def constexpr_function(fn):
    """Lets kernels call ``fn`` on constexprs: it runs in Python during the compile, on plain values, and what it
    returns is a constexpr in the kernel. On the host it is ``fn`` itself. Works on methods too.

    Errors: an exception of ``fn`` becomes a CompilationError at the call.
    """
    return ConstexprFunction(fn)
