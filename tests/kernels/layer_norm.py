# SPDX-License-Identifier: Apache-2.0
"""Layer norm. Forward in three sweeps over a row; backward gives dx by rows while the gradients of weight and bias
gather in a few shared rows, each behind a lock, and a last kernel adds those up."""
import triton
import triton.language as tl


@triton.jit
def layer_norm_forward(x_ptr, y_ptr, weight_ptr, bias_ptr, mean_ptr, rstd_ptr, row_stride, cols, eps, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0)
    x_ptr += row * row_stride
    y_ptr += row * row_stride
    lane = tl.arange(0, BLOCK_SIZE)

    partial = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for begin in range(0, cols, BLOCK_SIZE):
        partial += tl.load(x_ptr + begin + lane, mask=begin + lane < cols, other=0.0).to(tl.float32)
    mean = tl.sum(partial) / cols

    partial = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for begin in range(0, cols, BLOCK_SIZE):
        inside = begin + lane < cols
        value = tl.load(x_ptr + begin + lane, mask=inside, other=0.0).to(tl.float32)
        centred = tl.where(inside, value - mean, 0.0)
        partial += centred * centred
    rstd = tl.rsqrt(tl.sum(partial) / cols + eps)

    for begin in range(0, cols, BLOCK_SIZE):
        inside = begin + lane < cols
        value = tl.load(x_ptr + begin + lane, mask=inside, other=0.0).to(tl.float32)
        weight = tl.load(weight_ptr + begin + lane, mask=inside)
        bias = tl.load(bias_ptr + begin + lane, mask=inside)
        tl.store(y_ptr + begin + lane, (value - mean) * rstd * weight + bias, mask=inside)
    tl.store(mean_ptr + row, mean)
    tl.store(rstd_ptr + row, rstd)


@triton.jit
def layer_norm_backward_dx(dy_ptr, x_ptr, weight_ptr, mean_ptr, rstd_ptr, dx_ptr, dw_rows_ptr, db_rows_ptr, lock_ptr, used_ptr,
                           row_stride, cols, SHARED_ROWS: tl.constexpr, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK_SIZE)
    inside = lane < cols
    x = tl.load(x_ptr + row * row_stride + lane, mask=inside, other=0.0).to(tl.float32)
    dy = tl.load(dy_ptr + row * row_stride + lane, mask=inside, other=0.0).to(tl.float32)
    weight = tl.load(weight_ptr + lane, mask=inside, other=0.0).to(tl.float32)
    rstd = tl.load(rstd_ptr + row)
    normal = tl.where(inside, (x - tl.load(mean_ptr + row)) * rstd, 0.0)
    pull = weight * dy
    along = tl.sum(normal * pull) / cols
    level = tl.sum(pull) / cols
    tl.store(dx_ptr + row * row_stride + lane, (pull - normal * along - level) * rstd, mask=inside)

    # this row's part of the parameter gradients goes to one of the shared rows
    slot = row % SHARED_ROWS
    dw = dy * normal
    db = dy
    dw_row = dw_rows_ptr + slot * cols + lane
    db_row = db_rows_ptr + slot * cols + lane
    while tl.atomic_cas(lock_ptr + slot, 0, 1) != 0:
        pass
    if tl.load(used_ptr + slot) != 0:
        dw += tl.load(dw_row, mask=inside, other=0.0)
        db += tl.load(db_row, mask=inside, other=0.0)
    else:
        tl.store(used_ptr + slot, 1)
    tl.store(dw_row, dw, mask=inside)
    tl.store(db_row, db, mask=inside)
    tl.debug_barrier()
    tl.atomic_xchg(lock_ptr + slot, 0)


@triton.jit
def layer_norm_backward_dwdb(dw_rows_ptr, db_rows_ptr, dw_ptr, db_ptr, shared_rows, cols, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    col = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    dw = tl.zeros((BLOCK_N,), dtype=tl.float32)
    db = tl.zeros((BLOCK_N,), dtype=tl.float32)
    for top in range(0, shared_rows, BLOCK_M):
        slot = top + tl.arange(0, BLOCK_M)
        inside = (slot < shared_rows)[:, None] & (col < cols)[None, :]
        at = slot[:, None] * cols + col[None, :]
        dw += tl.sum(tl.load(dw_rows_ptr + at, mask=inside, other=0.0), axis=0)
        db += tl.sum(tl.load(db_rows_ptr + at, mask=inside, other=0.0), axis=0)
    tl.store(dw_ptr + col, dw, mask=col < cols)
    tl.store(db_ptr + col, db, mask=col < cols)
