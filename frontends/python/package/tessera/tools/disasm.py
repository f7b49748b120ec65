# disasm.py - machine code as text
# SPDX-License-Identifier: Apache-2.0
"""``get_sass`` shows an NVIDIA device's machine code through the toolkit's ``cuobjdump``, with the control codes in front
that say how an instruction waits: wait mask, read barrier, write barrier, yield, stall cycles."""
from __future__ import annotations

import re

# Machine code of Volta and later: 16 bytes an instruction, printed as two lines; control bits 41… of the second word.
# Source: Jia, Maggioni, Staiger, Scarpazza, "Dissecting the NVIDIA Volta GPU Architecture via Microbenchmarking" (2018).
_INSTRUCTION = re.compile(r"\s*/\*([0-9a-f]{4,})\*/\s*(.*?);\s*/\* 0x([0-9a-f]{16}) \*/")
_SECOND_WORD = re.compile(r"\s*/\* 0x([0-9a-f]{16}) \*/")
_FUNCTION = re.compile(r"\s*Function : (\S+)")
_BRANCH = re.compile(r"(.*\bBRA\S* .*?)(0x[0-9a-f]+)(.*)")


def _control(word):
    field = lambda low, bits: (word >> low) & ((1 << bits) - 1)
    barrier = lambda value: "-" if value == 7 else str(value)
    wait = field(52, 6)
    return ":".join([f"{wait:02d}" if wait else "--", barrier(field(49, 3)), barrier(field(46, 3)),
                     "-" if field(45, 1) else "Y", f"{field(41, 4):x}"])


def format_sass(text, fun=None):
    """``cuobjdump -sass`` output as lines of control code and instruction, branch targets as labels; of one function, or all."""
    functions, name, pending = {}, None, None
    for line in text.splitlines():
        if found := _FUNCTION.match(line):
            name = found.group(1)
            functions[name] = []
        elif found := _INSTRUCTION.match(line):
            pending = (int(found.group(1), 16), found.group(2).strip())
        elif pending and (found := _SECOND_WORD.match(line)):
            functions[name].append((*pending, _control(int(found.group(1), 16))))
            pending = None
    out = []
    for name, code in functions.items():
        if fun is not None and name != fun:
            continue
        targets = sorted({int(m.group(2), 16) for _, asm, _ in code if (m := _BRANCH.match(asm))})
        labels = {address: f"L{i}" for i, address in enumerate(targets)}
        out.append(f"Function:{name}")
        for address, asm, control in code:
            if address in labels:
                out.append(f"{labels[address]}:")
            if m := _BRANCH.match(asm):
                asm = m.group(1) + labels[int(m.group(2), 16)] + m.group(3)
            out.append(f"{control}\t{asm};")
    return "\n".join(out)


def extract(file_path, fun=None):
    """The machine code of a cubin file as text; see ``get_sass``."""
    import subprocess
    from tessera import knobs
    text = subprocess.check_output([knobs.nvidia.cuobjdump.path, "-sass", str(file_path)], text=True)
    return format_sass(text, fun)


def get_sass(cubin_asm, fun=None):
    """The machine code in ``cubin_asm`` (bytes) as text; ``fun`` is one kernel's name. Errors: RuntimeError where the toolkit's
    cuobjdump is not found (``knobs.nvidia.cuobjdump``)."""
    import tempfile
    with tempfile.NamedTemporaryFile(suffix=".cubin") as f:
        f.write(cubin_asm)
        f.flush()
        return extract(f.name, fun)
