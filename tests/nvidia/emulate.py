#!/usr/bin/env python3
# emulate.py - PTX of small kernels executed in software, against NumPy
# SPDX-License-Identifier: Apache-2.0
"""usage: emulate.py TESSERA

Compiles kernels of one block of 128 lanes for sm_80 and sm_90a and executes their PTX: integer arithmetic, global and shared memory, ldmatrix,
stmatrix, cp.async, mma.sync, wgmma (units.py), conversions, as PTX ISA 8.4 says. So addresses, swizzles, descriptors, fragments and block transfers are tested without a
device. Branches are taken by all lanes or by none. Copies land when they are waited for. Access out of bounds is an error, and so is an address that is no multiple of the access. Last line: `N passed, N failed`."""
import itertools
import math
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

import conversions
import divisions
import elementary
import gathers
import orders
import scans
import shifts
import sorts
import strides
import units
from formats import fp8, from_bf16, fused, saturated, to_bf16, towards_zero

KERNELS = """
import triton
import triton.language as tl


@triton.jit
def product(a, b, c, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr, AT: tl.constexpr, BT: tl.constexpr, CT: tl.constexpr):
    m = tl.arange(0, M)
    n = tl.arange(0, N)
    k = tl.arange(0, K)
    x = tl.load(a + m[:, None] + k[None, :] * M) if AT else tl.load(a + m[:, None] * K + k[None, :])
    y = tl.load(b + k[:, None] + n[None, :] * K) if BT else tl.load(b + k[:, None] * N + n[None, :])
    z = tl.dot(x, y).to(tl.float16)
    if CT:
        tl.store(c + m[:, None] + n[None, :] * M, z)
    else:
        tl.store(c + m[:, None] * N + n[None, :], z)


@triton.jit
def staged(a, b, c, steps, M: tl.constexpr, N: tl.constexpr, STEP: tl.constexpr, K: tl.constexpr, AT: tl.constexpr, BT: tl.constexpr, LIMIT: tl.constexpr = None):
    m = tl.arange(0, M)
    n = tl.arange(0, N)
    k = tl.arange(0, STEP)
    total = tl.zeros((M, N), tl.int32 if a.dtype.element_ty == tl.int8 else tl.float32)
    for _ in tl.range(0, steps, num_stages=2):
        x = tl.load(a + (m[:, None] + k[None, :] * M if AT else m[:, None] * K + k[None, :]))
        y = tl.load(b + (k[:, None] + n[None, :] * K if BT else k[:, None] * N + n[None, :]))
        total = tl.dot(x, y, total, max_num_imprecise_acc=LIMIT)
        a += STEP * M if AT else STEP
        b += STEP if BT else STEP * N
    tl.store(c + m[:, None] * N + n[None, :], total)


@triton.jit
def chained(q, k, v, c, steps, M: tl.constexpr, N: tl.constexpr, D: tl.constexpr):
    m, n, d = tl.arange(0, M), tl.arange(0, N), tl.arange(0, D)
    x = tl.load(q + m[:, None] * D + d[None, :])
    total = tl.zeros((M, D), tl.float32)
    for _ in tl.range(0, steps, num_stages=3):
        s = tl.dot(x, tl.load(k + d[:, None] + n[None, :] * D))
        total = tl.dot(tl.where(s > 0.0, 1.0, -1.0).to(x.dtype), tl.load(v + n[:, None] * D + d[None, :]), total)
        k += N * D
        v += N * D
    tl.store(c + m[:, None] * D + d[None, :], total)


@triton.jit
def divided(quotients, remainders, x, d, BLOCK: tl.constexpr, BOTH: tl.constexpr):
    at = tl.arange(0, BLOCK)
    n, by = tl.load(x + at), tl.load(d + at)
    if BOTH:
        tl.store(quotients + at, n // by)
    tl.store(remainders + at, n % by)


@triton.jit
def counted(out, first, last, STEP: tl.constexpr, FROM: tl.constexpr):
    runs = 0
    for i in range(first if FROM is None else FROM, last, STEP):
        runs += 1 + i % 2
    tl.store(out + tl.arange(0, 128), runs)


@triton.jit
def widened(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at).to(out.dtype.element_ty))


@triton.jit
def fused(out, x, y, z, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.fma(tl.load(x + at), tl.load(y + at), tl.load(z + at)))


@triton.jit
def exponential(out, x, BLOCK: tl.constexpr, FAST: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at)
    tl.store(out + at, tl.exp(v) if FAST else tl.extra.libdevice.exp(v))


@triton.jit
def logarithm(out, x, BLOCK: tl.constexpr, BASE: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at)
    tl.store(out + at, tl.log2(v) if BASE == 2 else tl.log(v))


@triton.jit
def tangent(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.extra.libdevice.tanh(tl.load(x + at)))


@triton.jit
def error_function(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.erf(tl.load(x + at)))


@triton.jit
def of_bytes(out, x, y, BLOCK: tl.constexpr, KIND: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at)
    w = tl.load(y + at)
    if KIND == "+":
        r = v + w
    elif KIND == "-":
        r = v - w
    elif KIND == "logic":
        r = ((v & w) | 5) ^ (v | w)
    elif KIND == "constants":
        r = (v + 200) - (w - 99)
    else:
        r = (v << 3) + (w >> 5)
    tl.store(out + at, r)


@triton.jit
def rows_ahead(out, x, rows, BLOCK: tl.constexpr):
    lane = tl.arange(0, BLOCK)
    for row in tl.range(0, rows, num_stages=2):
        v = tl.load(x + row * BLOCK + lane)
        tl.store(out + row * BLOCK + lane, v - tl.sum(v, axis=0))


@triton.jit
def summed(x, BLOCK: tl.constexpr, REVERSE: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(x + at, tl.cumsum(tl.load(x + at), 0, reverse=REVERSE))


@triton.jit
def chosen(out, label, x, start, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at).to(tl.float32)
    tl.store(out + at, tl.where(start + at == tl.load(label), v - 1.0, v))


@triton.jit
def nibbles(out, x, scale, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    row, column = tl.arange(0, ROWS), tl.arange(0, COLUMNS)
    packed = tl.load(x + row[:, None] * COLUMNS + column[None, :])
    low = (packed & 15).to(tl.int8) - 8
    high = (packed >> 4).to(tl.int8) - 8
    both = tl.join(low, high).permute(0, 2, 1).reshape(2 * ROWS, COLUMNS)
    all_rows = tl.arange(0, 2 * ROWS)
    tl.store(out + all_rows[:, None] * COLUMNS + column[None, :], both.to(tl.float16) * tl.load(scale + column)[None, :])
"""
# What no source says: a bit with a sign.
SIGNS = """
module attributes {tile.level = "tile", tile.options = {num_warps = 4 : i64}} {
  func.func @signs(%out: !tile.ptr<bf16> {tile.divisibility = 16}, %bits: !tile.ptr<i1> {tile.divisibility = 16}) {
    %at = tile.arange 0 to 512 : tensor<512xi32>
    %in = tile.splat %bits : (!tile.ptr<i1>) -> tensor<512x!tile.ptr<i1>>
    %from = tile.addptr %in, %at : (tensor<512x!tile.ptr<i1>>, tensor<512xi32>) -> tensor<512x!tile.ptr<i1>>
    %bit = tile.load %from : (tensor<512x!tile.ptr<i1>>) -> tensor<512xi1>
    %value = arith.sitofp %bit : tensor<512xi1> to tensor<512xbf16>
    %places = tile.splat %out : (!tile.ptr<bf16>) -> tensor<512x!tile.ptr<bf16>>
    %to = tile.addptr %places, %at : (tensor<512x!tile.ptr<bf16>>, tensor<512xi32>) -> tensor<512x!tile.ptr<bf16>>
    tile.store %to, %value : (tensor<512x!tile.ptr<bf16>>, tensor<512xbf16>) -> ()
    return
  }
}
"""
LANES = 128
U = np.uint64


