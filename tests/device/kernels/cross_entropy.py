# cross_entropy.py - cross entropy of long rows of logits, with its gradient
# SPDX-License-Identifier: Apache-2.0
import triton
import triton.language as tl


@triton.autotune(configs=[triton.Config({"PIECE": piece}, num_warps=warps, num_stages=stages)
                          for piece, warps, stages in ((4096, 8, 3), (8192, 8, 2), (8192, 16, 2), (16384, 16, 1), (32768, 32, 1))],
                 key=["vocabulary"])
@triton.jit
def cross_entropy(logits_ptr, label_ptr, loss_ptr, gradient_ptr, vocabulary, part, PIECE: tl.constexpr):
    """A program a row: the logarithm of the mass in one pass, the gradient (times `part`) in a second."""
    row = tl.program_id(0).to(tl.int64)
    logits_ptr += row * vocabulary
    gradient_ptr += row * vocabulary
    lane = tl.arange(0, PIECE)
    label = tl.load(label_ptr + row)
    peak = float("-inf")
    mass = 0.0
    for begin in range(0, vocabulary, PIECE):
        piece = tl.load(logits_ptr + begin + lane, mask=begin + lane < vocabulary, other=float("-inf")).to(tl.float32)
        higher = tl.maximum(peak, tl.max(piece, axis=0))
        mass = mass * tl.exp(peak - higher) + tl.sum(tl.exp(piece - higher), axis=0)
        peak = higher
    log_mass = peak + tl.log(mass)
    tl.store(loss_ptr + row, log_mass - tl.load(logits_ptr + label).to(tl.float32))
    for begin in range(0, vocabulary, PIECE):
        inside = begin + lane < vocabulary
        piece = tl.load(logits_ptr + begin + lane, mask=inside, other=float("-inf")).to(tl.float32)
        gradient = tl.exp(piece - log_mass)
        gradient = tl.where(begin + lane == label, gradient - 1.0, gradient) * part
        tl.store(gradient_ptr + begin + lane, gradient.to(gradient_ptr.dtype.element_ty), mask=inside)
