# source.py - where a function of kernels is written, and what it depends on
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import inspect
import re
import textwrap
import types

# What kernels may call of Python's own names.
PYTHON_NAMES = frozenset(("float", "getattr", "hasattr", "int", "isinstance", "len", "list", "max", "min", "print", "range"))
_OWN_MODULES = ("tessera", "triton")
_QUIET_MODULES = frozenset(("copy", "math"))
# Functions of the language whose result is an option of the launch, with that option.
_OPTION_READERS = {"num_threads": "num_warps", "num_warps": "num_warps"}


class FunctionSource:
    """The source of a function: ``text`` begins at its ``def`` and is dedented by ``column_offset`` columns; ``first_line``
    is that line's number in ``file``, ``starting_line`` that of the first decorator.

    Errors: ValueError where Python cannot find the source (code of ``exec``, unless it is registered with ``linecache``).
    """

    __slots__ = ("file", "raw", "starting_line", "first_line", "column_offset", "text")

    def __init__(self, fn):
        try:
            self.raw, self.starting_line = inspect.getsourcelines(fn)
        except (OSError, TypeError) as error:
            raise ValueError(
                f"@jit functions should be defined in a Python file: the source of {getattr(fn, '__qualname__', fn)!r} cannot be "
                "found. Write it to a file, or put its lines into linecache.cache under the name that compile() was "
                "given") from error
        whole = "".join(self.raw)
        text = textwrap.dedent(whole)
        found = re.search(r"^def\s+\w+\s*\(", text, re.MULTILINE)
        if found is None:
            raise ValueError(f"{getattr(fn, '__qualname__', fn)!r} has no `def` that can be found: lambdas and async functions "
                             "cannot be kernels")
        self.text = text[found.start():]
        self.first_line = self.starting_line + text[:found.start()].count("\n")
        indented = self.raw[self.first_line - self.starting_line]
        self.column_offset = len(indented) - len(indented.lstrip())
        self.file = inspect.getsourcefile(fn) or fn.__code__.co_filename


def constexpr_class():
    from tessera.language import constexpr
    return constexpr


class _Dependencies:
    """Visits a function's tree: hashes what it calls, and notes the globals whose values it uses."""

    def __init__(self, function, ast, globals, nonlocals):
        self.function = function
        self.ast = ast
        self.hasher = hashlib.sha256(function.src.encode())
        self.globals = globals
        self.nonlocals = nonlocals
        self.used = {}
        self.asked = set()
        self.local = set()
        self.in_default = False

    def visit(self, node):
        method = getattr(self, "visit_" + type(node).__name__, None)
        return method(node) if method else self.generic(node)

    def generic(self, node):
        for child in self.ast.iter_child_nodes(node):
            self.visit(child)

    def visit_FunctionDef(self, node):
        arguments = node.args
        variadic = [a for a in (arguments.vararg, arguments.kwarg) if a]
        named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *variadic)
        self.local = {a.arg for a in named}
        for a in named:
            if a.annotation is not None:
                self.visit(a.annotation)
        self.in_default = True
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)
        self.in_default = False
        for statement in node.body:
            self.visit(statement)

    def _bind(self, target):
        if isinstance(target, self.ast.Name):
            self.local.add(target.id)
        elif isinstance(target, (self.ast.Tuple, self.ast.List)):
            for element in target.elts:
                self._bind(element)
        elif isinstance(target, self.ast.Starred):
            self._bind(target.value)

    def visit_Assign(self, node):
        for target in node.targets:
            self._bind(target)
        self.generic(node)

    def visit_AnnAssign(self, node):
        self._bind(node.target)
        self.generic(node)

    def visit_For(self, node):
        self._bind(node.target)
        self.generic(node)

    def visit_comprehension(self, node):
        self._bind(node.target)
        self.generic(node)

    def visit_ListComp(self, node):
        for generator in node.generators:
            self.visit(generator)
        self.visit(node.elt)

    def visit_Name(self, node):
        if not isinstance(node.ctx, self.ast.Load) or node.id in self.local:
            return None
        scope = self.globals if self.globals.get(node.id) is not None else self.nonlocals
        value = scope.get(node.id)
        if node.id not in PYTHON_NAMES or value is not None:
            self.reference(value, node, scope, node.id)
        return value

    def visit_Attribute(self, node):
        # By its name alone: what stands before it may be known to the compiler only.
        if node.attr in _OPTION_READERS:
            self.asked.add(_OPTION_READERS[node.attr])
        owner = self.visit(node.value)
        # An aggregate is in the hash as a whole, with its methods.
        if owner is None or _is_language(owner) or getattr(owner, "__triton_builtin__", False):
            return None
        name = getattr(owner, "__name__", "")
        if isinstance(owner, types.ModuleType) and name in _QUIET_MODULES:
            return None
        value = getattr(owner, node.attr, None)
        self.reference(value, node)
        return value

    def reference(self, value, node, scope=None, name=None):
        from tessera.runtime.jit import JITCallable
        if value is None or isinstance(value, types.ModuleType):
            return
        if getattr(value, "__triton_aggregate__", False):
            for member in value.hash_attrs:
                if isinstance(member, types.FunctionType):
                    self.hasher.update(_text_of(member).encode())
                else:
                    self.reference(member, node)
            return
        if isinstance(value, JITCallable):
            self.depend(value)
            return
        if getattr(value, "__tessera_kind__", None) == "constexpr_function":
            self.depend(value)
            return
        if getattr(value, "__triton_builtin__", False):
            if not _is_language(value):
                text = _text_of(value)
                self.hasher.update(text.encode())
                self.asked.update(option for name, option in _OPTION_READERS.items() if name in text)
                return
        if _is_language(value):
            self.asked.update(filter(None, (_OPTION_READERS.get(getattr(value, "__name__", None)),)))
            return
        if callable(value) and not isinstance(value, type) and not isinstance(value, constexpr_class()):
            raise RuntimeError(self._refusal(value, node))
        # A default is evaluated once, when the function is defined: a change of the global is no matter.
        if scope is not None and not self.in_default:
            self.used[(name, id(scope))] = (_snapshot(value), scope)

    def _refusal(self, value, node):
        from tessera.compiler.errors import blank
        source, line = self.function.source, self.function.src.splitlines()[node.lineno - 1]
        before = line.encode()[:node.col_offset].decode()  # col_offset counts bytes
        return (f"Unsupported function referenced: {value}\n"
                f"{source.file}:{source.first_line + node.lineno - 1}:{source.column_offset + len(before) + 1}: in "
                f"{self.function._fn_name}\n{line}\n{blank(before)}{'^' * len(self.ast.unparse(node))}\n"
                "help: decorate it with @triton.jit, or with @triton.constexpr_function if it computes constants; "
                "functions of other packages run on the host only, triton.language has its own")

    def depend(self, callee):
        # The callee's own key first: it finds out which globals the callee uses.
        key = callee.cache_key + str(bool(getattr(callee, "noinline", False)))
        for entry in self.used.keys() & callee.used_global_vals.keys():
            mine, theirs = self.used[entry][0], callee.used_global_vals[entry][0]
            if mine is not theirs and mine != theirs:
                raise RuntimeError(
                    f"Global variable {entry[0]} has value {mine} when compiling {self.function._fn_name}, but inner kernel "
                    f"{callee.__name__} has conflicting value {theirs} from when it was first compiled.  This is not allowed.")
        self.used.update(callee.used_global_vals)
        self.asked |= callee.asked_options
        self.hasher.update(key.encode())


