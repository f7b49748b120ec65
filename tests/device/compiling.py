# compiling.py - how long a cold compile takes, and the signatures that kernels are compiled for without a device
# SPDX-License-Identifier: Apache-2.0
import os
import tempfile
import time

P32, P16 = "*fp32", "*fp16"


def kernels():
    """name: (kernel, arguments by position, constants, options). An argument is a type, or (type, divisibility)."""
    from kernels import attention, elementwise, layer_norm, matmul, softmax
    i = "i32"
    return {
        "add": (elementwise.vector_add, [P32, P32, P32, i], {"BLOCK": 1024}, {"num_warps": 4}),
        "softmax 4096": (softmax.softmax_rows, [P32, P32, i, i, i, i], {"BLOCK": 4096, "STAGES": 2}, {"num_warps": 8}),
        "matmul 128x256x64": (matmul._matmul, [P16] * 3 + [i, i, i, i, 1, i, 1, i, 1], {"BM": 128, "BN": 256, "BK": 64, "GROUP": 8},
                              {"num_warps": 8, "num_stages": 3}),
        "layer norm": (layer_norm.layer_norm_forward, [P16, P16, P16, P16, P32, P32, i, i, "fp32"], {"BLOCK": 4096}, {"num_warps": 8}),
        "attention forward": (attention.attention_forward.fn, [P16] * 4 + [P32, "fp32", i],
                              {"HEAD": 64, "CAUSAL": True, "BM": 128, "BN": 64}, {"num_warps": 4, "num_stages": 3}),
    }


def measure(side, name):
    """{"loaded_ms", "ptx_ms"}: on the side's device, of a kernel that no cache holds. Tensors are real: the kernel is specialised as a
    launch would."""
    torch, triton = side.torch, side.triton
    kernel, arguments, constants, options = kernels()[name]
    types = {P32: torch.float32, P16: torch.float16}
    values = [torch.empty(64, dtype=types[a], device=side.device) if a in types else 4096 if a == "i32" else 1.0 if a == "fp32" else a
              for a in arguments]
    times = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TRITON_CACHE_DIR"] = os.environ["TESSERA_CACHE_DIR"] = folder
        for knob in (triton.knobs.cache,):
            knob.dir = folder
        previous, triton.knobs.compilation.listener = triton.knobs.compilation.listener, lambda **heard: times.append(heard)
        try:
            started = time.perf_counter()
            compiled = kernel.warmup(*values, **constants, **options, grid=(1,))
            compiled._init_handles()
            loaded = time.perf_counter() - started
        finally:
            triton.knobs.compilation.listener = previous
    return {"loaded_ms": 1e3 * loaded, **(told(times[0]) if times else {})}


def told(heard):
    """What a listener heard of one compile. "ptx_ms" is all that comes before the assembler, the way to a compiler's process and back
    included; a compiler that tells no time of its stage ptx has none."""
    answer = {"cache_hit": bool(heard["cache_hit"]), "stages_us": _stages(heard["times"])}
    stages = answer["stages_us"]
    if "ptx" in stages:
        answer["ptx_ms"] = sum(us for stage, us in stages.items() if stage not in ("cubin", "store")) / 1e3
    return answer


def _stages(times):
    stages = {"source": times.ir_initialization, **dict(times.lowering_stages), "store": times.store_results}
    return {name: int(us) for name, us in stages.items()}
