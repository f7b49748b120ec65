# tables.py - one expression a kernel: every operator and function on operands of every type
# SPDX-License-Identifier: Apache-2.0
"""``expressions()`` gives all of them, some 100,000; ``kernels(expressions)`` a file and its cases for front.py, which tell the type of each
or that it is refused."""
import itertools
import re

from model import LANGUAGE, WIDTH

NUMBERS = ["True", "False", "0", "1", "-1", "7", "-128", "128", "255", "256", "-32769", "65535", "65536", "2147483647", "2147483648", "-2147483648",
           "-2147483649", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
           "-9223372036854775808", "-9223372036854775809", "0.0", "1.5", "-2.25", "1e-40", "1e39", "1e300", "float('inf')", "float('nan')", "-0.0", "None",
           "'s'", "(1, 2)", "tl.int32"]
CONSTANTS = {"C_1": "1", "C_300": "300", "C_minus": "-5", "C_half": "2.5", "C_true": "True", "C_large": "70000000000"}
VALUES = [f"s_{ty}" for ty in WIDTH] + [f"b_{ty}" for ty in WIDTH] + ["p", "bp"]
OPERANDS = VALUES + NUMBERS + list(CONSTANTS)
BINARY = ["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "==", "!=", "<", "<=", ">", ">=", "and", "or", "is", "is not", "@"]
ONE = ["-{a}", "+{a}", "~{a}", "not {a}", "{a}.to(tl.{d})", "{a}.to(tl.{d}, bitcast=True)", "{a}.to(tl.{d}, fp_downcast_rounding='rtz')", "tl.cast({a}, tl.{d})",
       "tl.full([4], {a}, tl.{d})", "tl.full([], {a}, tl.{d})", "tl.sum({a}, dtype=tl.{d})", "tl.cumsum({a}, dtype=tl.{d})"]
ONE += [f"tl.{name}({{a}})" for name in "abs ceil floor exp exp2 log log2 sin cos sqrt sqrt_rn rsqrt erf sigmoid softmax sort flip ravel trans zeros_like split".split()]
ONE += [f"tl.{name}({{a}}, 0)" for name in "sum max min argmax argmin xor_sum reduce_or cumsum cumprod expand_dims".split()]
ONE += ["tl.sum({a})", "tl.max({a})", "tl.max({a}, 0, return_indices=True)", "tl.min({a}, 0, keep_dims=True)", "tl.histogram({a}, 8)", "tl.topk({a}, 2)",
        "tl.cat({a}, {a}, can_reorder=True)", "tl.clamp({a}, {a}, 5.0)", "tl.view({a}, [2, 4])", "{a}[:, None]", "{a}.exp()", "{a}.floor()", "tl.multiple_of({a}, 8)"]
TWO = [f"tl.{name}({{a}}, {{b}})" for name in "minimum maximum fdiv math.div_rn umulhi cdiv add sub mul broadcast join interleave".split()]
TWO += ["min({a}, {b})", "tl.where(b_int1, {a}, {b})", "tl.where({a}, {b}, 1)", "tl.where({a}, {b}, b_int32)", "{a} if {b} else s_int32"]
THREE = ["tl.fma({a}, {b}, {c})", "tl.clamp({a}, {b}, {c})"]
FEW = ["s_int1", "b_int8", "s_int32", "b_int32", "b_uint32", "b_int64", "b_fp16", "s_fp16", "b_bf16", "b_fp32", "s_fp32", "b_fp64", "b_fp8e5", "1", "1.5", "True", "p", "1e39"]
ATOMICS = ["add", "max", "min", "and", "or", "xor", "xchg"]


def expressions():
    for op in BINARY:
        for a, b in itertools.product(OPERANDS, OPERANDS):
            folded = a not in VALUES and b not in VALUES
            if not (folded and op in ("**", "<<", "*") and max(len(a), len(b)) > 6):  # numbers without end
                yield f"{a} {op} {b}"
    for template in ONE:
        for a in OPERANDS:
            spelled = f"({a})" if "{a}." in template or "{a}[" in template else a
            for ty in LANGUAGE.values() if "{d}" in template else [""]:
                yield template.format(a=spelled, d=ty)
    for template in TWO:
        for a, b in itertools.product(OPERANDS, OPERANDS):
            yield template.format(a=a, b=b)
    for template in THREE:
        for a, b, c in itertools.product(FEW, FEW, FEW):
            yield template.format(a=a, b=b, c=c)
    for ty, block in itertools.product(WIDTH, (False, True)):
        place = f"p.to(tl.pointer_type(tl.{LANGUAGE[ty]}))" + (" + tl.arange(0, 8)" if block else "")
        for a in OPERANDS:
            yield f"tl.load({place}, mask=b_int1, other={a})"
            yield f"tl.load({place}, mask={a})"
            yield f"tl.store({place}, {a})"
            yield f"tl.store({place}, 1, mask={a})"
            yield f"tl.atomic_cas({place}, {a}, {a})"
            yield f"tl.atomic_cas({place}, {'b' if block else 's'}_{ty}, {a})"
            for op in ATOMICS:
                yield f"tl.atomic_{op}({place}, {a})"


def kernels(chosen, path):
    """The text of a file with a kernel an expression, and the cases for front.py."""
    lines, cases = ["import triton", "import triton.language as tl", ""], []
    for index, expression in enumerate(chosen):
        lines += ["", "@triton.jit", f"def k{index}(p):"]
        for name in dict.fromkeys(re.findall(r"\b[bs]_(?:u?int|fp|bf)\w+", expression)):
            shape, ty = ("[8]" if name[0] == "b" else "[]"), name[2:]
            value = f"tl.full({shape}, 1.0, tl.float32).to(tl.{LANGUAGE[ty]})" if ty.startswith("fp8") else f"tl.full({shape}, 1, tl.{LANGUAGE[ty]})"
            lines.append(f"    {name} = {value}")
        if re.search(r"\bbp\b", expression):
            lines.append("    bp = p + tl.arange(0, 8)")
        lines += [f"    {name}: tl.constexpr = {CONSTANTS[name]}" for name in dict.fromkeys(re.findall(r"\bC_\w+", expression))]
        lines += [f"    {expression}", ""] if expression.startswith("tl.store") else [f"    v = {expression}", "    tl.static_print(v)", ""]
        cases.append({"name": f"k{index}", "signature": {"p": "*fp32"}, "expr": expression})
    return "\n".join(lines), {"file": path, "cases": cases}
