#!/usr/bin/env python3
# compile_only.py - every kernel of the table compiled for sm_90a, on a machine without a device
# SPDX-License-Identifier: Apache-2.0
"""usage: compile_only.py [--triton] [--arch 90] [PART…]

With Tessera's package (found through PYTHONPATH), or with --triton by real Triton in this interpreter. Prints a line a kernel (milliseconds,
registers and spilled bytes where the compiler says) and `N passed, N failed` last."""
import argparse
import os
import pathlib
import re
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


def signatures():
    """name: (kernel, types of the arguments by position, constants, options); kernels of the timed compiles first."""
    import compiling
    from kernels import attention, cross_entropy, elementwise, layer_norm, matmul
    p32, p16, i = "*fp32", "*fp16", "i32"
    products = [i, i, i, i, 1, i, 1, i, 1]
    found = compiling.kernels()
    found["dropout"] = (elementwise.dropout, [p32, p32, i, "fp32", i], {"BLOCK": 1024}, {})
    found["rotary"] = (elementwise.rotary, [p16, p32, p32, p16, i], {"HEADS": 32, "HALF": 64}, {})
    found["four arguments"] = (elementwise.four_arguments, [p32, p32, p32, i], {}, {})
    found["layer norm backward"] = (layer_norm.layer_norm_backward, [p16, p16, p16, p32, p32, p16, p32, p32, i, i, i], {"BLOCK": 1024},
                                    {"num_warps": 8})
    found["layer norm gather"] = (layer_norm.layer_norm_gather, [p32, p32, p16, p16, i, i], {"ROWS": 32, "COLS": 64}, {})
    found["cross entropy"] = (cross_entropy.cross_entropy.fn, ["*bf16", "*i64", p32, "*bf16", i, "fp32"], {"PIECE": 8192}, {"num_warps": 8})
    found["matmul bf16"] = (matmul._matmul, ["*bf16"] * 3 + products, {"BM": 128, "BN": 128, "BK": 64, "GROUP": 8}, {"num_warps": 4})
    found["matmul fp8"] = (matmul._matmul, ["*fp8e4nv"] * 2 + [p16, i, i, i, i, 1, 1, i, i, 1], {"BM": 128, "BN": 256, "BK": 128, "GROUP": 8},
                           {"num_warps": 8})
    found["grouped matmul"] = (matmul.grouped_matmul.fn, ["*i64"] * 3 + ["*i32", i], {"PROGRAMS": 132, "BM": 128, "BN": 128, "BK": 64},
                               {"num_warps": 8})
    quantised = [p16, i, i, i, i, i, i]
    found["int8 weights"] = (matmul.int8_weight_matmul.fn, [p16, "*i8", p16, *quantised], {"BM": 128, "BN": 128, "BK": 64, "GROUP": 8},
                             {"num_warps": 8})
    found["int4 weights"] = (matmul.int4_weight_matmul.fn, [p16, "*u8", p16, *quantised],
                             {"SPAN": 128, "BM": 128, "BN": 128, "BK": 64, "GROUP": 8}, {"num_warps": 8})
    for head in (64, 128):
        found[f"attention forward hd{head} full"] = (attention.attention_forward.fn, [p16] * 4 + [p32, "fp32", i],
                                                     {"HEAD": head, "CAUSAL": False, "BM": 128, "BN": 64}, {"num_warps": 8})
        gradient = [p16] * 4 + [p32, p32]
        found[f"attention backward keys hd{head}"] = (attention.attention_backward_keys.fn, [*gradient, p16, p16, "fp32", "fp32", i],
                                                      {"HEAD": head, "CAUSAL": True, "BM": 32, "BN": 128}, {"num_warps": 4})
        found[f"attention backward queries hd{head}"] = (attention.attention_backward_queries.fn, [*gradient, p16, "fp32", "fp32", i],
                                                         {"HEAD": head, "CAUSAL": True, "BM": 128, "BN": 32}, {"num_warps": 4})
    found["attention delta"] = (attention.attention_delta, [p16, p16, p32], {"HEAD": 64, "ROWS": 32}, {})
    return found


def source(triton, kernel, arguments, constants):
    """What triton.compile takes. Pointers and i32 are multiples of 16, as the rows' tensors and sizes are; a number is itself."""
    names = kernel.arg_names
    signature, values, attributes = {}, dict(constants), {}
    for place, (name, argument) in enumerate(zip(names, arguments)):
        if isinstance(argument, int):
            signature[name], values[name] = "constexpr", argument
        else:
            signature[name] = argument
            if argument != "fp32":
                attributes[(place,)] = [["tt.divisibility", 16]]
    signature |= {name: "constexpr" for name in constants}
    return triton.compiler.ASTSource(fn=kernel, signature={n: signature[n] for n in names}, constexprs=values, attrs=attributes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triton", action="store_true")
    parser.add_argument("--arch", type=int, default=90)
    parser.add_argument("parts", nargs="*")
    options = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    os.environ["TRITON_CACHE_DIR"] = os.environ["TESSERA_CACHE_DIR"] = folder.name
    if not options.triton:
        import tessera.triton
        tessera.triton.install()
    import triton
    from triton.backends.compiler import GPUTarget
    passed = failed = 0
    for name, (kernel, arguments, constants, more) in signatures().items():
        if options.parts and not any(part in name for part in options.parts):
            continue
        started = time.perf_counter()
        try:
            compiled = triton.compile(source(triton, kernel, arguments, constants), target=GPUTarget("cuda", options.arch, 32), options=more)
            text = compiled.asm["ptx"]
        except Exception as error:
            failed += 1
            print(f"FAIL {name}: {type(error).__name__}: {' '.join(str(error).split())[:500]}", flush=True)
            continue
        passed += 1
        instructions = {word: len(re.findall(rf"^\s*(?:@\S+ )?{word}", text, re.M))
                        for word in ("wgmma.mma_async", "mma.sync", "cp.async", "ld.global", "st.global", "fma.rn")}
        print(f"ok   {name}: {1e3 * (time.perf_counter() - started):.0f} ms, shared {compiled.metadata.shared}, "
              + ", ".join(f"{word} {count}" for word, count in instructions.items() if count), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
