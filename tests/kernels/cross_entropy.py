# SPDX-License-Identifier: Apache-2.0
"""Cross entropy of rows of logits, with label smoothing. The vocabulary goes by in pieces; the gradient takes the place
of the logits. Rows whose label is `skip` give nothing."""
import triton
import triton.language as tl


@triton.jit
def cross_entropy_kernel(logits_ptr, label_ptr, loss_ptr, row_stride, vocabulary, counted, skip,
                         SMOOTHING: tl.constexpr, MEAN: tl.constexpr, PIECE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    logits_ptr += row * row_stride
    lane = tl.arange(0, PIECE)
    label = tl.load(label_ptr + row)
    if label == skip:
        for begin in range(0, vocabulary, PIECE):
            tl.store(logits_ptr + begin + lane, 0.0, mask=begin + lane < vocabulary)
        tl.store(loss_ptr + row, 0.0)
        return

    target = tl.load(logits_ptr + label).to(tl.float32)
    peak = float("-inf")
    mass = 0.0
    level = 0.0
    for begin in range(0, vocabulary, PIECE):
        inside = begin + lane < vocabulary
        piece = tl.load(logits_ptr + begin + lane, mask=inside, other=float("-inf")).to(tl.float32)
        higher = tl.maximum(peak, tl.max(piece))
        mass = mass * tl.exp(peak - higher) + tl.sum(tl.exp(piece - higher))
        peak = higher
        if SMOOTHING > 0:
            level += tl.sum(tl.where(inside, piece, 0.0))
    log_mass = peak + tl.log(mass)
    loss = log_mass - target
    if SMOOTHING > 0:
        loss = (1 - SMOOTHING) * loss + SMOOTHING * (log_mass - level / vocabulary)

    part = 1.0
    if MEAN:
        part = part / counted
    tl.store(loss_ptr + row, loss * part)
    for begin in range(0, vocabulary, PIECE):
        inside = begin + lane < vocabulary
        piece = tl.load(logits_ptr + begin + lane, mask=inside, other=float("-inf")).cast(tl.float32)
        gradient = tl.exp(piece - log_mass) - SMOOTHING / vocabulary
        gradient = tl.where(begin + lane == label, gradient - (1 - SMOOTHING), gradient)
        tl.store(logits_ptr + begin + lane, gradient * part, mask=inside)
