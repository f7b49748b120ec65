# SPDX-License-Identifier: Apache-2.0
"""Tiles whose strides are known only at run time, read in a loop or counted there: what stays in registers of their offsets. Checked by emulate.py."""
import numpy as np

KERNELS = '''

@triton.jit
def strided(x, out, steps, row, column, M: tl.constexpr, N: tl.constexpr):
    m, n = tl.arange(0, M), tl.arange(0, N)
    total = tl.zeros((M, N), tl.int32)
    for i in range(steps):
        total += tl.load(x + m[:, None].to(tl.int64) * row + n[None, :].to(tl.int64) * column)
        x += 5
    tl.store(out + m[:, None] * N + n[None, :], total)


@triton.jit
def rows(x, out, steps, row, START: tl.constexpr, M: tl.constexpr, N: tl.constexpr):
    m, n = tl.arange(0, M), tl.arange(0, N)
    total = tl.zeros((M, N), tl.int32)
    for i in range(steps):
        total += tl.load(x + START + m[:, None].to(tl.int64) * row + n[None, :])
        x += 5
    tl.store(out + m[:, None] * N + n[None, :], total)


@triton.jit
def walked(x, out, steps, row, M: tl.constexpr, N: tl.constexpr):
    m, n = tl.arange(0, M), tl.arange(0, N)
    total = tl.zeros((M, N), tl.int32)
    for i in range(0, steps * N, N):
        total += tl.load(x + m[:, None] * row + (i + n)[None, :], mask=(i + n)[None, :] < steps * N, other=0)
    tl.store(out + m[:, None] * N + n[None, :], total)


@triton.jit
def mixed(x, out, steps, row, M: tl.constexpr, N: tl.constexpr):
    m, n = tl.arange(0, M), tl.arange(0, N)
    at = m[:, None] * row + n[None, :]
    total = tl.zeros((M, N), tl.int32)
    for i in range(steps):
        total ^= (at + tl.load(x + i)) * 747796405
    tl.store(out + m[:, None] * N + n[None, :], total)


@triton.jit
def unaligned_product(a, b, out, steps, a_row, b_row, M: tl.constexpr, N: tl.constexpr, STEP: tl.constexpr):
    m, n, k = tl.arange(0, M), tl.arange(0, N), tl.arange(0, STEP)
    left, right = a + (m[:, None] * a_row + k[None, :]), b + (k[:, None] * b_row + n[None, :])
    total = tl.zeros((M, N), tl.float32)
    for i in range(steps):
        total = tl.dot(tl.load(left), tl.load(right), total)
        left += STEP
        right += STEP * b_row
    tl.store(out + m[:, None] * N + n[None, :], total)
'''


