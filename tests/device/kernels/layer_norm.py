# layer_norm.py - layer norm of rows that fit in one tile, forward and backward
# SPDX-License-Identifier: Apache-2.0
"""Backward: a program walks over some rows and keeps their part of the gradients of weight and bias in registers; a second
kernel adds the parts up. No locks, so results are the same in every run."""
import triton
import triton.language as tl


@triton.jit
def layer_norm_forward(x_ptr, weight_ptr, bias_ptr, y_ptr, mean_ptr, rstd_ptr, x_row, cols, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    inside = lane < cols
    x = tl.load(x_ptr + row * x_row + lane, mask=inside, other=0.0).to(tl.float32)
    mean = tl.sum(x, axis=0) / cols
    centred = tl.where(inside, x - mean, 0.0)
    rstd = 1 / tl.sqrt(tl.sum(centred * centred, axis=0) / cols + eps)
    weight = tl.load(weight_ptr + lane, mask=inside, other=0.0).to(tl.float32)
    bias = tl.load(bias_ptr + lane, mask=inside, other=0.0).to(tl.float32)
    tl.store(y_ptr + row * x_row + lane, (centred * rstd * weight + bias).to(y_ptr.dtype.element_ty), mask=inside)
    tl.store(mean_ptr + row, mean)
    tl.store(rstd_ptr + row, rstd)


@triton.jit
def layer_norm_backward(dy_ptr, x_ptr, weight_ptr, mean_ptr, rstd_ptr, dx_ptr, dw_parts_ptr, db_parts_ptr, x_row, rows, cols,
                        BLOCK: tl.constexpr):
    part = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    inside = lane < cols
    weight = tl.load(weight_ptr + lane, mask=inside, other=0.0).to(tl.float32)
    dw = tl.zeros((BLOCK,), dtype=tl.float32)
    db = tl.zeros((BLOCK,), dtype=tl.float32)
    for row in range(part, rows, tl.num_programs(0)):
        x = tl.load(x_ptr + row * x_row + lane, mask=inside, other=0.0).to(tl.float32)
        dy = tl.load(dy_ptr + row * x_row + lane, mask=inside, other=0.0).to(tl.float32)
        rstd = tl.load(rstd_ptr + row)
        normal = tl.where(inside, (x - tl.load(mean_ptr + row)) * rstd, 0.0)
        pull = weight * dy
        along = tl.sum(normal * pull, axis=0) / cols
        level = tl.sum(pull, axis=0) / cols
        tl.store(dx_ptr + row * x_row + lane, ((pull - normal * along - level) * rstd).to(dx_ptr.dtype.element_ty), mask=inside)
        dw += dy * normal
        db += dy
    tl.store(dw_parts_ptr + part * cols + lane, dw, mask=inside)
    tl.store(db_parts_ptr + part * cols + lane, db, mask=inside)


@triton.jit
def layer_norm_gather(dw_parts_ptr, db_parts_ptr, dw_ptr, db_ptr, parts, cols, ROWS: tl.constexpr, COLS: tl.constexpr):
    col = tl.program_id(0) * COLS + tl.arange(0, COLS)
    dw = tl.zeros((ROWS, COLS), dtype=tl.float32)
    db = tl.zeros((ROWS, COLS), dtype=tl.float32)
    for first in range(0, parts, ROWS):
        part = first + tl.arange(0, ROWS)
        inside = (part < parts)[:, None] & (col < cols)[None, :]
        place = part[:, None] * cols + col[None, :]
        dw += tl.load(dw_parts_ptr + place, mask=inside, other=0.0)
        db += tl.load(db_parts_ptr + place, mask=inside, other=0.0)
    tl.store(dw_ptr + col, tl.sum(dw, axis=0).to(dw_ptr.dtype.element_ty), mask=col < cols)
    tl.store(db_ptr + col, tl.sum(db, axis=0).to(db_ptr.dtype.element_ty), mask=col < cols)
