# mxfp.py - torch tensors in microscaling formats: fp4 (e2m1) elements, e8m0 scales
# SPDX-License-Identifier: Apache-2.0
"""Source: OCP Microscaling Formats (MX) Specification 1.0, sections 5.3.3 (E2M1) and 5.4.1 (E8M0)."""
from __future__ import annotations

import torch

# The magnitudes of codes 0…7; bit 3 is the sign.
_E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


class _Format:
    """``data``: uint8 codes, one an element. Made of a float32 tensor, or of a ``size`` to be filled by ``random``."""

    def __init__(self, data=None, size=None, device=None):
        self.device = device
        if data is not None:
            assert isinstance(data, torch.Tensor), "Parameter data must be a torch tensor"
            self.device = data.device
            self.data = self._from_float(data)
        elif size is not None:
            self.size = size if isinstance(size, tuple) else (size,)
        else:
            raise ValueError("Either parameter data or size must be provided")


class MXFP4Tensor(_Format):
    """fp4 numbers: one sign bit, two of exponent, one of mantissa; no infinity and no NaN."""

    def random(self):
        """Fills ``data`` with codes, each as likely."""
        self.data = torch.randint(0, 16, size=self.size, dtype=torch.uint8, device=self.device)
        return self

    def to(self, dtype):
        """The numbers as float32."""
        assert dtype == torch.float32, "Currently only float32 is supported for fp4e2m1 to float conversion"
        magnitudes = torch.tensor(_E2M1, dtype=torch.float32, device=self.data.device)[(self.data & 7).long()]
        return torch.where((self.data >> 3).bool(), -magnitudes, magnitudes)

    def _from_float(self, values):
        """The nearest code, ties to the even one; what is too large, infinite or NaN becomes the largest magnitude."""
        grid = torch.tensor(_E2M1, dtype=torch.float32, device=values.device)
        magnitude = torch.nan_to_num(values.abs().float(), nan=6.0, posinf=6.0).clamp(max=6.0)
        # Between codes c and c + 1 the midpoint belongs to the even one: below or at it for even c, below it for odd c.
        middles = (grid[:-1] + grid[1:]) / 2
        above = torch.bucketize(magnitude, middles, right=False)
        at_middle = torch.isin(magnitude, middles)
        code = torch.where(at_middle & (above % 2 == 1), above + 1, above)
        return (code | (torch.signbit(values).long() << 3)).to(torch.uint8)

    def to_packed_tensor(self, dim):
        """Two numbers a byte along ``dim``, the first in the low half; an odd extent is padded with zero."""
        assert 0 <= dim < self.data.ndim, "The dimension to pack along is not within the range of tensor dimensions"
        data = self.data
        if data.size(dim) % 2:
            pad = list(data.shape)
            pad[dim] = 1
            data = torch.cat([data, data.new_zeros(pad)], dim)
        low, high = data.unflatten(dim, (-1, 2)).unbind(dim + 1)
        return low | (high << 4)

    def unpack_packed_tensor(self, packed_tensor, dim, original_shape):
        """The reverse of ``to_packed_tensor``: codes of ``original_shape``."""
        both = torch.stack((packed_tensor & 15, packed_tensor >> 4), dim=dim + 1).flatten(dim, dim + 1)
        return both.narrow(dim, 0, original_shape[dim]).to(torch.uint8)


class MXScaleTensor(_Format):
    """e8m0 scales: code c is 2**(c - 127), code 255 is NaN."""

    def random(self, low=None, high=None):
        """Fills ``data`` with scales between ``low`` and ``high`` (powers of two; the whole range if None), no NaN."""
        import math
        first = 0 if low is None else max(0, int(math.log2(low)) + 127)
        last = 254 if high is None else min(254, max(0, int(math.log2(high)) + 127))
        assert first <= last, "Low must be less than or equal to high"
        self.data = torch.randint(first, last + 1, size=self.size, dtype=torch.uint8, device=self.device)
        return self

    def to(self, dtype):
        """The scales as float32."""
        assert dtype == torch.float32, "Currently only float32 is supported for f8e8m0 to float conversion"
        scales = torch.exp2(self.data.float() - 127)
        return torch.where(self.data == 255, torch.nan, scales)

    def _from_float(self, values):
        """The largest scale that is not above; NaN for what is not positive and finite."""
        valid = torch.isfinite(values) & (values > 0)
        exponent = torch.floor(torch.log2(torch.where(valid, values, 1.0))) + 127
        return torch.where(valid, exponent.clamp(0, 254), 255.0).to(torch.uint8)
