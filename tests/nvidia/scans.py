# SPDX-License-Identifier: Apache-2.0
"""Running maxima whose lanes have elements far apart, each with what comes before it. Checked by emulate.py."""
import numpy as np

KERNELS = '''

@triton.jit
def _larger(x, y):
    return tl.maximum(x, y)


@triton.jit
def peaks(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.associative_scan(tl.load(x + at), 0, _larger))
'''


def cases(rng, compiled, emulator):
    """Pairs of a name and a function that says whether it is right, and in words how; see strides.py."""

    def peaks(element, kind):
        x = rng.integers(-100, 100, 1024).astype(kind)
        ptx = compiled("sm_90a", "peaks", f"*{element},*{element}", {"BLOCK": x.size})
        got = np.frombuffer(emulator([bytes(x.nbytes), x.tobytes()]).run(ptx)[0], kind)
        wrong = int(np.sum(got != np.maximum.accumulate(x)))
        return not wrong, f"{wrong} wrong"

    for element, kind in (("fp32", np.float32), ("i32", np.int32)):
        yield f"running maximum of unaligned {element}", lambda e=element, k=kind: peaks(e, k)
