# test_grid_stride.py - loops over the grid in more programs than a launch asks for: the same results, whatever iterations have in common
# SPDX-License-Identifier: Apache-2.0
"""One program does all iterations in order: what it gives is right. The mock device runs a program for each iteration, the last one first, where the compiler says that nobody
can tell."""
import re
import struct

import numpy as np
import pytest

import tessera
import tessera.language as tl
from tessera.backends.compiler import GPUTarget

from software_devices import active
from test_devices import DeviceArray

N = 1024


@tessera.jit
def scaled(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        v = tl.load(x + row * x_row + i, mask=i < cols, other=0)
        tl.store(y + row * y_row + i, v * 2 + tl.max(v, axis=0), mask=i < cols)


@tessera.jit
def in_place(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        at = y + row * y_row + i
        tl.store(at, tl.load(at, mask=i < cols, other=0) * 2 + tl.load(x + row * x_row, mask=cols > 0), mask=i < cols)


@tessera.jit
def tiles(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    for tile in range(tl.program_id(0), tl.cdiv(rows * cols, BLOCK), tl.num_programs(0)):
        at = tile * BLOCK + tl.arange(0, BLOCK)
        tl.store(y + at, tl.load(x + at, mask=at < rows * cols) + 1, mask=at < rows * cols)


@tessera.jit
def pieces(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        for k in range(0, cols, BLOCK):
            i = k + tl.arange(0, BLOCK)
            tl.store(y + row * y_row + i, tl.load(x + row * x_row + i, mask=i < cols) + row, mask=i < cols)


@tessera.jit
def two_stores(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        v = tl.load(x + row * x_row + i, mask=i < cols, other=0)
        tl.store(y + row * y_row + i, v, mask=i < cols)
        tl.store(x + row * x_row + i, v + 1, mask=i < cols)


@tessera.jit
def last_wins(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        tl.store(y + i, tl.load(x + row * x_row + i, mask=i < cols, other=0), mask=i < cols)


@tessera.jit
def follows(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in range(tl.program_id(0), rows - 1, tl.num_programs(0)):
        v = tl.load(y + row * y_row + i, mask=i < cols, other=0)
        tl.store(y + (row + 1) * y_row + i, v + 1, mask=i < cols)


@tessera.jit
def columns(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        tl.store(y + row + i * y_row, tl.load(x + row * x_row + i))


@tessera.jit
def squares(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    i, j = tl.arange(0, 32)[:, None], tl.arange(0, BLOCK // 32)[None, :]
    for tile in range(tl.program_id(0), tl.cdiv(rows, 32), tl.num_programs(0)):
        r = tile * 32 + i
        v = tl.load(x + r * x_row + j, mask=(r < rows) & (j < cols), other=0)
        tl.store(y + r * y_row + j, v * 3, mask=(r < rows) & (j < cols))


@tessera.jit
def summed(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        tl.store(y + row * y_row, tl.max(tl.load(x + row * x_row + i, mask=i < cols, other=0), axis=0))


@tessera.jit
def told(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        tl.store(y + row * y_row + i, tl.load(x + row * x_row + i) + tl.num_programs(0) + tl.program_id(0))


@tessera.jit
def counted(x, y, x_row, y_row, rows, cols, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        before = tl.atomic_add(y, 1.0)
        tl.store(y + 1 + row * y_row + i, tl.load(x + row * x_row + i) + before)


def result(kernel, name, x_at, y_at, *numbers, block):
    with active(name) as device:
        memory = np.arange(40 * N, dtype=np.float32)
        if name == "cpu":
            kernel[(1, )](memory[x_at:], memory[y_at:], *numbers, BLOCK=block)
            return memory
        held = DeviceArray(device, memory)

        class At:
            dtype = memory.dtype

            def __init__(self, at):
                self.device, self.at = device, at

            def data_ptr(self):
                return held.data_ptr() + 4 * self.at

        kernel[(1, )](At(x_at), At(y_at), *numbers, BLOCK=block)
        device.synchronize()
        return held.fetch()


KERNELS = (scaled, in_place, tiles, pieces, two_stores, last_wins, follows, columns, squares, summed, told, counted)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: k.__name__)
def test_the_same_as_in_order(kernel):
    # Places of x and y in one memory, strides of their rows, rows, columns: apart, one array, shifted, overlapping rows, no rows.
    cases = [(0, 20 * N, N, N, 6, N), (0, 20 * N, N, N, 6, 1000), (0, 20 * N, 1000, 1000, 6, 1000), (0, 0, N, N, 6, N), (0, N, N, N, 6, N),
             (N, 0, N, N, 6, N), (0, 4 * N, N, N, 8, 77), (0, 20 * N, N, N // 2, 6, N), (0, 20 * N, 0, N, 6, N), (0, 20 * N, N, 0, 6, N),
             (8 * N, 30 * N, -N, -N, 6, N), (0, 30 * N, N, -N, 6, 40), (0, 20 * N, N, N, 0, N), (0, 20 * N, N, N, 1, N), (0, 0, N, N // 2, 5, 3),
             (0, 2, 3, 3, 9, 2)]
    compared = 0
    for block in (N, 512):
        for case in cases:
            try:
                found = result(kernel, "mock", *case, block=block)
            except RuntimeError as error:  # lanes of one program race there, or its rows leave the memory
                assert "no barrier between" in str(error) or "in no allocation" in str(error)
                continue
            wanted = result(kernel, "cpu", *case, block=block)
            compared += 1
            assert np.array_equal(found, wanted), (case, block)
    assert compared >= (4 if kernel is columns else 12)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: k.__name__)
def test_which_loops_say_so(kernel):
    with active("mock"):
        numbers = dict(zip(("x_row", "y_row", "rows", "cols"), ("i32", ) * 4))
        compiled = tessera.compile(tessera.compiler.ASTSource(kernel, {"x": "*fp32", "y": "*fp32", **numbers, "BLOCK": "constexpr"}, {"BLOCK": N}))
    assert ("tile.grid_stride" in compiled.asm["ttgir"]) == (kernel not in (last_wins, told, counted)), compiled.asm["ttir"]


def asked(ptx, arguments):
    """The number of programs that the driver computes from packed arguments: (axis, number)."""
    length, values = re.search(r"tsr_grid_strides\[(\d+)\] = \{([^}]*)\}", ptx).groups()
    words = struct.unpack(f"<{int(length) // 8}q", bytes(int(v) for v in values.split(",")).ljust(int(length), b"\0"))
    axis, count, *code = words[1 + (words[0] + 7) // 8:]
    assert len(code) == count
    stack, i = [], 0
    while i < count:
        op, operand, i = code[i] & 255, code[i] >> 8, i + 1
        if op == 1:
            stack.append(int.from_bytes(arguments[operand >> 8:(operand >> 8) + (operand & 255)], "little", signed=True))
        elif op == 2:
            stack.append(code[i])
            i += 1
        elif op == 13:  # sign-extended from so many bits
            stack.append((stack.pop() + (1 << operand - 1)) % (1 << operand) - (1 << operand - 1))
        else:
            b, a = stack.pop(), stack.pop()
            stack.append({3: lambda: a + b, 4: lambda: a - b, 5: lambda: a * b, 9: lambda: a & b, 11: lambda: a ^ b, 20: lambda: -(a < b)}[op]())
    return axis, stack.pop()


def test_a_launch_asks_its_arguments():
    types = {"x": "*fp32", "y": "*fp32", **dict.fromkeys(("x_row", "y_row", "rows", "cols"), "i32"), "BLOCK": "constexpr"}
    ptx = tessera.compile(tessera.compiler.ASTSource(scaled, types, {"BLOCK": N}), target=GPUTarget("cuda", 90, 32)).asm["ptx"]

    def programs(*numbers):
        return asked(ptx, b"".join(n.to_bytes(8 if i < 2 else 4, "little", signed=True) for i, n in enumerate(numbers)))

    x, y = 1 << 40, (1 << 40) + 4 * 100 * N
    assert programs(x, y, N, N, 100, N) == (0, 100), "one ends where the other begins"
    assert programs(x, y, N, N, 101, N) == (0, 0), "x reaches into y"
    assert programs(y, x, N, N, 100, N) == (0, 100)
    assert programs(x, y, N, 1000, 100, 1000) == (0, 100)
    assert programs(x, y, N, 1000, 100, 1001) == (0, 0), "rows of y overlap"
    assert programs(x, y, 0, N, 100, N) == (0, 100), "x may be one row"
    assert programs(x, y, -1, N, 100, N) == (0, 0)
    assert programs(x, x, N, N, 100, N) == (0, 0)
    assert programs(x, y, N, N, 0, N)[1] <= 0 and programs(x, y, N, N, -5, N)[1] <= 0
