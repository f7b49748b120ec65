# _aggregates.py - classes whose objects are values of a kernel
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect

from tessera.language._constexpr import base_type, base_value, constexpr
from tessera.language._constexpr import tuple as language_tuple
from tessera.language._function import ConstexprFunction


class _aggregate_type(base_type):
    """The type of an aggregate: its class and the types of its fields, in order."""

    def __init__(self, base_cls, fields):
        self.base_cls = base_cls
        self.fields = fields

    def __eq__(self, other):
        return isinstance(other, _aggregate_type) and self.base_cls is other.base_cls and self.fields == other.fields

    def __hash__(self):
        return hash((self.base_cls, tuple(name for name, _ in self.fields)))

    def mangle(self):
        return f"{self.base_cls.__module__}.{self.base_cls.__qualname__}<{', '.join(t.mangle() for _, t in self.fields)}>"


def _is_kernel_code(member):
    from tessera.runtime.jit import JITFunction
    return isinstance(member, (JITFunction, ConstexprFunction))


def _aggregate(cls):
    """Makes a class whose objects live in kernels: fields are the class's annotations, ``__init__`` is Python that runs
    during the compile, methods are jit functions or constexpr functions. Objects may be loop-carried, passed and returned.

    Errors: AttributeError for a field that ``__init__`` left out or that has no annotation, TypeError for a value that
    is not of the annotated class.
    """
    fields = dict(inspect.get_annotations(cls, eval_str=True))

    class aggregate_value(base_value):
        __triton_builtin__ = True
        __triton_aggregate__ = True
        __aggregate_fields__ = fields

        @classmethod
        def _get_instance(this):
            return object.__new__(this)

        def __new__(this, *args, _semantic=None, _generator=None, **kwargs):
            instance = this._get_instance()
            construct = cls.__init__
            if not _is_kernel_code(construct):
                takes = inspect.signature(construct).parameters
                kwargs.update({name: value for name, value in (("_semantic", _semantic), ("_generator", _generator))
                               if name in takes})
            construct(instance, *args, **kwargs)
            for name in fields:
                if not hasattr(instance, name):
                    raise AttributeError(f"constructor for {cls.__name__} did not initialize attribute '{name}'")
            return instance

        # The construction is __new__'s; without this object.__init__ would see the arguments again.
        def __init__(self, *args, **kwargs):
            pass

        def __setattr__(self, name, value):
            if name not in fields:
                raise AttributeError(f"{cls.__name__} has no attribute '{name}'")
            # A constant needs no wrapping by hand; the compiler hands back plain ones too.
            if fields[name] is constexpr and not isinstance(value, base_value):
                value = constexpr(value)
            elif fields[name] is language_tuple and isinstance(value, (tuple, list)):
                value = language_tuple(value)
            if isinstance(fields[name], type) and not isinstance(value, fields[name]):
                raise TypeError(f"Expected {fields[name]} for attribute '{name}', got {type(value)}")
            object.__setattr__(self, name, value)

        @property
        def type(self):
            return _aggregate_type(aggregate_value, [(name, getattr(self, name).type) for name in fields])

    hashed = [cls.__init__]
    for name, member in inspect.getmembers(cls):
        if name != "__init__" and (inspect.isfunction(member) or inspect.ismethod(member) or _is_kernel_code(member)):
            setattr(aggregate_value, name, member)
            hashed.append(member)
    aggregate_value.hash_attrs = hashed
    aggregate_value.__aggregate_class__ = cls
    for attribute in ("__name__", "__module__", "__qualname__", "__doc__"):
        setattr(aggregate_value, attribute, getattr(cls, attribute))
    return aggregate_value
