# memory.py - rows whose floor is the bytes that they move
# SPDX-License-Identifier: Apache-2.0
import torch
import triton
from kernels import cross_entropy as losses, elementwise, layer_norm, softmax

from .case import Case, Row


def add(world, count):
    x, y = world.normal(count, dtype=torch.float32), world.normal(count, dtype=torch.float32)
    out, other = torch.empty_like(x), torch.empty_like(x)
    source = world.normal(3 * count // 2, dtype=torch.float32)
    target = torch.empty_like(source)  # the copy moves as many bytes as the sum
    return Case(lambda: elementwise.vector_add[(triton.cdiv(count, 1024),)](x, y, out, count, BLOCK=1024), (out,),
                lambda: (x.double() + y.double(),), 1e-6, {"copy": lambda: target.copy_(source), "torch": lambda: torch.add(x, y, out=other)})


def softmax_rows(world, rows, cols):
    x = world.normal(rows, cols, dtype=torch.float32)
    y = torch.empty_like(x)
    block = triton.next_power_of_2(cols)
    warps = 4 if block <= 2048 else 8 if block <= 8192 else 16
    programs = min(rows, world.units * (8 if block <= 2048 else 4 if block <= 8192 else 2))

    def run():
        return softmax.softmax_rows[(programs,)](x, y, x.stride(0), y.stride(0), rows, cols, BLOCK=block, STAGES=2, num_warps=warps)

    return Case(run, (y,), lambda: (torch.softmax(x.double(), dim=1),), 1e-6, {"torch": lambda: torch.softmax(x, dim=1)})


def _normal_inputs(world, rows, cols):
    x = world.normal(rows, cols, dtype=torch.float16)
    weight, bias = world.normal(cols, dtype=torch.float16), world.normal(cols, dtype=torch.float16)
    return x, weight, bias, min(max(triton.next_power_of_2(cols) // 512, 4), 16)


def norm_forward(world, rows, cols):
    x, weight, bias, warps = _normal_inputs(world, rows, cols)
    y = torch.empty_like(x)
    mean, rstd = world.empty(rows, dtype=torch.float32), world.empty(rows, dtype=torch.float32)

    def run():
        return layer_norm.layer_norm_forward[(rows,)](x, weight, bias, y, mean, rstd, x.stride(0), cols, 1e-5,
                                                      BLOCK=triton.next_power_of_2(cols), num_warps=warps)

    def reference():
        wide = x.double()
        return (torch.nn.functional.layer_norm(wide, (cols,), weight.double(), bias.double(), 1e-5), wide.mean(1),
                1 / torch.sqrt(wide.var(1, correction=0) + 1e-5))

    return Case(run, (y, mean, rstd), reference, 1e-3,
                {"torch": lambda: torch.nn.functional.layer_norm(x, (cols,), weight, bias, 1e-5)})


def norm_backward(world, rows, cols):
    x, weight, bias, warps = _normal_inputs(world, rows, cols)
    dy = world.normal(rows, cols, dtype=torch.float16, scale=0.1)
    mean = x.float().mean(1)
    rstd = 1 / torch.sqrt(x.float().var(1, correction=0) + 1e-5)
    parts = min(rows, 2 * world.units)
    dx, dw, db = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(bias)
    dw_parts, db_parts = (world.empty(parts, cols, dtype=torch.float32) for _ in range(2))

    def run():
        kernel = layer_norm.layer_norm_backward[(parts,)](dy, x, weight, mean, rstd, dx, dw_parts, db_parts, x.stride(0), rows, cols,
                                                          BLOCK=triton.next_power_of_2(cols), num_warps=warps)
        layer_norm.layer_norm_gather[(triton.cdiv(cols, 64),)](dw_parts, db_parts, dw, db, parts, cols, ROWS=32, COLS=64)
        return kernel

    def reference():
        wide, w, b = (t.double().requires_grad_() for t in (x, weight, bias))
        torch.nn.functional.layer_norm(wide, (cols,), w, b, 1e-5).backward(dy.double())
        return wide.grad, w.grad, b.grad

    def library():
        return torch.ops.aten.native_layer_norm_backward(dy, x, [cols], mean[:, None], rstd[:, None], weight, bias, [True, True, True])

    return Case(run, (dx, dw, db), reference, 2e-3, {"torch": library})


def dropout(world, count):
    x = world.normal(count, dtype=torch.float32)
    y = torch.empty_like(x)
    kept = 0.7

    def run():
        return elementwise.dropout[(triton.cdiv(count, 1024),)](x, y, count, 0.3, 1234, BLOCK=1024)

    def reference():
        # Which survive is the generator's to say; how many, and their values, are not.
        share = (y != 0).double().mean().item()
        if abs(share - kept) > 0.02:
            raise AssertionError(f"{share:.3f} of the elements survive instead of {kept}")
        return (torch.where(y != 0, x.double() / kept, 0.0),)

    return Case(run, (y,), reference, 1e-6, {"torch": lambda: torch.nn.functional.dropout(x, 0.3, True)})


def rotary(world, tokens, length, heads, head):
    x = world.normal(tokens, heads, head, dtype=torch.float16)
    y = torch.empty_like(x)
    angle = world.normal(length, head // 2, dtype=torch.float32)
    cos, sin = angle.cos(), angle.sin()

    def turn(x, cos, sin):
        first, second = x[..., :head // 2], x[..., head // 2:]
        at = torch.arange(tokens, device=x.device) % length
        cos, sin = cos[at, None], sin[at, None]
        return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)

    half_cos, half_sin = cos.half(), sin.half()
    return Case(lambda: elementwise.rotary[(tokens,)](x, cos, sin, y, length, HEADS=heads, HALF=head // 2), (y,),
                lambda: (turn(x.double(), cos.double(), sin.double()),), 1e-3, {"torch": lambda: turn(x, half_cos, half_sin)})


def cross_entropy(world, rows, vocabulary):
    logits = world.normal(rows, vocabulary, dtype=torch.bfloat16)
    gradient = torch.empty_like(logits)
    label = world.integers(0, vocabulary, (rows,), torch.int64)
    loss = world.empty(rows, dtype=torch.float32)

    def run():
        return losses.cross_entropy[(rows,)](logits, label, loss, gradient, vocabulary, 1.0 / rows)

    def reference():
        some = slice(0, min(rows, 512))  # float64 of all rows would be 25 GB
        wide = logits[some].double().requires_grad_()
        expected = torch.nn.functional.cross_entropy(wide, label[some], reduction="none")
        (expected.sum() / rows).backward()
        return (some, expected.detach()), (some, wide.grad)

    wide = logits.detach().clone().requires_grad_()

    def library():
        wide.grad = None
        torch.nn.functional.cross_entropy(wide, label).backward()

    return Case(run, (loss, gradient), reference, 5e-3, {"torch": library}, (losses.cross_entropy,))


def rows():
    table = [Row("vector add 2^27 f32", add, {"count": 1 << 27}, {"count": 5000}, "GB/s", lambda count: 12 * count,
                 {"copy": 0.98})]
    for rows, cols in ((4096, 1024), (4096, 4096), (8192, 8192), (4096, 12672)):
        table.append(Row(f"softmax {rows}x{cols} f32", softmax_rows, {"rows": rows, "cols": cols}, {"rows": 9, "cols": cols // 16 + 3}, "GB/s",
                         lambda rows, cols: 8 * rows * cols))
    for cols in (1024, 8192, 16384):
        sizes, small = {"rows": 4096, "cols": cols}, {"rows": 9, "cols": cols // 32}
        table.append(Row(f"layer norm forward 4096x{cols} f16", norm_forward, sizes, small, "GB/s", lambda rows, cols: 4 * rows * cols))
        table.append(Row(f"layer norm backward 4096x{cols} f16", norm_backward, sizes, small, "GB/s", lambda rows, cols: 6 * rows * cols))
    table.append(Row("dropout 2^27 f32", dropout, {"count": 1 << 27}, {"count": 50000}, "GB/s", lambda count: 8 * count))
    table.append(Row("rotary 16384 tokens, 32 heads of 128 f16", rotary, {"tokens": 16384, "length": 4096, "heads": 32, "head": 128},
                     {"tokens": 20, "length": 8, "heads": 4, "head": 32}, "GB/s", lambda tokens, length, heads, head: 4 * tokens * heads * head))
    for vocabulary in (32768, 131072):
        table.append(Row(f"cross entropy 8192x{vocabulary} bf16", cross_entropy, {"rows": 8192, "vocabulary": vocabulary},
                         {"rows": 5, "vocabulary": 5000}, "GB/s", lambda rows, vocabulary: 6 * rows * vocabulary))
    return table
