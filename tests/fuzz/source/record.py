# record.py - what Triton says and does, written down for the tests
# SPDX-License-Identifier: Apache-2.0
"""usage: TRITON_PYTHON=an interpreter with triton 3.6 and torch python record.py types|wild|flow          no device is needed
       python record.py values RESULTS.jsonl [N]          results of launch.py, of N shards: from a device, with Triton itself

Writes types.txt, wild.txt, flow.txt, values.txt beside itself. A line of types.txt: the printed type or `refused`, a tab, an expression.
Of wild.txt and flow.txt: seed, hash of the text, `refused` or the hash of what was printed. Of values.txt: seed, hash of the text, hash of the values."""
import base64
import hashlib
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import zlib

import bits
import flow
import generate
import tables
import wild

HERE = pathlib.Path(__file__).resolve().parent
TYPES, VALUES = 2500, range(60)
# Kernels that are analysed and not run: how they are made, what stands before them, the constexprs, the seeds.
ANALYSED = {"wild": (wild.kernel, wild.HELPERS, {"C": 4}, range(900)),
            "flow": (flow.kernel, "import triton\nimport triton.language as tl\n", flow.CONSTEXPRS, range(10000, 10800))}


def short(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()[:12]


def spelled(prints):
    """What a front end prints of a value, less what need not agree: how constexprs, addresses and nothing at all are written."""
    return re.sub(r"constexpr\[(\w+)\]", r"\1", re.sub(r" at 0x\w+", "", prints.strip().replace("void[]", "None")))


def ask_front_end(table, text, command, env=None):
    """The results of front.py over a table of cases."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "kernels.py")
        source.write_text(text)
        pathlib.Path(folder, "cases.json").write_text(json.dumps({**table, "file": str(source)}))
        subprocess.run([*command, str(HERE / "front.py"), f"{folder}/cases.json", f"{folder}/results"], check=True, env=env, stderr=subprocess.DEVNULL)
        return [json.loads(line) for line in open(f"{folder}/results")]


def chosen_expressions():
    return random.Random(36).sample(list(tables.expressions()), TYPES)


def analysed(which, seeds=None):
    """(text of a file, cases for front.py, the kernels); seeds: those to be recorded unless given."""
    kernel, head, constexprs, every = ANALYSED[which]
    made = [one for one in map(kernel, every if seeds is None else seeds) if wild.valid(one[1])]
    text = head + "".join("\n\n" + one[1] for one in made)
    return text, {"cases": [{"name": name, "signature": signature, "constexprs": constexprs} for name, _, signature in made]}, made


def digest(case, data):
    """Of the values that every target puts with the same bits."""
    parts = []
    for program in range(case.get("programs", case["grid"][0] * case["grid"][1])):
        for offset, ty, shape, _, portable in case["puts"]:
            count = 1
            for n in shape:
                count *= n
            if portable:
                start = program * case["bytes"] + offset
                size = count * (8 if ty == "any" else bits.width(ty))
                parts.append(bits.canonical("uint8" if ty == "any" else ty, data[start:start + size]).tobytes())
    return short(b"".join(parts))


def main(what, results=None, shards=1):
    triton = [os.environ["TRITON_PYTHON"]] if what != "values" else None
    if what == "types":
        expressions = chosen_expressions()
        text, table = tables.kernels(expressions, "")
        rows = [f"{spelled(r['prints']) if r['ok'] else 'refused'}\t{e}" for e, r in zip(expressions, ask_front_end(table, text, triton))]
    elif what in ANALYSED:
        text, table, made = analysed(what)
        rows = [f"{name.split('_')[1]} {short(body)} {short(spelled(r['prints'])) if r['ok'] else 'refused'}"
                for (name, body, _), r in zip(made, ask_front_end(table, text, triton))]
    else:
        made = [generate.kernel(seed) for seed in VALUES]
        shards = int(shards)
        parts = [[json.loads(line) for line in open(name)] for name in ([results] if shards == 1 else [f"{results}.{i}" for i in range(shards)])]
        rows = []
        for index, (one, case) in enumerate(zip(made, generate.cases(made))):
            result = parts[index % shards][index // shards]
            if "out" in result:
                rows.append(f"{VALUES[index]} {short(one.text)} {digest(case, zlib.decompress(base64.b64decode(result['out'])))}")
    (HERE / f"{what}.txt").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
