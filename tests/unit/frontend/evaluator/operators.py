# Arithmetic, comparisons, strings, formats: every name that begins with r is compared with CPython.
# SPDX-License-Identifier: Apache-2.0
import math

INTS = [0, 1, -1, 2, -7, 10, 255, 2**31, -(2**63), 2**64 + 12345678901234567890, -(3**100)]
FLOATS = [0.0, -0.0, 0.5, -2.5, 1e-7, 3.141592653589793, 1e16, 1e300, float("inf")]


def attempt(f, *args):
    try:
        return f(*args)
    except ArithmeticError as e:
        return "arithmetic"
    except (TypeError, ValueError) as e:
        return type(e).__name__


r_add = [a + b for a in INTS for b in INTS]
r_sub = [a - b for a in INTS for b in INTS]
r_mul = [a * b for a in INTS for b in INTS]
r_floordiv = [attempt(lambda: a // b) for a in INTS for b in INTS]
r_mod = [attempt(lambda: a % b) for a in INTS for b in INTS]
r_divmod = [attempt(divmod, a, b) for a in INTS for b in INTS]
r_and = [a & b for a in INTS for b in INTS]
r_or = [a | b for a in INTS for b in INTS]
r_xor = [a ^ b for a in INTS for b in INTS]
r_invert = [~a for a in INTS]
r_shift = [(a << n, a >> n) for a in INTS for n in (0, 1, 5, 31, 32, 33, 64, 100)]
r_negative_shift = attempt(lambda: 1 << -1)
r_power = [a**n for a in INTS for n in (0, 1, 2, 3, 7)]
r_inverse_power = [2**-1, (-2) ** -3, 10**-2, 2.0**10, 2**0.5]
r_modpow = [pow(3, 200, 1000007), pow(2, 10, 1), pow(-5, 3, 7)]
r_truediv = [attempt(lambda: a / b) for a in INTS for b in (1, -3, 7, 2**40)]
r_float_ops = [(a + b, a - b, a * b) for a in FLOATS[:-1] for b in FLOATS[:-2]]
r_float_div = [attempt(lambda: (a / b, a // b, a % b)) for a in FLOATS[:-1] for b in (0.5, -2.5, 3.0, 0.0)]
r_mixed = [1 + 2.5, 7 // 2.0, -7 % 2.5, True + 1, True & False, True | 2, not 3, -True, +False]
r_compare = [(a < b, a <= b, a == b, a != b, a > b, a >= b) for a in INTS + FLOATS for b in INTS + FLOATS]
r_chain = [1 < 2 < 3, 1 < 3 < 2, 1 == 1.0 == True, "a" < "b" <= "b", (1, 2) < (1, 3), [1] < [1, 2], not (1 > 2 > 0)]
x = 42
r_is = [None is None, x is not None, True is True, [] == [], {} == {}, {1: 2} == {1: 2.0}, {1, 2} == {2, 1}]
r_in = [1 in [1, 2], 3 not in (1, 2), "bc" in "abcd", "x" in {"x": 1}, 2 in {1, 2}, 5 in range(0, 10, 5)]
r_boolop = [0 or "x", 1 and [], "" or 0 or None, 1 and 2 and 3, None and 1]
r_big = [2**200, -(2**200), int("9" * 50), 0xFFFF_FFFF_FFFF_FFFF_FF, 10**40 // 10**38, 10**40 % 7, 2**64 == 2.0**64]
r_bits = [(255).bit_length(), (0).bit_length(), (-256).bit_length(), (2**70).bit_length(), (7).bit_count()]
r_int = [int(3.9), int(-3.9), int("42"), int("-0x1f", 16), int("0b101", 0), int(" 7 "), int(1e20), int(True)]
r_int_errors = [attempt(int, "4.5"), attempt(int, ""), attempt(int, float("inf")), attempt(int, float("nan"))]
r_float = [float("1.5"), float("-inf"), float(" 2e3 "), float(7), float("nan") != float("nan"), float(2**60)]
r_float_errors = [attempt(float, "x"), attempt(float, ""), attempt(float, "1.0.0")]
r_repr = [1e16, 1e15, 123456789.125, 1e-4, 1e-5, 0.1 + 0.2, 1e22, -0.0, 5e-324, 1.7976931348623157e308]
r_round = [round(2.5), round(3.5), round(-2.5), round(2.675, 2), round(1234, -2), round(1250, -2), round(0.1 + 0.2, 3), round(7)]
r_minmax = [min(3, 1, 2), max([4, 9, 2]), min("b", "a"), max((1, 5), (1, 6)), max([], default=0), min([3, -5], key=abs)]
r_builtins = [abs(-3), abs(-2.5), sum([1, 2.5]), sum([[1], [2]], []), any([0, 1]), all([]), len("añb"), sorted([3, 1, 2], reverse=True)]
r_sorted = [sorted("hello"), sorted([(1, "b"), (0, "z"), (1, "a")]), sorted(["bb", "a", "ccc"], key=len), sorted({3: 0, 1: 0})]
r_sequence = [list(range(5)), list(range(10, 0, -3)), list(zip("ab", [1, 2, 3])), list(enumerate("xy", 1)), list(reversed([1, 2, 3]))]
r_map = [list(map(lambda x: x * 2, [1, 2])), list(filter(None, [0, 1, "", "a"])), list(map(max, [1, 5], [3, 2]))]
r_chars = [ord("a"), chr(8364), hex(255), oct(8), bin(5), hex(-255), bin(0), repr("it's"), repr('a"b'), ascii(3)]
r_slices = ["abcdef"[1:4], "abcdef"[::-1], [1, 2, 3, 4][-2:], (1, 2, 3)[:-1], list(range(10))[8:2:-2], "abc"[5:], "ñandú"[1:3], range(10)[2:8:2]]
r_index = [[1, 2][-1], "xyz"[0], (1, (2, 3))[1][0], {"a": [5]}["a"][0], range(5, 50, 5)[3]]
r_concat = ["a" + "b", [1] + [2], (1,) + (2, 3), "ab" * 3, 2 * [0], () * 5, "x" * -1]
r_strings = ["a,b,c".split(","), "  x y ".split(), "a.b.c".rsplit(".", 1), "-".join(["x", "y"]), " x ".strip(), "xxabxx".strip("x"), "abc".upper(), "Hello World".lower()]
r_strings2 = ["abcabc".replace("b", "X"), "abcabc".replace("b", "X", 1), "abc".startswith("ab"), "abc".endswith(("x", "c")), "hello".find("l"), "hello".rfind("l"), "hello".count("l")]
r_strings3 = ["7".zfill(3), "-7".zfill(4), "x".ljust(3) + "|", "x".rjust(3), "x".center(5, "*"), "a=b=c".partition("="), "a=b=c".rpartition("="), "title case".title()]
r_strings4 = ["abc".removeprefix("a"), "abc".removesuffix("c"), "a\nb\r\nc".splitlines(), "12".isdigit(), "a1".isalnum(), "abc".isidentifier(), "ABC".isupper(), "abc".capitalize()]
r_percent = ["%d %s %r" % (5, "x", "y"), "%5.2f|%-6d|%06.1f" % (3.14159, 42, -2.5), "%x %X %o %%" % (255, 255, 8), "%s" % [1], "%(a)d" % {"a": 3}, "%e" % 12345.678, "%5s|%-5s|" % ("a", "b")]
r_format = ["{} {}".format(1, "a"), "{1} {0}".format("x", "y"), "{a:>5}|{b:<5}|".format(a=1, b="q"), "{:,} {:_}".format(1234567, 1234567), "{0[1]} {1.real}".format([1, 2], 3), "{:{}}".format(5, 4)]
r_specs = [format(3.14159, ".2f"), format(1e10, "g"), format(0.00001234, ".3e"), format(255, "#x"), format(255, "08b"), format(-5, "+d"), format(5, " d"), format(0.256, ".1%"), format("abc", "^9"), format("abc", ".2"), format(True, "d"), format(12345.678, ",.1f"), format(7, "*^7")]
r_specs2 = [format(1.0), format(10**20, ","), format(1234.5, "012.2f"), format(2.5, "n"), format(-0.0, "f"), format(float("inf"), "8.1f"), format(float("nan"), "f"), format(3, ".1f"), format(1e100, ".3")]
x = 42
name = "tl"
r_fstrings = [f"{x}", f"{x:>6}|", f"{x!r:^6}", f"{name!r}", f"{x=}", f"{x + 1 = }", f"{{}}{x}", f"{3.14159:.{2}f}", f"a{'b'}c{1+1}", f"{name:{'<'}{5}}|"]
r_dicts = [{**{"a": 1}, "b": 2}, dict(a=1, b=2), {k: v for k, v in zip("ab", range(2))}, {"a": 1} | {"a": 2, "c": 3}, list({"x": 1, "y": 2}.items()), {"a": 1}.get("z", 9)]
r_sets = [sorted({1, 2} | {3}), sorted({1, 2, 3} & {2, 3, 4}), sorted({1, 2} - {2}), sorted({1, 2} ^ {2, 3}), {1} <= {1, 2}, {1, 2} < {1, 2}, len({1, 1.0, True})]
r_comprehensions = [[i * j for i in range(3) for j in range(i)], [x for x in range(10) if x % 2 if x > 3], {i % 3 for i in range(9)} == {0, 1, 2}, sum(i for i in range(5)), [[j for j in range(i)] for i in range(3)]]
r_conditional = ["yes" if x > 3 else "no", (lambda a, b=2, *c, d=4, **e: (a, b, c, d, e))(1), (lambda *a: a)(*[1, 2], *(3,)), (lambda **k: k)(**{"p": 1}, q=2)]
r_walrus = [(y := 5) + y, [z := 3, z * 2][1]]
r_math = [math.sqrt(2), math.floor(-2.5), math.ceil(2.1), math.trunc(-2.9), math.gcd(48, 36, 8), math.lcm(4, 6), math.factorial(25), math.isqrt(10**30), math.comb(50, 7), math.perm(7, 3), math.prod([1, 2, 3]), math.hypot(3, 4)]
r_math2 = [math.log(100, 10), math.log2(1024), math.log2(2**100), math.log10(1000), math.exp(1), math.pow(2, 0.5), math.sin(1.0), math.atan2(1, -1), math.fmod(-7, 3), math.copysign(3, -0.0), math.inf, math.pi, math.frexp(10.0), math.ldexp(0.5, 5), math.modf(2.5)]
r_math3 = [math.isclose(0.1 + 0.2, 0.3), math.isnan(math.nan), math.isinf(-math.inf), math.erf(0.5), math.tanh(0.3), math.degrees(math.pi), math.ceil(7), math.floor(10**20), math.fsum([0.1] * 10)]
r_math_errors = [attempt(math.sqrt, -1), attempt(math.log, 0), attempt(math.exp, 1000), attempt(math.factorial, -1), attempt(math.floor, math.inf), attempt(math.sqrt, "x")]
r_isinstance = [isinstance(1, int), isinstance(True, int), isinstance(1.0, (int, float)), isinstance("x", str), isinstance((), tuple), isinstance(None, object), issubclass(KeyError, LookupError)]
r_type = [type(1) is int, type("") == str, type([]) is list, type(1.5).__name__, type(True) is int, callable(len), hasattr("x", "join"), getattr([], "nothing", 3), getattr("ab", "upper")()]
r_unpack = [(lambda p: [p[0], *p[1:]])([1, 2, 3]), [*range(3), *"ab"], (*[1], 2), {**{1: 2}}, max(*[3, 4])]
r_nested = repr([1, (2,), {"k": (3.0, None)}, "q", True, ..., slice(1, None, 2), range(3)])
