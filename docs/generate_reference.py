#!/usr/bin/env python3
# generate_reference.py - docs/reference/bytecode-ops.md from core/bytecode/Ops.def
# SPDX-License-Identifier: Apache-2.0
"""usage: generate_reference.py [--check]

Writes the reference page of the portable bytecode from its op table. --check writes nothing and exits 1 where the page
in the tree is not what the table gives, or where the table breaks one of its own rules (a number used twice, an
attribute that does not exist)."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "core/bytecode/Ops.def"
NAMES = ROOT / "core/bytecode/EnumNames.cpp"
PAGE = ROOT / "docs/reference/bytecode-ops.md"

STRING = r'"((?:[^"\\]|\\.)*)"'
SECTION = re.compile(r"^// ---- (.*?) -*$")
ELEM = re.compile(rf'^TSR_ELEM\((\d+), (\w+), {STRING}, (\d+), (\d+)\)\s*(?://\s*(.*))?$')
ATTR = re.compile(rf'^TSR_ATTR\((\d+), (\w+), {STRING}, (\w+), (\d+)\)\s*(?://\s*(.*))?$')
OP = re.compile(rf'^TSR_OP\((\d+), (\w+), {STRING}, (\d+), (-?\d+), (-?\d+), (-?\d+), (\d+), {STRING}, {STRING}\)\s*(?://\s*(.*))?$')


def read_table():
    elems, attrs, groups, problems = [], [], [], []
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if m := SECTION.match(line):
            groups.append((m.group(1), []))
        elif m := ELEM.match(line):
            elems.append(m.groups())
        elif m := ATTR.match(line):
            attrs.append(m.groups())
        elif m := OP.match(line):
            groups[-1][1].append(m.groups())
        elif line.startswith("TSR_"):
            problems.append(f"{TABLE.name}:{number}: a row that this script does not understand")
    names = {a[2] for a in attrs}
    ops = [o for _, rows in groups for o in rows]
    for what, rows in (("element type", elems), ("attribute", attrs), ("op", ops)):
        for column, word in ((0, "number"), (2, "name")):
            seen = set()
            for row in rows:
                if row[column] in seen:
                    problems.append(f"{what} {row[2]}: {word} {row[column]} is taken")
                seen.add(row[column])
    for o in ops:
        for word in o[8].split():
            if word.rstrip("?") not in names:
                problems.append(f"op {o[2]}: there is no attribute {word}")
    return elems, attrs, [(title, rows) for title, rows in groups if rows], problems


def read_enums():
    """Names of enumerated attribute values: {variable: [names]} of EnumNames.cpp, and which attribute uses which."""
    text = NAMES.read_text()
    lists = {m.group(1): re.findall(r'"([^"]*)"', m.group(2)) for m in re.finditer(r"constexpr std::string_view (k\w+)\[\] = \{(.*?)\};", text, re.S)}
    uses, pending = {}, []
    for line in text.splitlines():
        if m := re.search(r"case AttrId::(\w+):", line):
            pending.append(m.group(1))
        elif (found := [v for v in re.findall(r"k[A-Z]\w+", line) if v in lists]) and pending:
            for a in pending:
                uses[a] = found
            pending = []
    return lists, uses


def cell(text):
    return text.replace('\\"', '"').replace("\\\\", "\\").replace("|", "\\|")


def count(low, high):
    if int(high) < 0:
        return f"{low} or more" if int(low) else "any"
    return low if low == high else f"{low} to {high}"


def page(elems, attrs, groups):
    lists, uses = read_enums()
    out = ["<!-- made by docs/generate_reference.py from core/bytecode/Ops.def; edit those -->",
           "# Portable bytecode: types, attributes, ops", "",
           "Numbers are part of the wire format; `since` is the minor version of major 0 that brought a row in. The container is",
           "described in `core/bytecode/Wire.h`, the text form in `core/bytecode/Text.h`, and what an op computes, to the bit, by",
           "`core/interpreter`.", "",
           "Integers are signless and i1 is one bit wide (as a signed number, true is -1); the ops carry the signedness. Nothing",
           "traps: where a result is *unspecified*, any value may appear, and the interpreter's memory check reports it where it",
           "reaches memory, a branch, an address or a mask.", "",
           "## Element types", "", "| number | name | bytes in memory | since | |", "|---|---|---|---|---|"]
    out += [f"| {n} | `{text}` | {int(bits) // 8} | {since} | {cell(note or '')} |" for n, _, text, bits, since, note in elems]
    out += ["", "## Attributes", "",
            "An op has only the attributes that its row lists; one with a `?` may be absent, which means 0, the empty string or the",
            "empty list.", "", "| number | name | kind | since | |", "|---|---|---|---|---|"]
    for n, name, text, kind, since, note in attrs:
        values = []
        for variable in uses.get(name, []):
            values.append(", ".join(f"{i} `{v}`" for i, v in enumerate(lists[variable])))
        notes = "; ".join(filter(None, [cell(note or ""), *values]))
        out.append(f"| {n} | `{text}` | {kind} | {since} | {notes} |")
    out += ["", "## Ops"]
    for title, rows in groups:
        out += ["", f"### {title[:1].upper()}{title[1:]}", "", "| number | op | operands | results | regions | attributes | since | |", "|---|---|---|---|---|---|---|---|"]
        for n, _, text, since, low, high, results, regions, attributes, summary, note in rows:
            words = ", ".join(f"`{a}`" for a in attributes.split())
            notes = " ".join(filter(None, [summary, note]))
            out.append(f"| {n} | `{text}` | {count(low, high)} | {'any' if results == '-1' else results} | {regions} | {words} | {since} | {cell(notes)} |")
    return "\n".join(out) + "\n"


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.stderr.write(__doc__ + "\n")
        return 2
    elems, attrs, groups, problems = read_table()
    text = page(elems, attrs, groups)
    if arguments:
        if not PAGE.exists() or PAGE.read_text() != text:
            problems.append(f"{PAGE.relative_to(ROOT)} is out of date: run docs/generate_reference.py")
    elif not problems:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text)
    for p in problems:
        print(p)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
