# compare.py - whether two implementations put the same values
# SPDX-License-Identifier: Apache-2.0
"""usage: python compare.py CASES.json LEFT.jsonl RIGHT.jsonl [N]        N: the results are LEFT.0 … LEFT.(N-1), one a shard

Bits must agree, but NaN is NaN and 0.0 is -0.0; values that an implementation may round otherwise must agree to the tolerance of their
type. The last line is `N agree, N differ, N failed`."""
import base64
import json
import os
import sys
import zlib

import numpy

import bits

TOLERANCE = {"fp16": 4e-3, "bf16": 4e-2, "fp32": 1e-4, "fp64": 1e-4, "fp8e5": 0.3, "fp8e4nv": 0.15}


def difference(case, left, right):
    """The first put that differs, in words; None where all agree."""
    for program in range(case.get("programs", case["grid"][0] * case["grid"][1])):
        for offset, ty, shape, exact, _ in case["puts"]:
            count = 1
            for n in shape:
                count *= n
            start = program * case["bytes"] + offset
            size = count * (8 if ty == "any" else bits.width(ty))
            x, y = left[start:start + size], right[start:start + size]
            if x == y:
                continue
            ty = "uint8" if ty == "any" else ty
            same = bits.canonical(ty, x) == bits.canonical(ty, y)
            x, y = bits.decode(ty, x), bits.decode(ty, y)
            if not exact:
                with numpy.errstate(all="ignore"):
                    same |= abs(x - y) <= TOLERANCE[ty] * (1 + numpy.maximum(abs(x), abs(y)))
            if not same.all():
                bad = numpy.flatnonzero(~same)
                at = int(bad[0])
                return f"put {offset} {ty}{shape}{'' if exact else ' ~'} program {program}: {len(bad)} of {len(x)}, [{at}] {x[at]} / {y[at]}"
    return None


def read(path, shards):
    """The results in the order of the cases; those that are missing are None."""
    parts = [[json.loads(line) for line in open(name)] if os.path.exists(name) else []
             for name in ([path] if shards == 1 else [f"{path}.{i}" for i in range(shards)])]
    return lambda index: parts[index % shards][index // shards] if index // shards < len(parts[index % shards]) else None


def main(cases, left, right, shards=1):
    table = json.load(open(cases))
    a, b = read(left, int(shards)), read(right, int(shards))
    agree, differ, failed = 0, [], []
    for index, case in enumerate(table):
        x, y = a(index), b(index)
        if x is None or y is None:
            continue
        if "error" in x or "error" in y:
            sides = [" < ".join([r["error"], *r.get("causes", [])]).replace("\n", " ")[-240:] if "error" in r else "runs" for r in (x, y)]
            failed.append(f"{case['name']}: {sides[0]} / {sides[1]}")
            continue
        what = difference(case, *(zlib.decompress(base64.b64decode(side["out"])) for side in (x, y)))
        if what:
            differ.append(f"{case['name']}: {what}")
        else:
            agree += 1
    print("\n".join(failed + differ))
    print(f"{agree} agree, {len(differ)} differ, {len(failed)} failed")
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
