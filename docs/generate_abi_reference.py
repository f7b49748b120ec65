#!/usr/bin/env python3
# generate_abi_reference.py - docs/reference/plugin-abi.md from plugins/abi: every constant, struct, field and slot, with offsets
# SPDX-License-Identifier: Apache-2.0
"""usage: generate_abi_reference.py [--check]

Writes the reference page of the plugin ABI from plugins/abi/plugin.h, structs.def and slots.def. Offsets and sizes are those of LP64 with natural
alignment. --check writes nothing and exits 1 where the page in the tree is not what the header gives, or where the header and its tables
disagree: a struct or slot that only one of them has, another order, another last field, another size."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER = ROOT / "plugins/abi/plugin.h"
STRUCTS = ROOT / "plugins/abi/structs.def"
SLOTS = ROOT / "plugins/abi/slots.def"
PAGE = ROOT / "docs/reference/plugin-abi.md"

SECTION = re.compile(r"^/\* ---- (\d) (.*?) -+ \*/$")
DEFINE = re.compile(r"^#define (TSR_\w+)(\([^)]*\))? +(.+)$")
OPAQUE = re.compile(r"^typedef struct (\w+) \1;$")
ALIAS = re.compile(r"^typedef (?!struct)(.+);$")
OPENED = re.compile(r"^typedef struct(?: (\w+))? \{$")
CLOSED = re.compile(r"^\} (\w+);$")
SIZES = {"char": 1, "uint8_t": 1, "uint16_t": 2, "uint32_t": 4, "int32_t": 4, "uint64_t": 8, "tsr_status": 4}  # bytes, and the alignment
KINDS = {"Input": "the host fills it", "Output": "the callee fills what fits", "Table": "functions", "Frozen": "never grows"}
NEEDS = {"Required": "required", "Layout": "required of a target that takes layouts", "Optional": "optional", "Event": "group \"event\": all or none",
         "Graph": "group \"graph\": all or none"}


def comment_text(lines):
    """The words of a block comment."""
    text = " ".join(line.strip().removeprefix("/*").removesuffix("*/").strip().removeprefix("* ") for line in lines)
    return escaped(re.sub(r"\s+", " ", text).strip())


def escaped(text):
    return re.sub(r"\*(?=\w)", r"\\*", text)  # *out_device is no emphasis


class Member:
    """A field or a slot: its declaration without the semicolon and what the header says of it."""

    def __init__(self, declaration, note):
        self.declaration, self.note = re.sub(r"\s+", " ", declaration).strip(), note
        self.function = re.match(r"(.+?)\(\*(\w+)\)\((.*)\)$", self.declaration)
        plain = re.match(r"(.+?)(\w+)((?:\[\w+\])?)$", self.declaration)
        self.name = self.function.group(2) if self.function else plain.group(2)
        self.type = "" if self.function else plain.group(1).strip()
        self.extent = plain.group(3)[1:-1] if plain and not self.function else ""

    def size_and_alignment(self, structs):
        if self.function or self.type.endswith("*"):
            size = alignment = 8
        elif self.type in SIZES:
            size = alignment = SIZES[self.type]
        else:
            size, alignment = structs[self.type].size, structs[self.type].alignment
        return size * int(self.extent or 1), alignment


class Struct:

    def __init__(self, name, note, members, structs):
        self.name, self.note, self.members = name, note, members
        self.offsets, self.alignment, at = [], 1, 0
        for m in members:
            size, alignment = m.size_and_alignment(structs)
            at = -(-at // alignment) * alignment
            self.offsets.append(at)
            at += size
            self.alignment = max(self.alignment, alignment)
        self.size = -(-at // self.alignment) * self.alignment


class Header:
    """What plugin.h declares, in its order: sections of ("note", text), ("constants", rows), ("opaque", names), ("struct", Struct)."""

    def __init__(self):
        self.lines = HEADER.read_text().splitlines()
        self.at, self.structs, self.sections = 0, {}, []
        note = ""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if m := SECTION.match(line):
                self.sections.append((f"{m.group(2)[:1].upper()}{m.group(2)[1:]}", []))
                note = ""
            elif line.startswith("/* ---- reading"):
                break  # macros for C, not part of what crosses
            elif line.startswith("/*"):
                self.flush(note)
                note = self.comment()
                continue
            elif m := DEFINE.match(line):
                self.constant(m, note)
                note = ""
            elif m := OPAQUE.match(line):
                self.add("opaque", note, m.group(1))
                note = ""
            elif OPENED.match(line):
                self.struct(note)
                note = ""
            elif m := ALIAS.match(line):
                self.flush(note)
                self.section().append(("note", f"`typedef {m.group(1)}`"))
                note = ""
            elif not line:
                self.flush(note)
                note = ""
            self.at += 1

    def section(self):
        return self.sections[-1][1] if self.sections else []

    def flush(self, note):
        if note:
            self.section().append(("note", note))

    def add(self, kind, note, row):
        self.flush(note)
        if not self.section() or self.section()[-1][0] != kind:
            self.section().append((kind, []))
        self.section()[-1][1].append(row)

    def comment(self):
        first = self.at
        while "*/" not in self.lines[self.at]:
            self.at += 1
        self.at += 1
        return comment_text(self.lines[first:self.at])

    def constant(self, m, note):
        value, _, remark = m.group(3).partition("/*")
        if self.sections and m.group(1) != "TSR_CAPABILITY":  # an #include of rows, which have a page
            while remark and "*/" not in remark:
                self.at += 1
                remark += " " + self.lines[self.at].strip().removeprefix("* ")
            self.add("constants", note, (m.group(1) + (m.group(2) or ""), value.strip(), remark.replace("*/", "").strip()))

    def struct(self, note):
        members, above, text = [], "", ""
        self.at += 1
        while not (closed := CLOSED.match(self.lines[self.at])):
            line = self.lines[self.at]
            if not text and line.strip().startswith("/*"):
                above = self.comment()
                continue
            code, _, remark = line.partition("/*")
            text += " " + code.strip()
            while remark and "*/" not in remark:
                self.at += 1
                remark += " " + self.lines[self.at].strip().removeprefix("* ")
            if text.endswith(";"):
                members.append(Member(text[:-1], " ".join(filter(None, [above, remark.replace("*/", "").strip()]))))
                above = text = ""
            elif not text.strip():
                above = text = ""
            self.at += 1
        made = Struct(closed.group(1), note, members, self.structs)
        self.structs[made.name] = made
        self.section().append(("struct", made))


def disagreements(header, kinds, needs):
    problems = []
    for name, (size, last, _) in kinds.items():
        if name not in header.structs:
            problems.append(f"{STRUCTS.name}: {HEADER.name} has no struct {name}")
            continue
        struct = header.structs[name]
        if struct.members[-1].name != last:
            problems.append(f"{STRUCTS.name}: the last field of {name} is {struct.members[-1].name}, not {last}")
        if struct.size != size:
            problems.append(f"{STRUCTS.name}: {name} has {struct.size} bytes, not {size}")
    problems += [f"{STRUCTS.name}: no row for {name}" for name in header.structs if name not in kinds]
    for table, rows in needs.items():
        slots = [m.name for m in header.structs[f"tsr_{table}_api"].members if m.function]
        if slots != list(rows):
            problems.append(f"{SLOTS.name}: the slots of {table} are {', '.join(slots)}, in this order, not {', '.join(rows)}")
    return problems


def cell(text):
    return text.replace("|", "\\|")


def struct_lines(struct, kinds, needs):
    table = struct.name.removeprefix("tsr_").removesuffix("_api")
    kind = kinds[struct.name][2] if struct.name in kinds else ""
    out = ["", f"### `{struct.name}`", "", f"{struct.size} bytes; {KINDS[kind]}." if kind else f"{struct.size} bytes."]
    if struct.note:
        out += ["", struct.note]
    fields = [(at, m) for at, m in zip(struct.offsets, struct.members) if not m.function]
    if fields:
        out += ["", "| offset | field | type | |", "|---|---|---|---|"]
        out += [f"| {at} | `{m.name}` | `{m.type}{f'[{m.extent}]' if m.extent else ''}` | {cell(m.note)} |" for at, m in fields]
    for at, m in zip(struct.offsets, struct.members):
        if m.function:
            need = needs.get(table, {}).get(m.name)
            parameters = re.sub(r"\s*,\s*", ", ", m.function.group(3))
            note = m.note.removeprefix("Required.").strip() if need == "Required" else m.note
            out += ["", f"**`{m.name}`**, at {at}{f', {NEEDS[need]}' if need else ''}", "", "```c",
                    f"{m.function.group(1).strip()} {m.name}({parameters});".replace("* ", "*"), "```", *(["", note] if note else [])]
    return out


def page(header, kinds, needs):
    out = ["<!-- made by docs/generate_abi_reference.py from plugins/abi/plugin.h, structs.def and slots.def; edit those -->",
           "# Plugin ABI: constants, structs, slots", "",
           "What a host and a vendor's shared object say to each other. The header (`plugins/abi/plugin.h`) is C11 and the authority; the rules R1 to R12 that it cites are",
           "[rules.md](../abi/rules.md), how to begin is [add-a-backend.md](../howto/add-a-backend.md), and the numbers of capabilities are [capabilities.md](capabilities.md).",
           "Offsets are bytes, LP64, little-endian.", "",
           "*Borrowed*: the callee may read it until the call returns, and keeps no pointer into it. *Owned*: the caller destroys the handle with the slot named;",
           "destroying NULL does nothing. *Required*: the slot is never NULL; every other one may be, and the host does without. Unless said otherwise a pointer argument is borrowed and",
           "not NULL, every function may be called from any thread, several at once, `out_*` is written only where the status is 0, and a negative status comes with one error",
           "diagnostic where there is a sink, else with a text from `last_error`."]
    for title, parts in header.sections:
        out += ["", f"## {title}"]
        for kind, what in parts:
            if kind == "note":
                out += ["", what]
            elif kind == "opaque":
                out += ["", ", ".join(f"`{name}`" for name in what)]
            elif kind == "constants":
                out += ["", "| constant | value | |", "|---|---|---|", *(f"| `{name}` | `{value}` | {cell(remark)} |" for name, value, remark in what)]
            else:
                out += struct_lines(what, kinds, needs)
    return "\n".join(out) + "\n"


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.stderr.write(__doc__ + "\n")
        return 2
    kinds = {m.group(1): (int(m.group(2)), m.group(3), m.group(4)) for m in re.finditer(r"^TSR_STRUCT\((\w+), (\d+), (\w+), (\w+)\)$", STRUCTS.read_text(), re.M)}
    needs = {}
    for m in re.finditer(r"^TSR_SLOT\((\w+), (\w+), (\w+)\)$", SLOTS.read_text(), re.M):
        needs.setdefault(m.group(1), {})[m.group(2)] = m.group(3)
    header = Header()
    problems = disagreements(header, kinds, needs)
    text = page(header, kinds, needs)
    if not arguments and not problems:
        PAGE.write_text(text)
    elif arguments and (not PAGE.exists() or PAGE.read_text() != text):
        problems.append(f"{PAGE.relative_to(ROOT)} is out of date: run docs/generate_abi_reference.py")
    for p in problems:
        print(p)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
