# units.py - the matrix units of emulate.py: mma.sync and wgmma
# SPDX-License-Identifier: Apache-2.0
"""Sources: PTX ISA 9.0, "Matrix Fragments for mma", "Register Fragments and Shared Memory Matrix Layouts", "Matrix descriptor format".

A product is computed when it is started. What a device would leave open until it is over is an error: a register or a byte that it reads and that has changed by then, a sum
that anything but the next product or a move touches, a byte that lanes wrote without a fence of the asynchronous proxy."""
import re

import numpy as np

U = np.uint64
FORMATS = {"f16": 16, "bf16": 16, "tf32": 32, "s8": 8, "e5m2": 8, "e4m3": 8}  # bits of an element


def elements(kind, raw):
    """Numbers of arrays of bits. Of tf32 the unit reads the upper 19 bits."""
    raw = raw.astype(np.uint32)
    if kind == "tf32":
        return (raw & np.uint32(0xffffe000)).view(np.float32).astype(np.float64)
    if kind == "bf16":
        return (raw << np.uint32(16)).view(np.float32).astype(np.float64)
    if kind in ("f16", "e5m2"):  # e5m2 is the upper half of f16
        return (raw << np.uint32(8) if kind == "e5m2" else raw).astype(np.uint16).view(np.float16).astype(np.float64)
    if kind == "s8":
        return raw.astype(np.uint8).view(np.int8).astype(np.float64)
    exponent, fraction = (raw >> 3 & 15).astype(np.int32), (raw & 7).astype(np.float64) / 8
    value = np.where(exponent == 0, np.ldexp(fraction, -6), np.ldexp(1 + fraction, exponent - 7))
    return np.where(raw & 127 == 127, np.nan, np.where(raw & 128, -value, value))


