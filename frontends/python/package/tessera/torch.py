# torch.py - kernels as PyTorch operators
# SPDX-License-Identifier: Apache-2.0
"""``register`` makes an operator of a function that launches kernels, so that PyTorch can trace, compile and export it."""
from __future__ import annotations

import inspect


def register(kernel, schema=None, *, name=None, grid=None, mutates=None, constants=None, fake=None, backward=None,
             setup_context=None, example=None):
    """Registers a kernel, or a function that launches kernels, as an operator of ``torch.library`` and returns it.

    ``kernel``: a jit function (or autotuned, or with heuristics), or a Python function of tensors and numbers.
    ``name``: "namespace::operator"; "tessera::" and the function's name if None.
    ``schema``: the operator's schema, such as "(Tensor x, Tensor(a!) out, int n) -> ()". Without one, a jit function's comes
    from its parameters (pointers are Tensors, as their annotations or ``example`` show), a Python function's from its annotations.
    ``grid``: of a jit function: a tuple, or a function of the dict of its arguments. ``constants``: its constexpr parameters.
    ``mutates``: names of the arguments that are written. Without it a jit function is compiled for ``example`` (a dict or tuple of
    arguments) and the compiler says which pointers it stores to. A tuple of tensors, or of numbers, becomes a list of the schema; it is
    written where one of its tensors is.
    ``fake``: what the operator returns for tensors without memory; not needed where it returns nothing.
    ``backward``, ``setup_context``: for autograd, as of ``torch.library.register_autograd``.

    Errors: ImportError without PyTorch; ValueError where something needed is missing, ``mutates`` names no argument, or contradicts
    the schema or what the compiler found.

    Example:
        >>> @tessera.jit
        ... def scale(x, out, n, BLOCK: tl.constexpr):
        ...     i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        ...     tl.store(out + i, 3 * tl.load(x + i, mask=i < n), mask=i < n)
        >>> import torch, tessera.torch
        >>> x, out = torch.ones(100), torch.empty(100)
        >>> op = tessera.torch.register(scale, name="docs::scale", grid=(1,), constants={"BLOCK": 128}, example=(x, out, 100))
        >>> op(x, out, 100)
        >>> out[:2].tolist(), str(op._opoverload._schema)
        ([3.0, 3.0], 'docs::scale(Tensor x, Tensor(a1!) out, SymInt n) -> ()')
    """
    import torch
    if hasattr(kernel, "run") and hasattr(kernel, "arg_names"):
        function, schema, mutates = _kernel_operator(torch, kernel, schema, grid, mutates, constants or {}, example)
        fake = fake or (lambda *args, **kwargs: None)
    else:
        function = kernel
        if mutates is None and schema is None:
            raise ValueError("a Python function needs `schema`, or `mutates` (() where it writes none of its arguments)")
    mutates = tuple(mutates) if mutates is not None else _written_in(schema)
    if schema is not None and set(mutates) != set(_written_in(schema)):
        raise ValueError(f"the schema {schema!r} says that {_written_in(schema) or 'nothing'} is written, not {mutates}")
    qualified = name or f"tessera::{getattr(kernel, '__name__', function.__name__)}"
    operator = torch.library.custom_op(qualified, function, mutates_args=mutates, schema=schema)
    if fake is not None:
        operator.register_fake(fake)
    if backward is not None:
        operator.register_autograd(backward, setup_context=setup_context)
    return operator


def mutated_args(kernel, *args, **kwargs):
    """The names of the arguments that a kernel writes, as the compiler finds them for these arguments (a compile, no launch); of a
    tuple the leaves, "name.0"."""
    kwargs.setdefault("grid", (1,))
    compiled = kernel.warmup(*args, **kwargs)
    if isinstance(compiled, list):
        return tuple(sorted({name for one in compiled for name in one.mutated_args}))
    return tuple(compiled.mutated_args)


def _written_in(schema):
    """The names that a schema marks as written: ``Tensor(a!) x``, ``Tensor(a!)[] xs``."""
    import re
    return tuple(re.findall(r"\(\w+!\)(?:\[\d*\])?\??\s+(\w+)", schema))


def _kernel_operator(torch, kernel, schema, grid, mutates, constants, example):
    if grid is None:
        raise ValueError("a kernel needs `grid`: a tuple, or a function of the dict of its arguments")
    names = [n for n in kernel.arg_names if n not in constants]
    examples = _by_name(names, example)
    if mutates is None:
        if schema is not None:
            mutates = _written_in(schema)
        elif examples is None:
            raise ValueError("a kernel needs `mutates`, a schema, or `example` arguments for which the compiler finds what it writes")
    if examples is not None:
        # An operator's arguments are whole: one leaf that is written makes the list a written one.
        leaves = mutated_args(kernel, *(_as_argument(examples[n]) for n in names if n in examples), **constants)
        found = tuple(dict.fromkeys(path.split(".")[0] for path in leaves))
        if mutates is None:
            mutates = found
        elif set(found) - set(mutates):
            raise ValueError(f"the kernel also writes {', '.join(sorted(set(found) - set(mutates)))}")
    unknown = set(mutates) - set(names)
    if unknown:
        raise ValueError(f"`mutates` names {', '.join(sorted(unknown))}; the kernel's arguments are {', '.join(names)}")
    schema = schema or _schema_of(torch, kernel, names, mutates, examples)

    def launch(*args, **kwargs):
        bound = {name: _as_argument(value) for name, value in {**dict(zip(names, args)), **kwargs}.items()}
        kernel[grid](**bound, **constants)

    launch.__name__ = kernel.__name__
    return launch, schema, mutates


def _as_argument(value):
    """PyTorch hands tuples over as lists; kernels take tuples."""
    return tuple(map(_as_argument, value)) if isinstance(value, list) else value


def _by_name(names, example):
    if example is None:
        return None
    return dict(example) if isinstance(example, dict) else dict(zip(names, example))


def _list_kind(torch, name, value, written):
    for kind, element in ((torch.Tensor, f"Tensor{written}"), (bool, "bool"), (int, "SymInt"), (float, "float")):
        if value and all(isinstance(v, kind) for v in value):
            return f"{element}[]"
    raise ValueError(f"'{name}' is a tuple, and a schema has lists of one kind alone (tensors, or numbers): register a Python function that "
                     "makes the tuple of arguments of its own")


def _schema_of(torch, kernel, names, mutates, examples):
    """A schema: what is written or an example shows as a tensor is a Tensor, numbers are by their example or annotation."""
    function = kernel
    while not inspect.isfunction(function):
        function = function.fn
    parts = []
    for i, name in enumerate(names):
        parameter = inspect.signature(function).parameters[name]
        value = examples.get(name) if examples is not None else None
        annotation = str(parameter.annotation)
        if isinstance(value, (tuple, list)):
            kind = _list_kind(torch, name, value, f"(a{i}!)" if name in mutates else "")
        elif name in mutates:
            kind = f"Tensor(a{i}!)"
        elif isinstance(value, torch.Tensor) or "*" in annotation or "Tensor" in annotation:
            kind = "Tensor"
        elif isinstance(value, bool):
            kind = "bool"
        elif isinstance(value, float) or "float" in annotation or "fp" in annotation:
            kind = "float"
        elif isinstance(value, int) or "int" in annotation or examples is not None:
            kind = "SymInt"
        else:
            raise ValueError(f"the type of '{name}' is not known: pass `schema` or `example`")
        parts.append(f"{kind} {name}")
    return f"({', '.join(parts)}) -> ()"
