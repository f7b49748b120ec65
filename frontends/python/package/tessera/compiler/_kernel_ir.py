# _kernel_ir.py - the IR of a kernel as an object that programs walk
# SPDX-License-Identifier: Apache-2.0
"""PyTorch finds out which tensors a kernel reads and writes by walking the IR that ``ASTSource.make_ir`` gives, by the methods of
Triton's bindings of MLIR. The compiler here knows the answer; the walk visits a summary that says it."""
from __future__ import annotations

import itertools

_numbers = itertools.count(1)
_POINTER, _READ_ONLY = 2, 1  # kind and flag of a row of the facts' arguments


class _Identified:

    def __init__(self):
        self._id = next(_numbers)

    def id(self):
        return self._id


class _Block(_Identified):

    def __init__(self, arguments, region):
        super().__init__()
        self._arguments, self._region = arguments, region

    def get_num_arguments(self):
        return len(self._arguments)

    def get_argument(self, index):
        return self._arguments[index]

    def get_parent(self):
        return self._region


class _Operation:

    def __init__(self, name, operands=(), regions=(), block=None, attributes=None):
        self._name, self._operands, self._regions, self._block = name, operands, regions, block
        self._attributes = attributes or {}

    def get_name(self):
        return self._name

    def get_num_operands(self):
        return len(self._operands)

    def get_operand(self, index):
        return self._operands[index]

    def get_num_results(self):
        return 0

    def get_num_regions(self):
        return len(self._regions)

    def get_region(self, index):
        return self._regions[index]

    def get_block(self):
        return self._block

    def get_str_attr(self, name):
        return self._attributes.get(name)


class KernelIR:
    """The tile IR of a kernel: ``str(ir)`` is its text, ``verify()`` whether it holds (it does: it was checked when it was made).

    ``walk(function)`` calls ``function`` with operations, inner ones first: of each parameter that the kernel takes at run time and that is
    memory a ``tt.load``, two ``tt.store`` where the kernel may write it (two, so that nobody takes it for a kernel that stores at one
    place), then the ``tt.func``. It is what the kernel does to its arguments and nothing else of it.
    """

    def __init__(self, name, parameters, text, arguments):
        """``parameters``: (name, signature type, None where it is not known) of those taken at run time; ``arguments``: rows of the compiler's facts."""
        self.name, self._text = name, text
        self._parameters = []  # (values that the parameter is for Triton, whether it is memory, whether it may be written)
        for parameter, ty in parameters:
            rows = [row for row in arguments if row[0] == parameter or row[0].startswith(parameter + ".")]
            descriptor = isinstance(ty, str) and ty.startswith("tensordesc")
            written = descriptor or any(kind == _POINTER and not flags & _READ_ONLY for _, _, _, kind, flags in rows)
            # A descriptor is followed by its shape and its strides.
            values = 1 + 2 * (ty.partition("[")[2].partition("]")[0].count(",") + 1) if descriptor else 1
            self._parameters.append((values, descriptor or any(row[3] == _POINTER for row in rows), written))

    def __str__(self):
        return self._text

    def verify(self):
        return True

    def walk(self, function):
        values = [_Identified() for count, _, _ in self._parameters for _ in range(count)]
        region = _Identified()
        block = _Block(values, region)
        first = 0
        for count, memory, written in self._parameters:
            for name in ["tt.load"] * memory + ["tt.store"] * (2 * written):
                function(_Operation(name, (values[first], ), block=block))
            first += count
        function(_Operation("tt.return", block=block))
        function(_Operation("tt.func", regions=(region, ), attributes={"sym_name": self.name}))