def _is_language(value):
    """Whether a function, class or module is the language's; values (dtypes, constexprs) are the program's."""
    if not isinstance(value, (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)):
        return False
    if isinstance(getattr(value, "__tessera_name__", None), str):
        return True
    module = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
    return isinstance(module, str) and module.split(".")[0] in _OWN_MODULES


def _text_of(function):
    try:
        return inspect.getsource(inspect.unwrap(function))
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        return f"{code.co_code.hex()}{code.co_consts!r}" if code is not None else repr(function)


_PLAIN = (int, float, str, bool, bytes, type(None), type)


def is_unchanging(value):
    """Whether a value cannot change while it is the same object."""
    if isinstance(value, tuple):
        return all(is_unchanging(item) for item in value)
    return isinstance(value, _PLAIN) or getattr(value, "__tessera_kind__", None) == "dtype"


def _snapshot(value):
    if is_unchanging(value):
        return value
    if isinstance(value, constexpr_class()):
        return type(value)(_snapshot(value.value))
    import copy
    try:
        return copy.deepcopy(value)
    except Exception:  # an object that cannot be copied is compared with itself
        return value


class DependenciesFinder:
    """What a function's source depends on, for programs that key caches of their own: ``DependenciesFinder(name, globals, nonlocals, src)``, then
    ``visit(tree)``, the tree of that source; ``ret`` is a hash of the source and of the functions that it calls, ``used_global_vals`` has
    (name, id of the namespace) -> (value, namespace) of the globals whose values it uses.

    Errors: RuntimeError for a plain Python function among them.
    """

    def __init__(self, name, globals, nonlocals, src):
        import ast
        self.name, self.globals, self.nonlocals = name, globals, nonlocals
        where = types.SimpleNamespace(src=src, _fn_name=name, source=types.SimpleNamespace(file=f"<{name}>", first_line=1, column_offset=0))
        self._dependencies = _Dependencies(where, ast, globals, nonlocals)

    def visit(self, node):
        return self._dependencies.visit(node)

    @property
    def used_global_vals(self):
        return self._dependencies.used

    @property
    def ret(self):
        return self._dependencies.hasher.hexdigest()


def parse(text):
    """The tree of a Python text, as ``ast`` gives it.

    CPython up to 3.12 counts the depth of a tree that it builds in one place for all threads, so that a parse of another
    thread, or of a finalizer that ran meanwhile, makes it give up with SystemError; such a parse is done again.
    """
    import ast
    for _ in range(1000):
        try:
            return ast.parse(text)
        except SystemError:
            pass
    return ast.parse(text)


def analyse(function):
    """(hash of the function and everything it calls, the globals it uses, the launch options that it asks for) of a jit function."""
    import ast
    nonlocals = inspect.getclosurevars(function.fn).nonlocals if function.fn.__closure__ else {}
    finder = _Dependencies(function, ast, function.__globals__, nonlocals)
    finder.visit(parse(function.src))
    constexpr = constexpr_class()
    used = dict(sorted(finder.used.items()))
    key = finder.hasher.hexdigest() + str(function.starting_line_number)
    key += str([(name, value) for (name, _), (value, _) in used.items() if isinstance(value, constexpr)])
    return hashlib.sha256(key.encode()).hexdigest(), used, frozenset(finder.asked)


def caller_line(fn):
    """File and line of a function's ``def``, for tools."""
    base = fn
    while not hasattr(base, "starting_line_number"):
        base = base.fn
    return base.source.file, base.source.first_line
