# SPDX-License-Identifier: Apache-2.0
"""Sorts of rows that warps share, and what their exchanges take. Checked by emulate.py."""
import re

import numpy as np

KERNELS = '''

@triton.jit
def ordered(out, x, M: tl.constexpr, N: tl.constexpr, DESCENDING: tl.constexpr):
    at = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(out + at, tl.sort(tl.load(x + at), descending=DESCENDING))


@triton.jit
def largest(out, x, N: tl.constexpr, K: tl.constexpr):
    best = tl.topk(tl.load(x + tl.arange(0, N)), K)
    tl.store(out + tl.arange(0, 128 // K)[:, None] * K + tl.arange(0, K)[None, :], tl.broadcast_to(best[None, :], (128 // K, K)))
'''


def cases(rng, compiled, emulator):
    """Pairs of a name and a function that says whether it is right, and in words how; see strides.py."""

    def numbers(kind, shape):
        if kind is np.float32:
            return rng.choice([-np.inf, -3.5, -0.25, 0, 1e-40, 2, 7.75, np.inf], shape).astype(kind) + rng.integers(-9, 10, shape).astype(kind)
        return rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, shape, kind)

    def result(kernel, element, kind, x, words, constants):
        ptx = compiled("sm_90a", kernel, f"*{element}:16,*{element}:16", constants)
        got = np.frombuffer(emulator([bytes(words * x.itemsize), x.tobytes()]).run(ptx)[0], kind)
        return got, len(re.findall(r"bar(?:rier)?\.(?:cta\.)?sync", ptx))

    def ordered(element, kind, shape, descending, most):
        x = numbers(kind, shape)
        got, barriers = result("ordered", element, kind, x, x.size, {"M": shape[0], "N": shape[1], "DESCENDING": descending})
        want = np.sort(x, axis=1)[:, ::-1] if descending else np.sort(x, axis=1)
        wrong = int(np.sum(got != want.ravel()))
        return not wrong and barriers <= most, f"{wrong} wrong, {barriers} barriers"

    def largest(element, kind, n, k, most):
        x = numbers(kind, n)
        got, barriers = result("largest", element, kind, x, 128, {"N": n, "K": k})
        wrong = int(np.sum(got.reshape(-1, k) != np.sort(x)[::-1][:k]))
        return not wrong and barriers <= most, f"{wrong} wrong, {barriers} barriers"

    # Rows within a warp take none. One exchange where two warps share a row; with four, one for the merge of pairs and one for that of their pairs, as long as a
    # lane has few values. Values of 64 bits have half as many.
    for element, kind, shape, most in (("fp32", np.float32, (4, 64), 0), ("i32", np.int32, (16, 16), 0), ("fp32", np.float32, (2, 64), 1), 
                                       ("fp32", np.float32, (1, 128), 2), ("i32", np.int32, (1, 256), 2), ("i64", np.int64, (1, 256), 2), ("i32", np.int32, (1, 1024), 3)):
        for descending in (False, True):
            yield f"{shape} {element} {'down' if descending else 'up'}", lambda a=(element, kind, shape, descending, most): ordered(*a)
    for element, kind, n, k, most in (("fp32", np.float32, 64, 8, 2), ("i32", np.int32, 128, 8, 3), ("i64", np.int64, 128, 8, 4)):
        yield f"the {k} largest of {n} {element}", lambda a=(element, kind, n, k, most): largest(*a)
