# SPDX-License-Identifier: Apache-2.0
"""Shifts by what memory says: the width and more give 0, or the sign. Checked by emulate.py."""
import numpy as np

KERNELS = '''

@triton.jit
def shifted(out, x, by, BLOCK: tl.constexpr, LEFT: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v, n = tl.load(x + at), tl.load(by + at)
    tl.store(out + at, v << n if LEFT else v >> n)
'''


def cases(rng, compiled, emulator):
    """Pairs of a name and a function that says whether it is right, and in words how; see strides.py."""

    # Distances below and above the width, and some whose lower half alone would be a small one.
    def shifted(element, left):
        bits, is_signed, count = int(element[1:]), element[0] == "i", 512
        ptx = compiled("sm_90a", "shifted", ",".join([f"*{element}:16"] * 3), {"BLOCK": count, "LEFT": left})
        kind = np.dtype(("int" if is_signed else "uint") + str(bits))
        x = rng.integers(0, 1 << bits, count, np.uint64).astype(kind) if bits == 64 else rng.integers(0, 1 << bits, count).astype(kind)
        by = np.resize([0, 1, bits // 2, bits - 1, bits, bits + 1, 2 * bits - 1], count).astype(np.uint64)
        by[5::11] += np.uint64(1) << np.uint64(bits - 2)
        by[3::11] += np.uint64(1) << np.uint64(bits // 2)
        by = by.astype(kind)
        got = np.frombuffer(emulator([bytes(x.nbytes), x.tobytes(), by.tobytes()]).run(ptx)[0], kind)
        distances = [min(int(n) % (1 << bits), bits) for n in by]
        want = [int(v) << n if left else int(v) >> n for v, n in zip(x, distances)]
        wrong = sum((int(a) - b) % (1 << bits) != 0 for a, b in zip(got, want))
        return not wrong, f"{wrong} of {count} wrong"

    for element in ("i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"):
        for left in (True, False):
            yield f"{element} shifted {'left' if left else 'right'} by any distance", lambda e=element, at=left: shifted(e, at)