def places(descriptor, size, rows, ks, along_k):
    """Addresses of the elements of an operand, rows (of a, columns of b) by k. size: bytes of an element."""
    swizzle = {1: 128, 2: 64, 3: 32}[descriptor >> 62]
    start, leading, stride = ((descriptor >> shift & 0x3fff) << 4 for shift in (0, 16, 32))
    row, k = np.arange(rows)[:, None], np.arange(ks)[None, :]
    if along_k:
        at = start + row // 8 * stride + row % 8 * swizzle + k * size
    else:
        at = start + row * size // swizzle * leading + row * size % swizzle + k // 8 * stride + k % 8 * swizzle
    return at ^ (at >> 7 & swizzle // 16 - 1) << 4


class Unit:
    """The unit of four warps. emulator: `registers`, `shared`, `value`, `lane`."""

    def __init__(self, emulator):
        self.of = emulator
        self.unfenced = np.zeros(len(emulator.shared), bool)
        self.groups = [[]]  # of what was started: arrays that it reads and what was in them; the last one is open
        self.flying = {}  # sums that are not over: how many groups had been committed
        self.committed = self.over = 0
        self.terms = {}  # how many products a sum of the unit's has in it
        self.most = 0

    def touch(self, op, names, operands):
        """Before any other instruction: `names` are written, `operands` the words that it reads."""
        read = re.findall(r"%[a-z]+\d+", " ".join(operands))
        if op.startswith("mov"):
            source = read[0] if len(read) == 1 and len(names) == 1 else None
            for book in (self.flying, self.terms):
                if source in book:
                    book[names[0]] = book[source]
                elif names[0] in book:
                    del book[names[0]]
            read = [] if source else read
        else:
            for name in names:
                self.flying.pop(name, None)
                self.terms.pop(name, None)
        wrong = [name for name in read if name in self.flying]
        if wrong:
            raise AssertionError(f"{op} reads {wrong[0]}, a sum that is not over")

    def start(self, op, o):
        e = self.of
        m, n, k = 64, int(re.search(r"n(\d+)k", op)[1]), int(re.search(r"k(\d+)\.", op)[1])
        result, left, right = op.split(".")[-3:]
        reads = []
        lists = [[name.strip() for name in x.strip("{}").split(",")] for x in o[:2]]
        in_registers = o[1].startswith("{")
        turned = [x == "1" for x in o[6:]] if FORMATS[left] == 16 else []  # behind the predicate and two signs
        a_turned, b_turned = (turned + [False, False])[:2] if not in_registers else (False, (turned + [False])[0])
        warp, lane = e.lane // 32, e.lane % 32
        a = np.zeros((m, k))
        if in_registers:
            bits = FORMATS[left]
            per = 32 // bits
            for j, name in enumerate(lists[1]):
                word = e.value(name, 32)
                reads.append((name, e.registers[name], None))
                for part in range(per):
                    a[16 * warp + lane // 4 + 8 * (j % 2), per * (lane % 4) + 4 * per * (j // 2) + part] = elements(left, word >> U(bits * part) & U((1 << bits) - 1))
        else:
            a = self.matrix(o[1], left, m, k, not a_turned, reads)
        b = self.matrix(o[2], right, n, k, not b_turned, reads)
        product = a @ b.T
        counts = e.registers[o[3]].any()
        halves = result == "f16"
        for i, name in enumerate(lists[0]):
            old = e.value(name, 32) if counts else np.zeros(e.lane.size, U)
            words = np.zeros(e.lane.size, U)
            for part in range(2 if halves else 1):
                at = 2 * i + part if halves else i
                row, column = 16 * warp + lane // 4 + 8 * (at // 2 % 2), 8 * (at // 4) + 2 * (lane % 4) + at % 2
                if halves:
                    before = (old >> U(16 * part)).astype(np.uint16).view(np.float16).astype(np.float64)
                    words |= (product[row, column] + before).astype(np.float16).view(np.uint16).astype(U) << U(16 * part)
                elif result == "s32":
                    words = (product[row, column] + old.astype(np.uint32).view(np.int32)).astype(np.int64).view(U) & U(0xffffffff)
                else:
                    words = (product[row, column] + old.astype(np.uint32).view(np.float32)).astype(np.float32).view(np.uint32).astype(U)
            e.registers[name] = words
            self.flying[name] = self.committed
            self.count(name, k + (self.terms.get(name, 0) if counts else 0))
        self.groups[-1] += reads

    def matrix(self, operand, kind, rows, ks, along_k, reads):
        """rows x ks of what the descriptor, the same in all lanes, names."""
        e = self.of
        descriptor = e.value(operand)
        if (descriptor != descriptor[0]).any():
            raise AssertionError(f"the lanes have different descriptors in {operand}")
        size = FORMATS[kind] // 8
        at = places(int(descriptor[0]), size, rows, ks, along_k)
        memory = np.frombuffer(e.shared, np.uint8)
        raw = np.zeros((rows, ks), U)
        for byte in range(size):
            if self.unfenced[at + byte].any():
                raise AssertionError(f"a product reads {kind} that lanes wrote, without a fence")
            reads.append((None, at + byte, memory[at + byte]))
            raw |= memory[at + byte].astype(U) << U(8 * byte)
        return elements(kind, raw)

    def count(self, name, terms):
        self.terms[name] = terms
        self.most = max(self.most, terms)

    def commit(self):
        self.groups.append([])
        self.committed += 1

    def wait(self, pending):
        e = self.of
        while len(self.groups) > pending + 1:
            for name, at, what in self.groups.pop(0):
                if name is None and (np.frombuffer(e.shared, np.uint8)[at] != what).any():
                    raise AssertionError("shared memory has changed before the product that reads it was over")
                if name is not None and not np.array_equal(e.registers[name], at):
                    raise AssertionError(f"{name} has changed before the product that reads it was over")
            self.over += 1
        self.flying = {name: group for name, group in self.flying.items() if group >= self.over}

    def together(self, o, kind):
        """mma.sync of 16 x 8. A register of an operand holds elements that follow each other in k; a block of columns has four lanes' registers of a row."""
        e = self.of
        lane = np.arange(32)
        bits = FORMATS[kind]
        per = 32 // bits
        row, k, column = lane // 4, per * (lane % 4), 2 * (lane % 4)
        results = [np.zeros(e.lane.size, np.float32) for _ in range(4)]

        def part_of(name, own, part):
            return elements(kind, e.value(name)[own] >> U(bits * part) & U((1 << bits) - 1))

        for warp in range(e.lane.size // 32):
            own = slice(32 * warp, 32 * warp + 32)
            a, b, c = np.zeros((16, 8 * per), np.float32), np.zeros((8 * per, 8), np.float32), np.zeros((16, 8), np.float32)
            for part in range(per):
                for i in range(4):
                    a[row + 8 * (i % 2), k + 4 * per * (i // 2) + part] = part_of(o[1][i], own, part)
                for i in range(2):
                    b[k + 4 * per * i + part, row] = part_of(o[2][i], own, part)
            for i in range(4):
                c[row + 8 * (i // 2), column + i % 2] = e.floats(o[3][i])[own]
            d = a @ b + c
            for i in range(4):
                results[i][own] = d[row + 8 * (i // 2), column + i % 2]
        terms = [8 * per + self.terms.get(name, 0) for name in o[3]]
        for name, result, count in zip(o[0], results, terms):
            e.registers[name] = result.view(np.uint32).astype(U)
            self.count(name, count)