def mask(bits):
    return U((1 << bits) - 1)


class Emulator:
    """One block. Registers are arrays of 64-bit words, one a lane; parameter i is the address (i + 1) << 32 of buffer i, or a number."""

    def __init__(self, buffers, numbers=(), error=0):
        """error: of ex2.approx and rcp.approx, in units of the result's last place."""
        self.error = error
        self.buffers = [bytearray(b) for b in buffers]
        self.parameters = [i + 1 << 32 for i in range(len(buffers))] + list(numbers)
        self.shared, self.registers, self.copies = bytearray(1 << 18), {}, [[]]
        self.lane = np.arange(LANES)
        self.unit = units.Unit(self)

    # ---- operands

    def value(self, text, bits=64):
        text = text.strip()
        if text == "%tid.x":
            v = self.lane.astype(U)
        elif text == "tessera_shared":
            v = np.zeros(LANES, U)
        elif text.startswith("%") or text in self.registers:
            v = self.registers[text]
        elif text.startswith("0f"):
            v = np.full(LANES, int(text[2:], 16), U)
        elif text in ("true", "false"):
            v = np.full(LANES, text == "true", U)
        elif text.startswith("tsr_"):  # a table of constants, which only rare arguments read
            v = np.zeros(LANES, U)
        else:
            v = np.full(LANES, int(text.rstrip("U"), 0) & (1 << 64) - 1, U)
        return v & mask(bits)

    def signed(self, text, bits):
        return (self.value(text, bits) << U(64 - bits)).view(np.int64) >> np.int64(64 - bits)

    def floats(self, text):
        return self.value(text, 32).astype(np.uint32).view(np.float32)

    def set_floats(self, name, values):
        self.registers[name] = np.asarray(values).astype(np.float32).view(np.uint32).astype(U)

    def address(self, text):
        base, _, offset = text.strip("[] ").partition("+")
        return self.value(base) + self.value(offset or "0")

    def window(self, space, address, count):
        address = int(address)
        memory, at = (self.shared, address & 0xffffffff) if space == "shared" else (self.buffers[(address >> 32) - 1], address & 0xffffffff)
        if at + count > len(memory):
            raise IndexError(f"{count} bytes at {address:#x} of {space} memory")
        if at % count:
            raise IndexError(f"{address:#x} of {space} memory is no multiple of {count}")
        return memory, at

    def read(self, space, address, count):
        memory, at = self.window(space, address, count)
        return bytes(memory[at:at + count])

    def write(self, space, address, data):
        memory, at = self.window(space, address, len(data))
        memory[at:at + len(data)] = data

    # ---- statements

    def run(self, ptx):
        body = ptx[ptx.index("{\n", ptx.index(".entry")) + 1:]
        lines = (re.sub(r"//.*", "", line).strip() for line in body.split("\n"))
        text = " ".join(line + ";" * line.endswith(":") for line in lines if line and line[0] != ".")
        statements, labels = [], {}
        for statement in text.split(";"):
            statement = re.sub(r"^[\s{}]+", "", statement).rstrip()
            statement = statement.strip(" {}") if statement.count("{") != statement.count("}") else statement
            if statement.endswith(":"):
                labels[statement[:-1]] = len(statements)
            elif statement and not statement.startswith(".reg"):
                statements.append(statement)
        at = 0
        while at < len(statements):
            statement, at = statements[at], at + 1
            guard = re.match(r"@(!?)(%?\w+) (.*)", statement.replace("\t", " "))
            if guard:
                taken = (self.value(guard[2]) != 0) != bool(guard[1])
                if taken.any() != taken.all():
                    raise NotImplementedError(f"lanes part at {statement}")
                if not taken.any():
                    continue
                statement = guard[3].strip()
            op, _, rest = statement.replace("\t", " ").partition(" ")
            if op == "ret":
                break
            if op in ("bra", "bra.uni"):
                at = labels[rest.strip()]
                continue
            self.execute(op.strip(), [o.strip() for o in re.findall(r"\{[^}]*\}|\[[^\]]*\]|[^,\s][^,]*", rest)])
        return self.buffers

    def execute(self, op, o):
        if op == "bar.sync" or op.startswith(("fence.", "griddepcontrol.", "wgmma.", "cp.async.commit", "cp.async.wait")):
            return self.asynchronous(op, o)
        space, bits = op.split(".")[1] if "." in op else "", int((re.search(r"[busf](\d+)$", op) or [0, 64])[1])
        names = [n.strip() for n in o[0].strip("{}").split(",")]
        if not op.startswith("mma.sync"):
            self.unit.touch(op, names, o[1:])
        two = {"xor": np.bitwise_xor, "or": np.bitwise_or, "and": np.bitwise_and, "add": np.add, "sub": np.subtract}
        kind = op.split(".")[0]
        if op.startswith("ld.param"):
            self.registers[o[0]] = np.full(LANES, self.parameters[int(re.search(r"param_(\d+)", o[1])[1])], U)
        elif kind in ("mov", "cvta"):
            self.move(names, o, bits // 2)
        elif op.endswith("f16x2") and kind in ("add", "sub", "mul"):
            halves = [self.value(x, 32).astype(np.uint32).view(np.float16).reshape(LANES, 2) for x in o[1:]]
            result = {"add": np.add, "sub": np.subtract, "mul": np.multiply}[kind](*halves)
            self.registers[o[0]] = np.ascontiguousarray(result).view(np.uint32)[:, 0].astype(U)
        elif op in ("fma.rn.f16x2", "fma.rn.bf16x2"):
            halves = [np.ascontiguousarray(self.value(x, 32).astype(np.uint32)).view(np.uint16) for x in o[1:]]
            total = fused(*(h.view(np.float16) if op.endswith(".f16x2") else from_bf16(h) for h in halves))
            result = total.astype(np.float16).view(np.uint16) if op.endswith(".f16x2") else to_bf16(total)
            self.registers[o[0]] = result.view(np.uint32).astype(U)
        elif kind in ("shl", "shr"):  # by 32 bits of distance, the width at most
            far, value = np.minimum(self.value(o[2], 32), U(bits)), self.value(o[1], bits)
            by = np.minimum(far, U(63))
            logical = np.where(far > 63, U(0), value << by if kind == "shl" else value >> by)
            self.registers[o[0]] = mask(bits) & ((self.signed(o[1], bits) >> by.astype(np.int64)).view(U) if ".s" in op else logical)
        elif kind in two and "f" not in op.split(".")[-1]:
            self.registers[o[0]] = two[kind](self.value(o[1], bits), self.value(o[2], bits)) & mask(bits)
        elif kind == "setp":
            left, right = (self.floats(x) if op.endswith("f32") else self.signed(x, bits) if ".s" in op else self.value(x, bits) for x in o[1:3])
            compare = op.split(".")[1]
            unordered = np.isnan(left) | np.isnan(right) if op.endswith("f32") else np.zeros(LANES, bool)
            plain = {"eq": left == right, "ne": (left != right) & ~unordered, "lt": left < right, "gt": left > right, "le": left <= right,
                     "ge": left >= right, "nan": unordered, "num": ~unordered}
            holds = plain[compare] if compare in plain else plain[compare[:-1]] | unordered
            self.registers[o[0]] = (holds & (self.value(o[3]) != 0) if ".and." in op else holds).astype(U)
        elif kind == "selp":
            self.registers[o[0]] = np.where(self.value(o[3]) != 0, self.value(o[1], bits), self.value(o[2], bits))
        elif op in ("add.f32", "add.rn.f32", "sub.f32", "sub.rn.f32", "mul.f32", "mul.rn.f32"):
            self.set_floats(o[0], {"add": np.add, "sub": np.subtract, "mul": np.multiply}[kind](self.floats(o[1]), self.floats(o[2])))
        elif op == "add.rz.f32":  # one of them is at most a half, or the sum in f64 is exact: cut there it is what the instruction cuts
            total = self.floats(o[1]).astype(np.float64) + self.floats(o[2])
            self.set_floats(o[0], np.where(np.isfinite(total), (total.view(np.uint64) & ~mask(29)).view(np.float64), total))
        elif op == "min.f16x2":
            halves = [self.value(x, 32).astype(np.uint32).view(np.float16).reshape(LANES, 2) for x in o[1:]]
            self.registers[o[0]] = np.ascontiguousarray(np.fmin(*halves)).view(np.uint32)[:, 0].astype(U)
        elif op == "fma.rn.f32":  # the product is exact in f64; that its sum is rounded there first matters once in 2^29 times
            a, b, c = (self.floats(x).astype(np.float64) for x in o[1:])
            self.set_floats(o[0], a * b + c)
        elif op in ("neg.f32", "not.pred"):
            self.registers[o[0]] = self.value(o[1], 32) ^ U(1 << 31 if kind == "neg" else 1)
        elif op in ("min.f32", "max.f32"):  # of a number and a NaN the number
            self.set_floats(o[0], (np.fmin if kind == "min" else np.fmax)(self.floats(o[1]), self.floats(o[2])))
        elif kind in ("min", "max") and op[4] in "su":
            left, right = (self.signed(x, bits) if op[4] == "s" else self.value(x, bits) for x in o[1:3])
            self.registers[o[0]] = (np.minimum if kind == "min" else np.maximum)(left, right).view(U) & mask(bits)
        elif op == "div.rn.f32":
            self.set_floats(o[0], self.floats(o[1]) / self.floats(o[2]))
        elif kind in ("ex2", "rcp", "sqrt", "lg2", "div") and op.endswith("f32"):  # .approx, .full
            x = self.floats(o[1]).astype(np.float64)
            exact = {"ex2": lambda: np.exp2(x), "rcp": lambda: 1 / x, "sqrt": lambda: np.sqrt(x), "lg2": lambda: np.log2(x),
                     "div": lambda: x / self.floats(o[2])}[kind]().astype(np.float32)
            if op.endswith("ftz.f32"):
                exact = np.where(np.abs(exact) < np.float32(2.0 ** -126), np.copysign(np.float32(0), exact), exact)
            self.set_floats(o[0], np.where(np.isfinite(exact), exact + self.error * np.spacing(np.abs(exact)), exact))
        elif op == "abs.f32":
            self.registers[o[0]] = self.value(o[1], 31)
        elif op == "copysign.f32":  # the first one's sign
            self.registers[o[0]] = self.value(o[1], 32) & U(1 << 31) | self.value(o[2], 31)
        elif op in ("cvt.rn.f32.s32", "cvt.rn.f32.u32"):
            self.set_floats(o[0], self.signed(o[1], 32) if op.endswith("s32") else self.value(o[1], 32))
        elif op in ("cvt.rni.f32.f32", "cvt.rzi.f32.f32"):
            self.set_floats(o[0], (np.rint if "rni" in op else np.trunc)(self.floats(o[1])))
        elif op in ("cvt.rzi.s32.f32", "cvt.rzi.u32.f32"):  # NaN is 0, and what does not fit the nearest that does
            x, least = self.floats(o[1]).astype(np.float64), -2 ** 31 if ".s32" in op else 0
            self.registers[o[0]] = np.clip(np.where(np.isnan(x), 0, np.trunc(x)), least, least + 2 ** 32 - 1).astype(np.int64).view(U) & mask(32)
        elif op.startswith("cvt.rn.satfinite"):
            halves = self.value(o[1], 32).astype(np.uint32).view(np.float16).reshape(LANES, 2) if op.endswith("f16x2") else None
            high, low = (halves[:, 1], halves[:, 0]) if op.endswith("f16x2") else (self.floats(o[1]), self.floats(o[2]))
            kind = re.search(r"e\dm\d", op)[0]
            self.registers[o[0]] = saturated(kind, low).astype(U) | saturated(kind, high).astype(U) << U(8)
        elif op in ("mul.wide.u32", "mul.wide.s32"):
            self.registers[o[0]] = np.multiply(*(self.signed(x, 32).view(U) if op.endswith("s32") else self.value(x, 32) for x in o[1:3]))
        elif kind in ("div", "rem") and op[4] in "su":  # by zero, and the least number by -1: anything, here the dividend
            n, d = (self.signed(x, bits).astype(object) if op[4] == "s" else self.value(x, bits).astype(object) for x in o[1:])
            quotients = [abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if b else a for a, b in zip(n, d)]
            results = quotients if kind == "div" else [a - q * b for a, b, q in zip(n, d, quotients)]
            self.registers[o[0]] = np.array([r & (1 << bits) - 1 for r in results], U)
        elif op.startswith("mul.lo"):
            self.registers[o[0]] = self.value(o[1], bits) * self.value(o[2], bits) & mask(bits)
        elif op == "mad.wide.s32":
            self.registers[o[0]] = (self.signed(o[1], 32) * self.signed(o[2], 32)).view(U) + self.value(o[3], 64)
        elif op.startswith("mad.lo"):
            self.registers[o[0]] = self.value(o[1], bits) * self.value(o[2], bits) + self.value(o[3], bits) & mask(bits)
        elif op == "cvt.rna.tf32.f32":  # what the product does not read of the operands here is zero
            self.registers[o[0]] = self.value(o[1], 32)
        elif op.startswith(("cp.async.ca.shared.global", "cp.async.cg.shared.global")):
            size, leave = int(o[2], 0), self.value(o[3]) if len(o) > 3 else np.zeros(LANES, U)
            for to, source, zero in zip(self.address(o[0]), self.address(o[1]), leave):
                self.copies[-1].append((to, bytes(size) if zero else self.read("global", source, size)))
        elif kind == "bfe":
            self.registers[o[0]] = (self.value(o[1], bits) >> self.value(o[2])) & ((U(1) << self.value(o[3])) - U(1))
        elif op.startswith("shfl.sync.idx"):
            self.registers[o[0]] = self.value(o[1])[self.lane // 32 * 32 + (self.value(o[2]) & U(31)).astype(int)]
        elif op.startswith("shfl.sync.up"):  # the first lanes keep what they have
            self.registers[o[0]] = self.value(o[1], 32)[self.lane - np.where(self.lane % 32 >= int(o[2], 0), int(o[2], 0), 0)]
        elif op.startswith("shfl.sync.bfly"):
            self.registers[o[0]] = self.value(o[1], 32)[self.lane ^ int(o[2], 0)]
        elif op in ("cvt.u64.u32", "cvt.u32.u64", "cvt.u32.u16", "cvt.u16.u32", "cvt.u64.u16"):
            self.registers[o[0]] = self.value(o[1], min(int(n) for n in re.findall(r"\d+", op)))
        elif found := re.fullmatch(r"cvt\.s(\d+)\.s(\d+)", op):  # a narrow number lies in a wider register, its sign too
            to, least = int(found[1]), min(int(found[1]), int(found[2]))
            self.registers[o[0]] = self.signed(o[1], least).view(U) & mask(max(to, 16))
        elif op in ("cvt.rn.f16x2.f32", "cvt.rz.f16x2.f32"):
            high, low = ((towards_zero if ".rz" in op else np.float16)(self.floats(x)).view(np.uint16).astype(U) for x in o[1:])
            self.registers[o[0]] = low | high << U(16)
        elif kind == "prmt":
            self.permute(o)
        elif kind in ("ld", "st"):
            self.access(kind, space, bits // 8, names if kind == "ld" else [n.strip() for n in o[1].strip("{}").split(",")],
                        self.address(o[1] if kind == "ld" else o[0]))
        elif kind in ("ldmatrix", "stmatrix"):
            self.blocks(kind, "trans" in op, names if kind == "ldmatrix" else [n.strip() for n in o[1].strip("{}").split(",")],
                        self.address(o[1] if kind == "ldmatrix" else o[0]))
        elif op.startswith("mma.sync.aligned.m16n8k") and op.endswith(("f32.f16.f16.f32", "f32.tf32.tf32.f32", "f32.e5m2.e5m2.f32")):
            self.unit.together([[n.strip() for n in x.strip("{}").split(",")] for x in o], op.split(".")[-2])
        else:
            raise NotImplementedError(f"{op} {', '.join(o)}")

    def asynchronous(self, op, o):
        if op.startswith("wgmma.mma_async"):
            self.unit.start(op, o)
        elif op.startswith("wgmma.commit"):
            self.unit.commit()
        elif op.startswith("wgmma.wait"):
            self.unit.wait(int(o[0]))
        elif op.startswith("cp.async.commit"):
            self.copies.append([])
        elif op.startswith("cp.async.wait"):
            while len(self.copies) > int(o[0]) + 1:
                for to, data in self.copies.pop(0):
                    self.write("shared", to, data)
        elif op.startswith("fence.proxy.async"):
            self.unit.unfenced[:] = False

    def move(self, names, o, half):
        if o[1].startswith("{"):
            low, high = (self.value(x, half) for x in o[1].strip("{}").split(","))
            self.registers[o[0]] = low | high << U(half)
        elif len(names) == 2:
            self.registers[names[0]], self.registers[names[1]] = self.value(o[1], half), self.value(o[1], 2 * half) >> U(half)
        else:
            self.registers[o[0]] = self.value(o[1])

    def permute(self, o):
        word, result = self.value(o[1], 32) | self.value(o[2], 32) << U(32), np.zeros(LANES, U)
        for i in range(4):
            nibble = int(o[3].rstrip("U"), 0) >> 4 * i & 15
            byte = word >> U(8 * (nibble & 7)) & U(255)
            if nibble & 8:
                byte = np.where(byte & U(128), U(255), U(0))
            result |= byte << U(8 * i)
        self.registers[o[0]] = result

    def access(self, kind, space, size, names, addresses):
        for lane, address in enumerate(addresses):
            if kind == "st":
                data = b"".join((int(self.value(n)[lane]) & (1 << 8 * size) - 1).to_bytes(size, "little") for n in names)
                self.write(space, address, data)
                if space == "shared":
                    at = int(address) & 0xffffffff
                    self.unit.unfenced[at:at + len(data)] = True
        if kind == "ld":
            whole = np.array([np.frombuffer(self.read(space, a, size * len(names)), f"u{size}") for a in addresses]).astype(U)
            for i, name in enumerate(names):
                self.registers[name] = whole[:, i]

    def blocks(self, kind, transposed, names, addresses):
        """8 x 8 blocks of 16 bits: lane 8 j + r of a warp has the address of row r of block j, lane l the elements (l / 4, 2 (l % 4)) and the next."""
        lane = np.arange(32)
        for j, name in enumerate(names):
            words = np.zeros(LANES, U) if kind == "ldmatrix" else self.value(name)
            for warp in range(LANES // 32):
                rows = addresses[32 * warp + 8 * j:32 * warp + 8 * j + 8]
                block = np.zeros((8, 8), np.uint16)
                own = slice(32 * warp, 32 * warp + 32)
                if kind == "ldmatrix":
                    block = np.array([np.frombuffer(self.read("shared", a, 16), np.uint16) for a in rows])
                    block = block.T if transposed else block
                    words[own] = block[lane // 4, 2 * (lane % 4)].astype(U) | block[lane // 4, 2 * (lane % 4) + 1].astype(U) << U(16)
                    continue
                block[lane // 4, 2 * (lane % 4)], block[lane // 4, 2 * (lane % 4) + 1] = words[own] & mask(16), words[own] >> U(16)
                for row, a in zip(block.T if transposed else block, rows):
                    self.write("shared", a, np.ascontiguousarray(row).tobytes())
                    self.unit.unfenced[int(a) & 0xffffffff:(int(a) & 0xffffffff) + 16] = True
            if kind == "ldmatrix":
                self.registers[name] = words


def main(tessera):
    passed = failed = 0
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder, np.errstate(all="ignore"):
        source, out = pathlib.Path(folder) / "kernels.py", pathlib.Path(folder) / "out.ptx"
        source.write_text(KERNELS + elementary.KERNEL + strides.KERNELS + orders.KERNELS + gathers.KERNELS + scans.KERNELS + shifts.KERNELS + sorts.KERNELS + conversions.KERNELS + divisions.KERNELS)

        def compiled(target, kernel, signature, constants):
            subprocess.run([tessera, "compile", "--in-process", f"{source}:{kernel}", f"--target=nvidia/{target}", "-s", signature,
                            *[word for name, value in constants.items() for word in ("-D", f"{name}={value}")], "--num-warps", "4", "--emit=asm",
                            "-o", str(out)], check=True)
            return out.read_text()

        def check(name, run):
            nonlocal passed, failed
            try:
                right, words = run()
            except Exception as error:
                right, words = False, f"{type(error).__name__}: {error}"
            passed, failed = passed + right, failed + (not right)
            print(f"{'ok  ' if right else 'FAIL'} {name}: {words}", flush=True)

        def product(target, M, N, K, AT, BT, CT):
            ptx = compiled(target, "product", "*fp16:16,*fp16:16,*fp16:16", dict(M=M, N=N, K=K, AT=AT, BT=BT, CT=CT))
            a, b = (rng.integers(-4, 5, shape).astype(np.float16) for shape in ((M, K), (K, N)))
            truth = a.astype(np.float32) @ b.astype(np.float32)
            buffers = [np.ascontiguousarray(a.T if AT else a).tobytes(), np.ascontiguousarray(b.T if BT else b).tobytes(), bytes(2 * M * N)]
            c = np.frombuffer(Emulator(buffers).run(ptx)[2], np.float16).reshape((N, M) if CT else (M, N))
            wrong = int(np.sum((c.T if CT else c) != truth.astype(np.float16)))
            used = [w for w in ("wgmma", "mma.sync", "ldmatrix", "stmatrix") if w in ptx]
            return wrong == 0, f"{wrong} elements wrong; {', '.join(used)}"

        for target, shape, (AT, BT, CT) in itertools.product(("sm_80", "sm_90a"), ((64, 64, 32), (64, 128, 64), (64, 32, 64)),
                                                           ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))):
            check(f"product {target} {shape} {'a' * AT}{'b' * BT}{'c' * CT}", lambda: product(target, *shape, bool(AT), bool(BT), bool(CT)))

        stored = {"fp8e5": lambda x: (x.view(np.uint16) >> 8).astype(np.uint8), "fp8e4nv": lambda x: saturated("e4m3", x), "i8": lambda x: x.astype(np.int8),
                  "fp16": lambda x: x, "fp32": lambda x: x.astype(np.float32), "bf16": lambda x: to_bf16(x.astype(np.float64))}

        def staged(target, element, M, N, STEP, turned="", most=None, wanted="", **limit):
            """most: products that are added to each other in the unit; without a limit all."""
            steps = 3
            K = STEP * steps
            out, sums = ("i32", np.int32) if element == "i8" else ("fp32", np.float32)
            ptx = compiled(target, "staged", f"*{element}:16,*{element}:16,*{out}:16,i32", dict(M=M, N=N, STEP=STEP, K=K, AT="a" in turned, BT="b" in turned, **limit))
            a, b = (rng.integers(-4, 5, shape).astype(np.float16) for shape in ((M, K), (K, N)))  # in fp8e5, too, nothing is lost
            truth = (a.astype(np.float64) @ b.astype(np.float64)).astype(sums)
            buffers = [np.ascontiguousarray(stored[element](x.T if c in turned else x)).tobytes() for c, x in (("a", a), ("b", b))]
            emulator = Emulator([*buffers, bytes(4 * M * N)], numbers=[steps])
            got = np.frombuffer(emulator.run(ptx)[2], sums).reshape(M, N)
            wrong, copies = int(np.sum(got != truth)), len(re.findall(r"cp\.async\.c[ag]", ptx))
            summed = emulator.unit.most in (most or K, 0)
            used = [w for w in ("wgmma", "mma.sync", "ldmatrix", "stmatrix") if w in ptx]
            return wrong == 0 and copies > 0 and summed and wanted in ptx, f"{wrong} elements wrong; {copies} copies, {emulator.unit.most} products in a sum; {', '.join(used)}"

        # Operands whose products read them otherwise than copies fill them: the copies' 16 bytes stay together in the slots' swizzles.
        for target, element, shape in itertools.product(("sm_80", "sm_90a"), ("fp8e5", "fp16", "fp32"), ((64, 64, 32), (32, 256, 32), (64, 512, 32))):
            if element == "fp32" and shape[1] == 512:
                continue  # too large
            check(f"staged {target} {element} {shape}", lambda: staged(target, element, *shape))
        # Every order of both operands. What lies across k passes through registers, changes places with the other, is turned round: 32 columns are no 64 rows.
        for (element, step), turned, (m, n) in itertools.product((("fp32", 16), ("fp8e5", 32), ("fp8e4nv", 64), ("i8", 64), ("bf16", 32)), ("", "a", "b", "ab"),
                                                                 ((64, 64), (128, 64), (64, 32))):
            check(f"wgmma {element} {m}x{n}x{step}, {turned or 'none'} turned", lambda: staged("sm_90a", element, m, n, step, turned, wanted="wgmma"))
        # Sums of so many products of fp8, added to the others; nowhere are there more.
        for limit, turned in itertools.product((32, 64), ("", "b")):
            check(f"sums of {limit} fp8e5, {turned or 'none'} turned", lambda: staged("sm_90a", "fp8e5", 64, 64, 128, turned, most=limit, wanted="wgmma", LIMIT=limit))

        # Weights of lanes times a v whose rows are contiguous: it is turned round, and the product runs on into the next iteration.
        def chained(element, M, N, D):
            steps = 4
            ptx = compiled("sm_90a", "chained", ",".join([f"*{element}:16"] * 3) + ",*fp32:16,i32", dict(M=M, N=N, D=D))
            q, k, v = (rng.integers(-2, 3, shape).astype(np.float16) for shape in ((M, D), (N * steps, D), (N * steps, D)))
            truth = np.where(q.astype(np.float32) @ k.astype(np.float32).T > 0, 1, -1) @ v.astype(np.float32)
            buffers = [*(stored[element](x).tobytes() for x in (q, k, v)), bytes(4 * M * D)]
            wrong = int(np.sum(np.frombuffer(Emulator(buffers, numbers=[steps]).run(ptx)[3], np.float32).reshape(M, D) != truth))
            return wrong == 0 and "mma.sync" not in ptx, f"{wrong} elements wrong"

        for element, (m, n, d) in itertools.product(("fp8e5", "fp8e4nv", "fp32", "fp16"), ((64, 32, 64), (64, 64, 64), (128, 64, 32))):
            check(f"chained {element} {m}x{n}x{d}", lambda: chained(element, m, n, d))

        def widened(element, to, numpy):
            ptx = compiled("sm_90a", "widened", f"*{to}:16,*{element}:16", {"BLOCK": 512})
            x = np.arange(512).astype(np.uint8)
            got = np.frombuffer(Emulator([bytes(512 * numpy().itemsize), x.tobytes()]).run(ptx)[0], numpy)
            want = (x.view(np.int8) if element == "i8" else x).astype(numpy)
            return bool(np.array_equal(got, want)), f"{int(np.sum(got != want))} of 512 wrong"

        for element in ("i8", "u8"):
            check(f"{element} to fp16", lambda: widened(element, "fp16", np.float16))
        check("fp8e4nv to fp16, one a lane", lambda: ("cvt.rn.f16x2.e4m3x2" in compiled("sm_90a", "widened", "*fp16:16,*fp8e4nv:16", {"BLOCK": 128}), "not by the pair's instruction"))

        def signs():
            tile, request = (pathlib.Path(folder) / name for name in ("signs.tile", "request.json"))
            tile.write_text(SIGNS)
            request.write_text('{"kernel": "signs", "target": "nvidia/sm_90a", "emits": "ptx", "options": [["file", "signs.tile"]]}')
            subprocess.run([tessera, "compile", "--from-tile", str(tile), "--request", str(request), "--emit=ptx", "-o", str(out)], check=True)
            bits = rng.integers(0, 2, 512).astype(np.uint8)
            got = from_bf16(np.frombuffer(Emulator([bytes(1024), bits.tobytes()]).run(out.read_text())[0], np.uint16))
            return bool(np.array_equal(got, -bits.astype(np.float32))), f"{int(np.sum(got != -bits.astype(np.float32)))} of 512 wrong"

        check("a signed bit to bf16", signs)  # LLVM 22 makes 1 of -1 where it is asked for the conversion

        def multiply_added(element, target):
            ptx = compiled(target, "fused", ",".join([f"*{element}:16"] * 4), {"BLOCK": 512})
            half = element == "fp16"
            # Odd products of one binary digit more than the type has: middles of two numbers, with addends that f32 loses beside them.
            x = np.where(rng.integers(0, 2, 512), 1, -1) * (33.0 if half else 17.0 * 2.0 ** 40)
            y = (63 if half else 17) + 2.0 * rng.integers(0, 7, 512)
            z = np.where(rng.integers(0, 2, 512), 1, -1) * (2.0 ** -20 if half else 2.0 ** -30)
            stored = [v.astype(np.float16).view(np.uint16) if half else to_bf16(v) for v in (x, y, z)]
            got = np.frombuffer(Emulator([bytes(1024), *(v.tobytes() for v in stored)]).run(ptx)[0], np.uint16)
            step = 2 if half else 2.0 ** 41  # between two numbers
            want = (np.floor(x * y / step) + (z > 0)) * step
            twice = np.rint(x * y / step) * step
            got = got.view(np.float16).astype(np.float64) if half else from_bf16(got).astype(np.float64)
            wrong = int(np.sum(got != want))
            return wrong == 0 and bool(np.any(twice != want)), f"{wrong} of 512 wrong"

        for element, target in (("fp16", "sm_80"), ("fp16", "sm_90a"), ("bf16", "sm_80"), ("bf16", "sm_90a")):
            check(f"fma of {element} rounds once, {target}", lambda: multiply_added(element, target))

        def divided(element, both):
            bits, unsigned = int(element[1:]), element[0] == "u"
            count = 512 * 32 // bits  # a run of 16 bytes a lane, and no order of several
            ptx = compiled("sm_90a", "divided", ",".join([f"*{element}:16"] * 4), {"BLOCK": count, "BOTH": both})
            least = 0 if unsigned else -1 << bits - 1
            n = np.array([int(v) >> int(shift) for v, shift in zip(rng.integers(least, least + (1 << bits) - 1, count, np.uint64 if unsigned and bits == 64 else np.int64), rng.integers(0, bits, count))])
            d = np.resize(np.array([1, 3, 7, 16, 1 << bits - 2, 0, 5] + ([] if unsigned else [-1, -3, -16, least])), count)
            n[:16] = least
            stored = [v.astype(("uint" if unsigned else "int") + element[1:]) for v in (n, d)]
            buffers = Emulator([bytes(count * bits // 8)] * 2 + [v.tobytes() for v in stored]).run(ptx)
            defined = [i for i in range(count) if d[i] and not (n[i] == least and d[i] == -1)]
            got = [np.frombuffer(b, stored[0].dtype)[defined] for b in buffers[:2]]
            quotients = [abs(int(n[i])) // abs(int(d[i])) * (1 if (n[i] < 0) == (d[i] < 0) else -1) for i in defined]
            want = [quotients, [int(n[i]) - q * int(d[i]) for i, q in zip(defined, quotients)]]
            wrong = sum(int(a) != b for g, w in list(zip(got, want))[0 if both else 1:] for a, b in zip(g, w))
            guards = len(re.findall("selp|setp", ptx))
            # One instruction gives both, and the remainder alone has its own.
            used = {word for word in ("div", "rem") if re.search(rf"\t{word}\.[su]", ptx)}
            right = used == {"div" if both else "rem"}
            return wrong == 0 and len(defined) > count * 3 // 4 and not guards and right, f"{wrong} wrong, {guards} guards, by {used}"

        for element in ("i32", "u32", "i64", "u64"):
            for both in (True, False):
                check(f"division of {element} without guards, {'both' if both else 'remainder'}", lambda: divided(element, both))

        most = (1 << 31) - 1

        def counted(step, start, cases):
            """Ends near the largest number, where the variable would pass it."""
            ptx = compiled("sm_90a", "counted", "*i32:16,i32,i32", {"STEP": step, "FROM": start})
            wrong = []
            for first, last in cases:
                want = sum(1 + (i & 1) * (1 if i >= 0 else -1) for i in range(first if start is None else start, last, step)) & 0xffffffff
                got = np.frombuffer(Emulator([bytes(512)], numbers=[first & 0xffffffff, last & 0xffffffff]).run(ptx)[0], np.uint32)
                if set(got.tolist()) != {want}:
                    wrong.append((first, last, want, int(got[0])))
            return not wrong, f"{wrong}"

        for step, start in ((1, None), (4, None), (3, None), (1, 0), (4, 0), (7, 5), (1 << 30, 0), (1 << 28, None)):
            low = [start] if start is not None else [0, 3, -5, most - 9, -most - 1]
            long = step >= 1 << 20
            check(f"loops from {start}, by {step}", lambda: counted(step, start, [(first, last) for first in low for last in (
                  (most, most - 1, 1 << 30, (1 << 30) + 1, -7, 0) if long else (0, 1, first - 1, first, *(first + n for n in (1, 4, 5, 9) if first + n <= most)) if first > -most - 1 else (first, first + 1, first + 6))]))

        def narrowed(element, numpy, to, kind, block):
            ptx = compiled("sm_90a", "widened", f"*{to}:16,*{element}:16", {"BLOCK": block})
            table = fp8(kind)
            between = (table[1:] + table[:-1]) / 2
            x = np.concatenate([table, between, between * 1.001, [table[-1] * 1.03, table[-1] * 1.2, 6e4, np.inf, np.nan]]).astype(np.float32)
            x = np.resize(np.concatenate([x, -x]), (len(x) * 2 + 511) // block * block)
            want = saturated(kind, (x.astype(np.float16) if element == "fp16" else (x.view(np.uint32) & 0xffff0000).view(np.float32) if element == "bf16" else x))
            stored = x.astype(np.float16) if element == "fp16" else (x.view(np.uint32) >> 16).astype(np.uint16) if element == "bf16" else x
            got = np.concatenate([np.frombuffer(Emulator([bytes(block), part.tobytes()]).run(ptx)[0], np.uint8) for part in stored.reshape(-1, block)])
            nan = want & 0x7f == 0x7f
            wrong = int(np.sum(np.where(nan, got & 0x7f, got) != np.where(nan, 0x7f, want)))
            return wrong == 0 and ("min.f16x2" if kind == "e4b15" else "cvt.rn.satfinite") in ptx, f"{wrong} of {len(x)} wrong"

        for (element, numpy), (to, kind) in itertools.product((("fp32", np.float32), ("fp16", np.float16), ("bf16", None)),
                                                              (("fp8e4nv", "e4m3"), ("fp8e5", "e5m2"), ("fp8e4b15", "e4b15"))):
            check(f"{element} to {to} saturates", lambda: narrowed(element, numpy, to, kind, 512))
            if kind != "e4b15":
                check(f"{element} to {to} saturates, one a lane", lambda: narrowed(element, numpy, to, kind, 128))

        def ulps(got, want):
            """Of the results' units in the last place."""
            unit = np.spacing(np.abs(want).astype(np.float32)).astype(np.float64)
            error = np.abs(got.astype(np.float64) - want) / unit
            return np.where((got == want.astype(np.float32)) | (np.isnan(got) & np.isnan(want)), 0, error)

        def function(kernel, constants, true, values, errors, most):
            ptx = compiled("sm_90a", kernel, "*fp32:16,*fp32:16", {"BLOCK": 512, **constants})
            x = np.resize(values.astype(np.float32), (len(values) + 511) // 512 * 512)
            want = true(x.astype(np.float64))
            worst = 0.0
            for error in errors:
                got = [np.frombuffer(Emulator([bytes(2048), part.tobytes()], error=error).run(ptx)[0], np.float32) for part in x.reshape(-1, 512)]
                worst = max(worst, float(np.max(ulps(np.concatenate(got), want))))
            calls = re.findall(r"div\.rn|call|\.f64", ptx) if "div_rn" not in repr(constants) else []
            return worst <= most and not calls, f"{worst:.2f} ulp, {most} allowed" + ", ".join(["", *calls])

        special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-40, 88.7, 88.8, 89, -87.4, -100, -103.9, -104.1, -150, 1e30, -1e30])
        powers = np.concatenate([special, rng.uniform(-105, 90, 6000), rng.uniform(-1, 1, 2000)])
        def fast():
            ptx = compiled("sm_90a", "exponential", "*fp32:16,*fp32:16", {"BLOCK": 128, "FAST": True})
            ops = re.findall(r"^\s*(ex2|mul|fma|setp|selp)[.\w]*f32", ptx, re.M)
            return sorted(ops) == ["ex2", "mul"], ", ".join(ops)

        check("tl.exp is a multiplication and ex2", fast)
        # ex2.approx is right to 2 ulp, rcp.approx to 1 (PTX ISA).
        check("exp, exact steps", lambda: function("exponential", {"FAST": False}, np.exp, powers, (0,), 1))
        check("exp, with the error of ex2", lambda: function("exponential", {"FAST": False}, np.exp, powers, (-2, -1, 1, 2), 4))
        positive = np.concatenate([special, np.exp(rng.uniform(-103, 88, 6000)), rng.uniform(0.5, 2, 3000), 1 + rng.uniform(-1e-3, 1e-3, 1000)])
        for base, true in ((2, np.log2), (0, np.log)):
            check(f"log, base {base or 'e'}", lambda: function("logarithm", {"BASE": base}, true, positive, (-1, 0, 1), 2))
        slopes = np.concatenate([special, rng.uniform(-11, 11, 4000), rng.uniform(-1, 1, 2000), np.exp(rng.uniform(-103, 0, 3000))])
        check("tanh", lambda: function("tangent", {}, np.tanh, slopes, (-1, 0, 1), 2))
        erf = np.vectorize(math.erf)
        sides = np.concatenate([slopes, rng.uniform(0.9, 4.2, 3000), [1, -1, 4, -4]])
        check("erf", lambda: function("error_function", {}, erf, sides, (-2, 0, 2), 3))

        for name, true, values, most in elementary.cases(rng, special, positive):
            check(name, lambda: function("elementary", {"F": repr(name)}, true, values, (-1, 0, 1), most))

        def of_bytes(kind):
            ptx = compiled("sm_90a", "of_bytes", "*u8:16,*u8:16,*u8:16", {"BLOCK": 2048, "KIND": repr(kind)})
            v, w = rng.integers(0, 256, (2, 2048)).astype(np.uint8)
            got = np.frombuffer(Emulator([bytes(2048), v.tobytes(), w.tobytes()]).run(ptx)[0], np.uint8)
            want = {"+": v + w, "-": v - w, "logic": ((v & w) | 5) ^ (v | w), "constants": (v + np.uint8(200)) - (w - np.uint8(99)),
                    "shifts": (v << 3) + (w >> 5)}[kind]
            singly = len(re.findall(r"(add|sub|and|or|xor|shl|shr)\.[su]?b?16\b", ptx))
            return bool(np.array_equal(got, want)) and not singly, f"{int(np.sum(got != want))} of 2048 wrong, {singly} of single bytes"

        for kind in ("+", "-", "logic", "constants", "shifts"):
            check(f"bytes by words, {kind}", lambda: of_bytes(kind))

        def nibbles():
            rows, columns = 16, 128
            ptx = compiled("sm_90a", "nibbles", "*fp16:16,*u8:16,*fp16:16", {"ROWS": rows, "COLUMNS": columns})
            x, scale = rng.integers(0, 256, (rows, columns)).astype(np.uint8), rng.integers(1, 9, columns).astype(np.float16)
            got = np.frombuffer(Emulator([bytes(4 * rows * columns), x.tobytes(), scale.tobytes()]).run(ptx)[0], np.float16).reshape(2 * rows, columns)
            want = np.stack(((x & 15).astype(np.float16) - 8, (x >> 4).astype(np.float16) - 8), 1).reshape(2 * rows, columns) * scale
            return bool(np.array_equal(got, want)), f"{int(np.sum(got != want))} of {want.size} wrong"

        check("int4 in bytes, scaled", nibbles)

        # Copies of the next row: eight of a lane start behind the sum's shuffles and in front of its barrier, four at once.
        def rows_ahead(block):
            rows = 3
            ptx = compiled("sm_90a", "rows_ahead", "*fp32:16,*fp32:16,i32", {"BLOCK": block})
            x = rng.integers(-8, 9, (rows, block)).astype(np.float32)
            got = np.frombuffer(Emulator([bytes(4 * x.size), x.tobytes()], numbers=[rows]).run(ptx)[0], np.float32).reshape(rows, block)
            loop = ptx[re.search(r"ld\.shared\.v4", ptx).start():]
            behind = bool(re.match(r"(?:(?!cp\.async)[\s\S])*shfl\.sync\.bfly(?:(?!bar\.sync|shfl)[\s\S])*st\.shared(?:(?!bar\.sync)[\s\S])*cp\.async\.commit", loop))
            return bool(np.array_equal(got, x - x.sum(1, keepdims=True))) and behind == (block > 2048), f"{int(np.sum(got != x - x.sum(1, keepdims=True)))} wrong, {behind}"

        for block in (2048, 4096):
            check(f"{block} elements a row ahead", lambda: rows_ahead(block))

        # A tile that no lane can hold: each slice goes on from those before it.
        def summed(reverse):
            x = rng.integers(-1000, 1000, 16384).astype(np.int32)
            ptx = compiled("sm_90a", "summed", "*i32:16", {"BLOCK": x.size, "REVERSE": reverse})
            got = np.frombuffer(Emulator([x.tobytes()]).run(ptx)[0], np.int32)
            want = x[::-1].cumsum()[::-1] if reverse else x.cumsum()
            return bool(np.array_equal(got, want)) and len(re.findall(r"ld\.global", ptx)) == 8, f"{int(np.sum(got != want))} wrong"

        for reverse in (False, True):
            check(f"sums from slice to slice, from the {'end' if reverse else 'start'}", lambda: summed(reverse))

        for module in (strides, orders, gathers, scans, shifts, sorts, conversions, divisions):
            for name, run in module.cases(rng, compiled, Emulator):
                check(name, run)

        # A lane's distance to the value, compared with constants; a value of 64 bits may be none of the indices although its lower half is. The upper one of two
        # bf16 in a word only loses the lower one.
        def chosen(element):
            ptx = compiled("sm_90a", "chosen", f"*fp32:16,*{element}:16,*bf16:16,i32", {"BLOCK": 1024})
            x = rng.standard_normal(1024).astype(np.float32).view(np.uint32) & 0xffff0000
            wrong = 0
            labels = [1000, 1007, 1519, 2023, 2024, 999, 7, -1, -(1 << 31)] + ([(1 << 32) + 1007, -(1 << 32) + 1500, 1 << 40] if element == "i64" else [])
            for label in labels:
                got = np.frombuffer(Emulator([bytes(4096), np.array([label], np.int64 if element == "i64" else np.int32).tobytes(), (x >> 16).astype(np.uint16).tobytes()],
                                             numbers=[1000]).run(ptx)[0], np.float32)
                want = x.view(np.float32) - (np.arange(1000, 2024) == label).astype(np.float32)
                wrong += int(np.sum(got != want))
            constants = len(re.findall(r"setp\.(?:eq|ne)\.[bsu]32\s+%p\d+, %r\d+, \d+;", ptx))
            masks, wide = len(re.findall(r"and\.b32\s+%r\d+, %r\d+, -65536;", ptx)), len(re.findall(r"cvt\.s64\.s32|setp\.(?:eq|ne)\.[bsu]64", ptx))
            return not wrong and constants >= 7 and masks == 4 and wide <= 2, f"{wrong} wrong, {constants} constants, {masks} masks, {wide} of 64 bits"

        for element in ("i32", "i64"):
            check(f"which index is that {element}", lambda: chosen(element))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