def cases(rng, compiled, emulator):
    """Pairs of a name and a function that says whether it is right, and in words how. compiled: the PTX of (target, kernel, signature, constants); emulator: what runs it."""

    def run(ptx, x, numbers, M, N):
        return np.frombuffer(emulator([x.tobytes(), bytes(4 * M * N)], numbers=numbers).run(ptx)[1], np.int32)

    # Rows and columns stay, not their sums.
    def strided(M, N):
        x, (steps, row, column) = rng.integers(-1000, 1000, 30000).astype(np.int32), (4, 3, 211)
        ptx = compiled("sm_90a", "strided", "*i32:16,*i32:16,i32,i64,i64", {"M": M, "N": N})
        got = run(ptx, x, [steps, row, column], M, N)
        want = sum(x[5 * i + row * np.arange(M)[:, None] + column * np.arange(N)] for i in range(steps))
        wrong, sums = int(np.sum(got != want.ravel())), ptx[:ptx.index("ld.global")].count("add.s64")
        return not wrong and sums < 64 + 16, f"{wrong} wrong, {sums} additions up to the first load"

    # A lane holds 64 rows of one run of columns: one offset, and a multiple of the stride for each other row.
    def stepped(row, M=1024, N=32, steps=2):
        x, start = rng.integers(-1000, 1000, 40000).astype(np.int32), max(0, -row) * (M - 1)
        ptx = compiled("sm_90a", "rows", "*i32:16,*i32:16,i32,i32", {"START": start, "M": M, "N": N})
        got = run(ptx, x, [steps, row & 0xffffffff], M, N)
        want = sum(x[5 * i + start + row * np.arange(M)[:, None] + np.arange(N)] for i in range(steps))
        wrong, offsets = int(np.sum(got != want.ravel())), ptx[:ptx.index("ld.global")].count("mad.lo.s64")
        return not wrong and offsets < 8, f"{wrong} wrong, {offsets} offsets in front of the loop"

    # A loop walks along rows: what it changes is added to the base once for all of them, and a row is one addition.
    def walked(M, N, steps=3, row=137):
        x = rng.integers(-1000, 1000, M * row).astype(np.int32)
        ptx = compiled("sm_90a", "walked", "*i32:16,*i32:16,i32,i32", {"M": M, "N": N})
        got = run(ptx, x, [steps, row], M, N)
        want = sum(x[row * np.arange(M)[:, None] + i * N + np.arange(N)] for i in range(steps))
        wrong, body = int(np.sum(got != want.ravel())), ptx[:ptx.rindex("ld.global")]
        body = body[body.rindex("$L__BB"):]
        rows, sums = body.count("ld.global") + 1, body.count("add.s64") + body.count("shl.b64")
        return not wrong and rows > 8 and sums < rows + 4, f"{wrong} wrong, {sums} additions and shifts for {rows} rows"

    # Numbers of a lane's places, as random generators take them: rows and columns stay, not their sums.
    def mixed(M, N, steps=3, row=1000003):
        x = rng.integers(-1000, 1000, steps).astype(np.int32)
        ptx = compiled("sm_90a", "mixed", "*i32:16,*i32:16,i32,i32", {"M": M, "N": N})
        got = run(ptx, x, [steps, row], M, N).view(np.uint32)
        at, want = (row * np.arange(M)[:, None] + np.arange(N)).astype(np.uint32), np.zeros((M, N), np.uint32)
        for number in x.view(np.uint32):
            want ^= (at + number) * np.uint32(747796405)
        wrong, sums = int(np.sum(got != want.ravel())), ptx[:ptx.index("ld.global")].count("add.s32")
        return not wrong and sums < M * N // 128, f"{wrong} wrong, {sums} additions up to the first load"

    # Operands whose rows no vector reads, by offsets of 32 bits: what a loop would keep of them leaves no registers for its loads, so it adds them.
    def product(M, N, STEP, a_row, b_row, moved, steps=2):
        a, b = rng.integers(-4, 5, M * a_row).astype(np.float16), rng.integers(-4, 5, steps * STEP * b_row).astype(np.float16)
        ptx = compiled("sm_90a", "unaligned_product", "*fp16:16,*fp16:16,*fp32:16,i32,i32,i32", {"M": M, "N": N, "STEP": STEP})
        got = np.frombuffer(emulator([a.tobytes(), b.tobytes(), bytes(4 * M * N)], numbers=[steps, a_row, b_row]).run(ptx)[2], np.float32)
        want = a.reshape(M, a_row)[:, :steps * STEP].astype(np.float32) @ b.reshape(-1, b_row)[:, :N].astype(np.float32)
        wrong, loop = int(np.sum(got != want.ravel())), ptx[:ptx.index("wgmma.mma_async")]
        sums = loop[loop.rindex("$L__BB"):].count("add.s32")
        return not wrong and (sums >= (M + N) * STEP // 128) == moved, f"{wrong} wrong, {sums} additions in the loop"

    yield "a product of unaligned rows, its offsets added in the loop", lambda: product(128, 128, 32, 67, 131, True)
    yield "a product of unaligned rows, its offsets kept", lambda: product(64, 64, 16, 67, 131, False)
    yield "rows that a loop walks along", lambda: walked(64, 32)
    yield "numbers of places by a stride", lambda: mixed(64, 64)
    yield "offsets by two strides", lambda: strided(128, 64)
    yield "rows by a stride of 37", lambda: stepped(37)
    yield "rows by a stride of -37", lambda: stepped(-37)
