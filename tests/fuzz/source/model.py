# model.py - what the generator of kernels knows about values: their types, and how large and how exact they are
# SPDX-License-Identifier: Apache-2.0
"""The promotion rules of the language a third time, in its own words, so that generated kernels are well-typed and free of
undefined behaviour. A fault here shows: the drivers compare the types that kernels report with the ones expected here."""
from dataclasses import dataclass, field

WIDTH = {"int1": 1, "int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64,
         "fp16": 16, "bf16": 16, "fp32": 32, "fp64": 64, "fp8e5": 8, "fp8e4nv": 8}
# The dtype's name in triton.language, and in signatures.
LANGUAGE = {**{name: name for name in WIDTH}, "fp16": "float16", "bf16": "bfloat16", "fp32": "float32", "fp64": "float64",
            "fp8e5": "float8e5", "fp8e4nv": "float8e4nv"}
SIGNATURE = {**{name: name.replace("uint", "u").replace("int", "i") for name in WIDTH}, "int1": "i1"}
ELEMENTS = 256  # of each array that kernels read
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["fp16", "bf16", "fp32", "fp64"]
FP8 = ["fp8e5", "fp8e4nv"]
PRECISION = {"fp16": 11, "bf16": 8, "fp32": 24, "fp64": 53, "fp8e5": 3, "fp8e4nv": 4}
LARGEST = {"fp16": 65504.0, "bf16": 3.3e38, "fp32": 3.4e38, "fp64": 1.7e308, "fp8e5": 57344.0, "fp8e4nv": 448.0}


def is_int(ty):
    return ty.startswith(("int", "uint"))


def is_signed(ty):
    return ty.startswith("int") and ty != "int1"


def is_float(ty):
    return ty.startswith(("fp", "bf"))


def bounds(ty):
    if ty == "int1":
        return 0, 1
    return (-(1 << WIDTH[ty] - 1), (1 << WIDTH[ty] - 1) - 1) if is_signed(ty) else (0, (1 << WIDTH[ty]) - 1)


def literal_type(value):
    """The type that a Python number takes by itself."""
    if isinstance(value, bool):
        return "int1"
    if isinstance(value, int):
        return "int32" if -2**31 <= value < 2**31 else "uint32" if 2**31 <= value < 2**32 else "int64" if -2**63 <= value < 2**63 else "uint64"
    size = abs(value)
    return "fp32" if size == 0 or size != size or size == float("inf") or 2.0**-126 <= size <= (2 - 2.0**-23) * 2.0**127 else "fp64"


def kind(ty):
    return 0 if ty == "int1" else 1 if is_int(ty) else 2


def promote(a, b, a_weak=False, b_weak=False, division=False):
    """The type of a binary operator's operands; None where the language refuses them. Weak: a Python number."""
    if a_weak != b_weak:
        weak, strong = (a, b) if a_weak else (b, a)
        if kind(weak) <= kind(strong):
            return "fp32" if division and strong in ("fp16", "bf16") else strong
    for wide in ("fp64", "fp32"):
        if wide in (a, b):
            return wide
    if "fp16" in (a, b):
        return "fp32" if division else "fp16"
    if "bf16" in (a, b):
        return "bf16" if a == b and not division else "fp32"
    if a in FP8 and b in FP8:
        return a if a == b else "fp16"
    if not (is_int(a) and is_int(b)):
        return None
    if division and is_signed(a) != is_signed(b):
        return None
    if is_signed(a) == is_signed(b):
        return a if WIDTH[a] > WIDTH[b] else b
    unsigned, signed = (b, a) if is_signed(a) else (a, b)
    return unsigned if WIDTH[unsigned] >= WIDTH[signed] else signed


@dataclass
class Value:
    """A value of the kernel: how it is written, its type (None: a Python number, `number`), and for floats `size`, a bound of its
    magnitude (infinity: none is known, NaN may be among it), `grain`, a power of two that divides it (0: none is known), and
    `exact`: whether every implementation must give the same bits."""
    text: str
    type: str
    shape: tuple = ()
    size: float = float("inf")
    grain: float = 0.0
    exact: bool = True
    number: object = None
    steps: int = 0
    spread: tuple = field(default_factory=tuple)

    @property
    def weak(self):
        return self.number is not None

    @property
    def numel(self):
        product = 1
        for n in self.shape:
            product *= n
        return product

    @property
    def tame(self):
        """No NaN and no infinity in it."""
        return is_int(self.type) or self.size <= LARGEST[self.type]


def fits(ty, size, grain):
    """Whether numbers up to size that grain divides are all numbers of the type."""
    return grain > 0 and size / grain <= 2.0**PRECISION[ty] and size <= LARGEST[ty]


def broadcast(a, b):
    """The shape of both; None where they do not fit."""
    rank = max(len(a), len(b))
    a, b = (1, ) * (rank - len(a)) + tuple(a), (1, ) * (rank - len(b)) + tuple(b)
    if any(x != y and 1 not in (x, y) for x, y in zip(a, b)):
        return None
    return tuple(max(x, y) for x, y in zip(a, b))
