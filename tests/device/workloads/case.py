# case.py - one row of the table: what is run, how its result is judged, what it must reach
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable


@dataclass
class Row:
    """A line of the table. ``make(world, **sizes)`` gives its Case on a world's device; ``sizes`` are of the device, ``small``
    of a machine without one. Rates are ``work(**sizes)`` a second: bytes for GB/s, operations for TFLOP/s. ``bars``: the least ratio of
    ours to a peer's rate, by the peer's name; ``floor``: the least rate of ours."""
    name: str
    make: Callable
    sizes: dict
    small: dict
    unit: str
    work: Callable
    bars: dict = field(default_factory=lambda: {"triton": 1.0})
    floor: float | None = None


@dataclass
class Case:
    """``run`` does the work once with kernels of the Triton language; ``library`` are PyTorch's ways to do the same, by name. ``outputs``
    are the tensors that ``run`` fills; ``reference()`` gives what they should be in a higher precision, a tensor each, or None for one
    that is not judged. ``limit``: the largest relative error, in the Frobenius norm. ``fresh()`` undoes what a run must not see."""
    run: Callable
    outputs: tuple
    reference: Callable
    limit: float
    library: dict = field(default_factory=dict)
    kernels: tuple = ()
    fresh: Callable = lambda: None

    def error(self):
        """The largest relative error of the outputs after one run into memory filled with NaN; infinite if any is not finite."""
        for out in self.outputs:
            out.fill_(float("nan"))
        self.fresh()
        self.run()
        worst = 0.0
        for out, expected in zip(self.outputs, self.reference(), strict=True):
            found = out
            if expected is None:
                continue
            if isinstance(expected, tuple):  # (part of the output, expected there)
                part, expected = expected
                if not bool(out.isfinite().all()):
                    return float("inf")
                found = out[part]
            difference = (found.to(expected.dtype) - expected).norm() / expected.norm()
            worst = max(worst, difference.item() if bool(difference.isfinite()) else float("inf"))
        return worst


class World:
    """A device with its random numbers: the same seed gives the same data in every process."""

    def __init__(self, torch, device, seed=1):
        self.torch, self.device = torch, device
        self.generator = torch.Generator(device=device).manual_seed(seed)

    def normal(self, *shape, dtype, scale=1.0):
        values = self.torch.randn(*shape, device=self.device, generator=self.generator, dtype=self.torch.float32) * scale
        return values.to(dtype)

    def integers(self, low, high, shape, dtype):
        return self.torch.randint(low, high, shape, device=self.device, generator=self.generator, dtype=dtype)

    def empty(self, *shape, dtype):
        return self.torch.empty(*shape, device=self.device, dtype=dtype)

    @property
    def units(self):
        return self.torch.cuda.get_device_properties(0).multi_processor_count if self.device == "cuda" else 2
