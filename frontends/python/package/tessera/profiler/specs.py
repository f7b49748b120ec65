# specs.py - what devices reach at most, for programs that draw rooflines
# SPDX-License-Identifier: Apache-2.0
"""Dense rates of matrix units and of memory from the vendors' data sheets, by Triton's names and units."""
from __future__ import annotations

# Operations a second of 8 bits, by compute capability: fixed where a product line has one size, else of one multiprocessor and clock (kHz).
_CUDA_FLOPS = {
    "80": lambda sms, clock: 624e12,
    "89": lambda sms, clock: 330.3e12,
    "90": lambda sms, clock: 1513e12 * (sms / 114) * (clock / 1755e3),
    "100": lambda sms, clock: 16384 * sms * clock * 1e3,
}
_HIP_FLOPS = {"gfx90a": 1024, "gfx942": 4096, "gfx950": 8192}  # of 8 bits, a compute unit and cycle
_HIP_BPS = {"gfx90a": 3.2e12, "gfx942": 5.3e12, "gfx950": 8e12}


def max_flops(device_type, arch, width, num_sms, clock_rate):
    """Operations a second on numbers of ``width`` bits; ``clock_rate`` in kHz. Errors: ValueError for a device that is not known."""
    if device_type not in ("CUDA", "HIP"):
        raise ValueError(f"Unsupported device type: {device_type}")
    if arch not in (_CUDA_FLOPS if device_type == "CUDA" else _HIP_FLOPS):
        raise ValueError(f"Unsupported architecture: {arch}")
    bits8 = _CUDA_FLOPS[arch](num_sms, clock_rate) if device_type == "CUDA" else _HIP_FLOPS[arch] * num_sms * clock_rate * 1e3
    return bits8 / (width / 8)


def max_bps(device_type, arch, bus_width, memory_clock_rate):
    """Bytes a second of memory; ``bus_width`` in bits, ``memory_clock_rate`` in kHz. Errors: ValueError for a device that is not known."""
    if device_type == "CUDA":
        return 2 * bus_width * memory_clock_rate * 1e3 / 8
    if device_type != "HIP" or arch not in _HIP_BPS:
        raise ValueError(f"Unsupported device: {device_type} {arch}")
    return _HIP_BPS[arch]
