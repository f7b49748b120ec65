# Functions, classes, statements, lazily evaluated modules: every name that begins with r is compared with CPython.
# SPDX-License-Identifier: Apache-2.0
import enum
import functools
import math
import os
from collections import namedtuple
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NamedTuple, Optional

try:
    from nowhere_to_be_found import answer
except ImportError:
    answer = 42

if os.environ.get("TESSERA_TEST_UNSET_VARIABLE", "0") == "1":
    MODE = "loud"
else:
    MODE = "quiet"

TABLE = {}
for index in range(4):
    TABLE[index] = index * index
TABLE.update(extra="e")
CHAIN = 1
CHAIN = CHAIN + 1
CHAIN += 10
FIRST, (SECOND, *REST) = 1, (2, 3, 4)
LIST = [1]
LIST.append(2)
LIST += [3]
BEFORE = CHAIN
CHAIN = 100


def unused():
    import torch

    return torch.zeros(undefined_name)


def fibonacci(n):
    a, b = 0, 1
    while n > 0:
        a, b = b, a + b
        n -= 1
    return a


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


def is_even(n):
    return n == 0 or is_odd(n - 1)


def is_odd(n):
    return n != 0 and is_even(n - 1)


def primes(limit):
    found = []
    for n in range(2, limit):
        for p in found:
            if n % p == 0:
                break
        else:
            found.append(n)
    return found


def arguments(a, b=2, /, c=3, *args, d, e=5, **kwargs):
    return a, b, c, args, d, e, kwargs


def counter():
    count = 0

    def next_one(step=1):
        nonlocal count
        count += step
        return count

    return next_one


def errors(kind):
    log = []
    try:
        log.append("try")
        if kind == 1:
            raise ValueError("bad", kind)
        if kind == 2:
            [][1]
        if kind == 3:
            {}["missing"]
        if kind == 4:
            return log
    except ValueError as e:
        log.append((type(e).__name__, e.args))
    except LookupError as e:
        log.append(type(e).__name__)
    else:
        log.append("else")
    finally:
        log.append("finally")
    return log


def reraised():
    try:
        try:
            1 / 0
        except ZeroDivisionError:
            raise
    except ArithmeticError as e:
        return str(e)


def checked(x):
    try:
        assert x > 0, f"x is {x}"
    except AssertionError as e:
        return str(e)
    return "fine"


def continued(n):
    total = 0
    for i in range(n):
        if i % 2:
            continue
        if i > 6:
            break
        total += i
    return total


def double(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs) * 2

    return wrapper


@double
def decorated(x):
    return x + 1


class Color(Enum):
    RED = 1
    GREEN = 2
    CRIMSON = 1

    @property
    def pretty(self):
        return self.name.lower()


class Level(IntEnum):
    LOW = enum.auto()
    HIGH = enum.auto()


class Point(NamedTuple):
    x: int
    y: int = 7

    def norm(self):
        return math.sqrt(self.x**2 + self.y**2)


Pair = namedtuple("Pair", "left right")


@dataclass(frozen=True)
class Config:
    block: int
    warps: int = 4
    names: list = field(default_factory=list)

    @property
    def threads(self):
        return self.warps * 32

    @staticmethod
    def default():
        return Config(64)

    @classmethod
    def of(cls, n):
        return cls(block=n, warps=8)


class Shape:
    sides = 0

    def __init__(self, name, *, scale=1):
        self.name = name
        self.scale = scale

    def area(self):
        return 0

    def describe(self):
        return f"{self.name}:{self.area() * self.scale}:{self.sides}"


class Square(Shape):
    sides = 4

    def area(self):
        return 9


class Vector:
    def __init__(self, *v):
        self.v = v

    def __add__(self, o):
        return Vector(*[a + b for a, b in zip(self.v, o.v)])

    def __rmul__(self, k):
        return Vector(*[k * a for a in self.v])

    def __eq__(self, o):
        return isinstance(o, Vector) and self.v == o.v

    def __len__(self):
        return len(self.v)

    def __getitem__(self, i):
        return self.v[i]

    def __call__(self, i):
        return self.v[i] * 10

    def __repr__(self):
        return f"Vector{self.v}"

    def __bool__(self):
        return any(self.v)

    def __neg__(self):
        return -1 * self


r_module = [answer, MODE, TABLE, CHAIN, BEFORE, FIRST, SECOND, REST, LIST]
r_functions = [fibonacci(90), factorial(30), is_even(20), primes(40), continued(20), decorated(4)]
r_arguments = [arguments(1, d=4), arguments(1, 9, 8, 7, 6, d=4, z=0), arguments(1, c=0, d=1, e=2)]
next_one = counter()
r_closure = [next_one(), next_one(5), next_one()]
r_errors = [errors(k) for k in range(5)]
r_errors2 = [reraised(), checked(1), checked(-3)]
r_enum = [Color.RED, Color(2), Color["GREEN"], Color.RED.value, Color.RED.name, Color.CRIMSON is Color.RED, [c.name for c in Color], Color.GREEN.pretty, Color.RED == 1, len(Color)]
r_enum2 = [Level.LOW + 1, Level.HIGH == 2, Level.LOW < Level.HIGH, [10, 20, 30][Level.HIGH], f"{Level.HIGH:d}", {Color.RED: "r"}[Color.RED], isinstance(Level.LOW, int)]
r_namedtuple = [Point(1), Point(3, 4).norm(), Point(x=1, y=2) == (1, 2), Point(5)._replace(x=6), Point(1)._asdict(), Pair(1, right=2), Pair._fields, isinstance(Point(1), tuple)]
r_dataclass = [Config(16), Config(16) == Config(16, 4, []), Config(32).threads, Config.default().block, Config.of(8).warps, Config(1).names]
r_classes = [Shape("s").describe(), Square("q", scale=2).describe(), isinstance(Square("q"), Shape), Square.sides, Shape.area is not Square.area]
r_operators = [Vector(1, 2) + Vector(3, 4), 3 * Vector(1, 2), Vector(1) == Vector(1), Vector(1) != Vector(2), len(Vector(1, 2, 3)), Vector(7, 8)[1], Vector(4)(0), bool(Vector(0)), -Vector(1), 2 in Vector(1, 2), list(Vector(5, 6))]
r_reduce = functools.reduce(lambda a, b: a * b, range(1, 6))


def later(x):
    return x + LATE


LATE = 5
r_late = [later(3), LATE]
