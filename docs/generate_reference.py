#!/usr/bin/env python3
# generate_reference.py - the pages of docs/reference that are made from tables: bytecode-ops.md, diagnostics.md, capabilities.md, stages.md
# SPDX-License-Identifier: Apache-2.0
"""usage: generate_reference.py [--check]

Writes the reference pages of the portable bytecode (from core/bytecode/Ops.def), of the messages (from
core/support/Diagnostics.def), of what targets say of themselves (from core/target/Capabilities.def, with the sources that plugins/abi/caps.def has) and of the stages of a compile with their passes (from
core/pipeline/Stages.cpp, core/transforms/layout/LayoutPipeline.cpp and the Passes.td of both). --check writes nothing and exits 1 where a page in the tree is not what its table gives, or
where a table breaks one of its own rules (a number or id used twice, an attribute that does not exist)."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "core/bytecode/Ops.def"
NAMES = ROOT / "core/bytecode/EnumNames.cpp"
PAGE = ROOT / "docs/reference/bytecode-ops.md"
MESSAGES = ROOT / "core/support/Diagnostics.def"
MESSAGES_PAGE = ROOT / "docs/reference/diagnostics.md"
CAPABILITIES = ROOT / "core/target/Capabilities.def"
CAPABILITY_SOURCES = ROOT / "plugins/abi/caps.def"
CAPABILITIES_PAGE = ROOT / "docs/reference/capabilities.md"
TILE_STAGES = ROOT / "core/pipeline/Stages.cpp"
LAYOUT_STAGES = ROOT / "core/transforms/layout/LayoutPipeline.cpp"
TILE_PASSES = ROOT / "core/transforms/Passes.td"
LAYOUT_PASSES = ROOT / "core/transforms/layout/Passes.td"
STAGES_PAGE = ROOT / "docs/reference/stages.md"

STRING = r'"((?:[^"\\]|\\.)*)"'
SECTION = re.compile(r"^// ---- (.*?) -*$")
ELEM = re.compile(rf'^TSR_ELEM\((\d+), (\w+), {STRING}, (\d+), (\d+)\)\s*(?://\s*(.*))?$')
ATTR = re.compile(rf'^TSR_ATTR\((\d+), (\w+), {STRING}, (\w+), (\d+)\)\s*(?://\s*(.*))?$')
OP = re.compile(rf'^TSR_OP\((\d+), (\w+), {STRING}, (\d+), (-?\d+), (-?\d+), (-?\d+), (\d+), {STRING}, {STRING}\)\s*(?://\s*(.*))?$')

DIAG = re.compile(rf'^TSR_DIAG\((\w+), "([EW]\d{{4}})", (Error|Warning|Note|Bug), {STRING}\)$')
CAPABILITY = re.compile(rf"^TSR_CAPABILITY\((\d+), \w+, {STRING}, {STRING}, {STRING}\)$")
CAPABILITY_SOURCE = re.compile(rf"^TSR_CAPABILITY\((\d+), (\w+), {STRING}, {STRING}, {STRING}\)$")
PASS = re.compile(r'^def (\w+) : \w+<"([\w-]+)"> \{\n(.*?)^\}$', re.M | re.S)
OPTION = re.compile(rf'\bOption<"\w+",\s*{STRING},\s*{STRING},\s*{STRING},\s*{STRING}>')
STATISTIC = re.compile(rf'\bStatistic<"\w+",\s*{STRING},\s*{STRING}>')
TILE_STAGE = re.compile(rf"((?:^ *// .*\n)*)^ *\{{{STRING}, (?:\[\] \{{ return )?create(\w+)(?:\(\); \}})?\}},$", re.M)
LAYOUT_STAGE = re.compile(rf"^ *\{{{STRING}, \w+,\s*{STRING}\}},$", re.M)
# Families of ids: the first two digits, what they are about, the command's exit code.
FAMILIES = [("00", "A defect of Tessera", "3"), ("01", "Syntax", "1"), ("02", "The meaning of a kernel", "1"),
            ("03", "The command line and its inputs", "1, usage (E0301) 2"), ("04", "Plugins and targets", "4"), ("05", "Limits and resources", "1"),
            ("06", "Running", "1"), ("09", "Warnings and notes", "")]


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


def read_messages():
    rows, problems, seen = [], [], set()
    sources = (p for folder in ("core", "frontends", "plugins", "runtime", "backends") for p in (ROOT / folder).rglob("*.cpp"))
    used = {name for p in sources for name in re.findall(r"\bDiagId::(\w+)", p.read_text())}
    for number, line in enumerate(MESSAGES.read_text().splitlines(), 1):
        if m := DIAG.match(line):
            rows.append(m.groups())
            if m.group(2) in seen:
                problems.append(f"{MESSAGES.name}:{number}: id {m.group(2)} is taken")
            if m.group(2)[1:3] not in [f[0] for f in FAMILIES]:
                problems.append(f"{MESSAGES.name}:{number}: id {m.group(2)} is of no family")
            seen.add(m.group(2))
            if m.group(1) not in used:
                problems.append(f"{MESSAGES.name}:{number}: nothing gives {m.group(1)} ({m.group(2)})")
        elif line.startswith("TSR_DIAG"):
            problems.append(f"{MESSAGES.name}:{number}: a row that this script does not understand")
    return rows, problems


def words(name):
    """NotAKernel -> not a kernel"""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower()


def messages_page(rows):
    out = ["<!-- made by docs/generate_reference.py from core/support/Diagnostics.def; edit those -->",
           "# Messages and their ids", "",
           "Every message has an id that never changes its meaning and is never reused, so that scripts and searches can rely on it.",
           "A message names the place (file, line, column, with an excerpt and a caret where the source is known), says what is wrong",
           "with the offending value, and where there is something to do, says that as `help:`. The advice below is the usual one; a message may",
           "carry a more exact one. `--diagnostics-format=json` prints each message as one JSON object on a line.", "",
           "A *bug* is a defect of Tessera and never the user's fault. Every id is a row of `core/support/Diagnostics.def`;",
           "`core/support/Diagnostic.h` renders them."]
    for digits, title, code in FAMILIES:
        family = [r for r in rows if r[1][1:3] == digits]
        if not family:
            continue
        out += ["", f"## {title}", "", *([f"Exit code of `tessera`: {code}.", ""] if code else []), "| id | about | severity | advice |", "|---|---|---|---|"]
        out += [f"| {i} | {words(name)} | {severity.lower()} | {cell(text)} |" for name, i, severity, text in family]
    return "\n".join(out) + "\n"


def read_capabilities():
    """[(number, name, unit, meaning, source)] of what the core reads; and what the two tables disagree on."""
    rows, sources, problems = [], {}, []
    for path, pattern in ((CAPABILITY_SOURCES, CAPABILITY_SOURCE), (CAPABILITIES, CAPABILITY)):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            m = pattern.match(line)
            if not m and line.startswith("TSR_CAPABILITY"):
                problems.append(f"{path.relative_to(ROOT)}:{number}: a row that this script does not understand")
            elif m and path == CAPABILITY_SOURCES:
                sources[m.group(1)] = m.groups()
            elif m and m.group(1) in sources:  # else the core's own
                rows.append((*m.groups(), sources[m.group(1)][4]))
                if sources[m.group(1)][1] != m.group(2).upper():
                    problems.append(f"{path.relative_to(ROOT)}:{number}: {m.group(1)} is {sources[m.group(1)][1]} in {CAPABILITY_SOURCES.name}")
    numbers = [r[0] for r in rows]
    problems += [f"{CAPABILITIES.name}: number {n} is taken" for n in numbers if numbers.count(n) > 1]
    problems += [f"{CAPABILITY_SOURCES.name}: {row[1]} is no capability of the core" for n, row in sources.items() if n not in numbers]
    return rows, problems


def capabilities_page(rows):
    out = ["<!-- made by docs/generate_reference.py from core/target/Capabilities.def and the sources of plugins/abi/caps.def; edit those -->",
           "# Capabilities: what a target says of itself", "",
           "A plugin's target states numbers (`cap(TSR_CAP_LANES, 32)`), and the core asks for them by the same numbers. One that is not stated is 0, which",
           "means what the row says behind its semicolon. A *mask* is the sum of what holds: `1 << i` for a row that says *bit i*, else of the numbers that it",
           "names. *Block* is a program, *subgroup* a warp, *lane* a thread, *unit* a multiprocessor or core. How to state them:",
           "[add-a-backend.md](../howto/add-a-backend.md).", "",
           "| number | `TSR_CAP_` | unit | meaning | where a plugin takes it from |", "|---|---|---|---|---|"]
    out += [f"| {n} | `{name.upper()}` | {unit} | {cell(meaning)} | {cell(source)} |" for n, name, unit, meaning, source in rows]
    return "\n".join(out) + "\n"


def read_passes(path):
    """[(class, flag, summary, description, options, statistics)] of a Passes.td, in its order."""
    passes, problems = [], []
    text = path.read_text()
    for name, flag, body in PASS.findall(text):
        summary = re.search(rf"let summary = {STRING};", body)
        description = re.search(rf"let description = (?:{STRING}|\[\{{(.*?)\}}\]);", body, re.S)
        lines = (description.group(1) or description.group(2) or "").strip().splitlines() if description else []
        if not summary:
            problems.append(f"{path.relative_to(ROOT)}: pass {flag} has no summary")
        passes.append((name, flag, summary.group(1) if summary else "", [x.strip() for x in lines], OPTION.findall(body), STATISTIC.findall(body)))
    if len(passes) != len(re.findall(r"^def ", text, re.M)):
        problems.append(f"{path.relative_to(ROOT)}: a pass that this script does not understand")
    return passes, problems


def read_stages(passes):
    """([(stage, flag, why)] of TILE, the same of LAYOUT, problems)."""
    flags = {name: flag for name, flag, *_ in passes}
    problems = []
    text = TILE_STAGES.read_text()
    text = text[text.index("kTileStages[] = {"):text.index("\n};")]
    tile = [(stage, flags.get(made, ""), " ".join(x.strip().removeprefix("// ") for x in why.splitlines())) for why, stage, made in TILE_STAGE.findall(text)]
    problems += [f"{TILE_STAGES.name}: stage {stage}: no pass is made by it" for stage, flag, _ in tile if not flag]
    if len(tile) != len(re.findall(r'^ *\{"', text, re.M)):
        problems.append(f"{TILE_STAGES.name}: a stage that this script does not understand")
    text = LAYOUT_STAGES.read_text()
    text = text[text.index("steps[] = {"):text.index("\n  };")]
    layout = [(stage, f"tile-{stage}" if f"tile-{stage}" in flags.values() else "", why) for stage, why in LAYOUT_STAGE.findall(text)]
    if len(layout) != len(re.findall(r'^ *\{"', text, re.M)):
        problems.append(f"{LAYOUT_STAGES.name}: a stage that this script does not understand")
    return tile, layout, problems


def sentence(text):
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def stages_page(tile, layout, tile_passes, layout_passes):
    out = ["<!-- made by docs/generate_reference.py from Stages.cpp of core/pipeline and LayoutPipeline.cpp, Passes.td of core/transforms; edit those -->",
           "# Stages and passes", "",
           "`tessera compile --dump-ir=STAGE` shows the IR after a stage, `tessera-opt --PASS` runs a pass over a file of IR. Behind these stages a plugin has its own",
           "(`--dump-ir=PLUGIN:*`)."]
    for title, about, rows in (("Stages of tiles", "Every compile runs these, in this order (`core/pipeline/Stages.cpp`); `find-tensor-copies` and the like only where the target has such a thing.", tile),
                               ("Stages of layouts", "Then, for targets that take layouts (`core/transforms/layout/LayoutPipeline.cpp`):", layout)):
        out += ["", f"## {title}", "", about, "", "| stage | pass | why there |", "|---|---|---|"]
        out += [f"| `{stage}` | {f'`{flag}`' if flag else ''} | {cell(sentence(why)) if why else ''} |" for stage, flag, why in rows]
    common = re.search(r"list<Option> targetOptions = \[(.*?)^  \];", LAYOUT_PASSES.read_text(), re.M | re.S)
    for title, passes, options in (("Passes over tiles", tile_passes, []), ("Passes over layouts", layout_passes, OPTION.findall(common.group(1)))):
        out += ["", f"## {title}"]
        if options:
            out += ["", "Each of them takes the options of the generic target that it then works for; in a compile the target is the plugin's."]
            out += ["", *option_table(options)]
        for _, flag, summary, description, own, statistics in passes:
            out += ["", f"### `{flag}`", "", sentence(cell(summary))]
            if description:
                out += ["", *description]
            if own:
                out += ["", *option_table(own)]
            if statistics:
                out += ["", "Statistics: " + ", ".join(f"`{name}` ({text[:1].lower()}{text[1:]})" for name, text in statistics) + "."]
    return "\n".join(out) + "\n"


def option_table(options):
    return ["| option | type | default | |", "|---|---|---|---|", *[f"| `{flag}` | {kind} | {default} | {cell(text)} |" for flag, kind, default, text in options]]


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.stderr.write(__doc__ + "\n")
        return 2
    elems, attrs, groups, problems = read_table()
    messages, more = read_messages()
    problems += more
    capabilities, more = read_capabilities()
    problems += more
    tile_passes, more = read_passes(TILE_PASSES)
    problems += more
    layout_passes, more = read_passes(LAYOUT_PASSES)
    problems += more
    tile, layout, more = read_stages(tile_passes + layout_passes)
    problems += more
    for path, text in ((PAGE, page(elems, attrs, groups)), (MESSAGES_PAGE, messages_page(messages)), (CAPABILITIES_PAGE, capabilities_page(capabilities)),
                       (STAGES_PAGE, stages_page(tile, layout, tile_passes, layout_passes))):
        if arguments:
            if not path.exists() or path.read_text() != text:
                problems.append(f"{path.relative_to(ROOT)} is out of date: run docs/generate_reference.py")
        elif not problems:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for p in problems:
        print(p)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
