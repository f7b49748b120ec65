# cublas - the product of cuBLAS that programs measure themselves against
# SPDX-License-Identifier: Apache-2.0
"""Triton's native module binds cuBLASLt for its tutorials and tests. PyTorch, whose tensors it takes, binds it too."""


class CublasLt:
    """Products by the vendor's library. ``workspace``: memory for it, a tensor; PyTorch brings its own, so that it is only kept alive."""

    def __init__(self, workspace):
        self._workspace = workspace

    def matmul(self, a, b, c):
        """c = a @ b.T, all of one type (f16, bf16, f32 or fp8) and row-major: a [M, K], b [N, K], c [M, N].

        Errors: RuntimeError where shapes or types do not fit."""
        self.gemm(a, b, c, c, 1.0, 0.0)

    def gemm(self, a, b, c, d, alpha, beta):
        """d = alpha * (a @ b.T) + beta * c. a [M, K], b [N, K], c and d [M, N]; of fp8 only where beta is 0."""
        import torch
        if not c.shape == d.shape == (a.shape[0], b.shape[0]):
            raise RuntimeError(f"the product of {tuple(a.shape)} and {tuple(b.shape)}, transposed, is no {tuple(d.shape)}")
        if a.element_size() == 1:
            if beta:
                raise RuntimeError("a product of fp8 is added to nothing: beta must be 0")
            scale = torch.full((), alpha, dtype=torch.float32, device=a.device)
            one = torch.ones((), dtype=torch.float32, device=a.device)
            # A result of fp8 would want a scale of its own.
            wide = torch.bfloat16 if d.element_size() == 1 else d.dtype
            d.copy_(torch._scaled_mm(a, b.t(), scale_a=scale, scale_b=one, out_dtype=wide))
        elif beta:
            d.copy_(torch.addmm(c, a, b.t(), beta=beta, alpha=alpha))
        elif alpha == 1:
            torch.mm(a, b.t(), out=d)
        else:
            d.copy_(torch.mm(a, b.t()).mul_(alpha))
