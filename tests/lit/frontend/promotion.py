# SPDX-License-Identifier: Apache-2.0
# RUN: %sema %s:types --signature="i8,u8,i32,u32,i64,fp16,bf16,fp32,fp64,*fp32,u1" 2>&1 | FileCheck %s
import triton
import triton.language as tl


@triton.jit
def types(i8, u8, i32, u32, i64, h, b, f, d, p, c):
    # CHECK-DAG: a int32
    tl.static_print("a", (i8 + i32).dtype)
    # CHECK-DAG: b uint32
    tl.static_print("b", (i32 + u32).dtype)
    # CHECK-DAG: c uint8
    tl.static_print("c", (i8 + u8).dtype)
    # CHECK-DAG: d int64
    tl.static_print("d", (u32 + i64).dtype)
    # CHECK-DAG: e fp16
    tl.static_print("e", (h + b).dtype)
    # CHECK-DAG: f fp32
    tl.static_print("f", (b + i32 * 1.0).dtype)
    # CHECK-DAG: g fp16
    tl.static_print("g", (h * 2.5).dtype)
    # CHECK-DAG: h fp32
    tl.static_print("h", (h / 2).dtype)
    # CHECK-DAG: i fp32
    tl.static_print("i", (i32 / i8).dtype)
    # CHECK-DAG: j int1
    tl.static_print("j", (c + c).dtype)
    # CHECK-DAG: k int8
    tl.static_print("k", (i8 + 100).dtype)
    # CHECK-DAG: l fp32
    tl.static_print("l", (i8 * 1.5).dtype)
    # CHECK-DAG: m fp64
    tl.static_print("m", (f + d).dtype)
    # CHECK-DAG: n bf16
    tl.static_print("n", (b + b).dtype)
    # CHECK-DAG: o fp32
    tl.static_print("o", (b / b).dtype)
    # CHECK-DAG: p pointer<fp32>
    tl.static_print("p", (p + i8).dtype)
    x = 5000000000
    # CHECK-DAG: q int64
    tl.static_print("q", x.dtype)
    y = 4000000000
    # CHECK-DAG: r uint32
    tl.static_print("r", y.dtype)
    # CHECK-DAG: s fp32
    tl.static_print("s", tl.maximum(b, b).dtype)
    # CHECK-DAG: t int32 uint32 fp16
    tl.static_print("t", tl.sum(tl.full((4,), 1, tl.int8)).dtype, tl.sum(tl.full((4,), 1, tl.int1)).dtype, tl.sum(tl.full((4,), 1, tl.float16)).dtype)
