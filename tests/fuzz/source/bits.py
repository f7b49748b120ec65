# bits.py - numbers of the language's types as bytes, without packages that know the types
# SPDX-License-Identifier: Apache-2.0
import struct

import numpy

# Exponent and mantissa bits. fp8e4nv has no infinity; its NaN has all bits set.
FORMAT = {"fp8e5": (5, 2), "fp8e4nv": (4, 3), "fp16": (5, 10), "bf16": (8, 7), "fp32": (8, 23), "fp64": (11, 52)}


def width(ty):
    """Bytes of an element in memory."""
    return 1 if ty == "int1" else (1 + sum(FORMAT[ty])) // 8 if ty in FORMAT else int(ty.removeprefix("u")[3:]) // 8


def encode(ty, number):
    """The bytes of a Python float, rounded to nearest even; what is too large becomes infinity, or NaN where there is none."""
    exponents, mantissas = FORMAT[ty]
    if ty in ("fp32", "fp64", "fp16"):
        try:
            return struct.pack({"fp16": "<e", "fp32": "<f", "fp64": "<d"}[ty], number)
        except OverflowError:
            return struct.pack({"fp16": "<e", "fp32": "<f"}[ty], float("inf") if number > 0 else float("-inf"))
    wide = struct.unpack("<Q", struct.pack("<d", number))[0]
    sign = wide >> 63 << exponents + mantissas
    bias = (1 << exponents - 1) - 1
    top = (1 << exponents) - 1 << mantissas
    largest = top - 1 if ty != "fp8e4nv" else (1 << exponents + mantissas) - 2
    if number != number:
        bits = (1 << exponents + mantissas) - 1
    else:
        size = abs(number)
        if size == 0:
            bits = 0
        elif size == float("inf"):
            bits = largest + 1
        else:
            _, power = numpy.frexp(size)
            unit = 2.0**(max(int(power) - 1, 1 - bias) - mantissas)
            count = round(size / unit)  # to even
            step = max(int(power) - 1, 1 - bias) + bias
            bits = min((step << mantissas) - (1 << mantissas) + count if count >= 1 << mantissas else count, largest + 1)
    return (sign | bits).to_bytes((1 + exponents + mantissas) // 8, "little")


def raw(ty, data):
    return numpy.frombuffer(data, dtype={1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}[width(ty)])


def canonical(ty, data):
    """The elements as unsigned integers, where every NaN is one and zeros have no sign."""
    bits = raw(ty, data).astype(numpy.uint64)
    if ty not in FORMAT:
        return bits
    exponents, mantissas = FORMAT[ty]
    size = bits & numpy.uint64((1 << exponents + mantissas) - 1)
    top = numpy.uint64((1 << exponents) - 1 << mantissas)
    nan = size == numpy.uint64((1 << exponents + mantissas) - 1) if ty == "fp8e4nv" else size > top
    return numpy.where(nan, numpy.uint64(2**64 - 1), numpy.where(size == 0, size, bits))


def decode(ty, data):
    """The elements as float64 or integers."""
    if ty not in FORMAT:
        return numpy.frombuffer(data, dtype={"u": "<u", "i": "<i"}[ty[0]] + str(width(ty))) if ty != "int1" else raw(ty, data)
    if ty in ("fp16", "fp32", "fp64"):
        return numpy.frombuffer(data, dtype="<f" + str(width(ty))).astype(numpy.float64)
    if ty == "bf16":
        return (raw(ty, data).astype(numpy.uint32) << 16).view(numpy.float32).astype(numpy.float64)
    if ty == "fp8e5":
        return (raw(ty, data).astype(numpy.uint16) << 8).view(numpy.float16).astype(numpy.float64)
    size = raw(ty, data).astype(numpy.uint16)
    half = ((size & 0x80) << 8) | ((size & 0x7f) << 7)
    return numpy.where(size & 0x7f == 0x7f, numpy.nan, half.view(numpy.float16).astype(numpy.float64) * 256)
