#!/usr/bin/env python3
# unicode_tables.py - writes UnicodeTables.inc: what Python's syntax needs of Unicode's character database
# SPDX-License-Identifier: Apache-2.0
"""usage: unicode_tables.py OUTPUT

From the build's Python, so of its version of Unicode: ranges that str.isprintable accepts; compatibility decompositions,
combining classes and canonical compositions (identifiers are compared in normal form NFKC); hashes of character names for
"\\N{…}". Hangul syllables and CJK ideographs follow rules and are in Unicode.cpp. Identifiers need no decomposition of
characters that cannot stand in one."""
import sys
import unicodedata

LIMIT = 0x110000
# Names that are no character's own: controls, and the corrections of Unicode's NameAliases.txt that people write.
ALIASES = """NULL|START OF HEADING|START OF TEXT|END OF TEXT|END OF TRANSMISSION|ENQUIRY|ACKNOWLEDGE|ALERT|BACKSPACE|
CHARACTER TABULATION|HORIZONTAL TABULATION|LINE FEED|NEW LINE|END OF LINE|LINE TABULATION|VERTICAL TABULATION|FORM FEED|
CARRIAGE RETURN|SHIFT OUT|LOCKING-SHIFT ONE|SHIFT IN|LOCKING-SHIFT ZERO|DATA LINK ESCAPE|DEVICE CONTROL ONE|
DEVICE CONTROL TWO|DEVICE CONTROL THREE|DEVICE CONTROL FOUR|NEGATIVE ACKNOWLEDGE|SYNCHRONOUS IDLE|
END OF TRANSMISSION BLOCK|CANCEL|END OF MEDIUM|SUBSTITUTE|ESCAPE|INFORMATION SEPARATOR FOUR|FILE SEPARATOR|
INFORMATION SEPARATOR THREE|GROUP SEPARATOR|INFORMATION SEPARATOR TWO|RECORD SEPARATOR|INFORMATION SEPARATOR ONE|
UNIT SEPARATOR|DELETE|BREAK PERMITTED HERE|NO BREAK HERE|INDEX|NEXT LINE|START OF SELECTED AREA|END OF SELECTED AREA|
PARTIAL LINE FORWARD|PARTIAL LINE BACKWARD|REVERSE LINE FEED|REVERSE INDEX|SINGLE SHIFT TWO|SINGLE SHIFT THREE|
DEVICE CONTROL STRING|PRIVATE USE ONE|PRIVATE USE TWO|CANCEL CHARACTER|MESSAGE WAITING|START OF STRING|STRING TERMINATOR|
CONTROL SEQUENCE INTRODUCER|OPERATING SYSTEM COMMAND|PRIVACY MESSAGE|APPLICATION PROGRAM COMMAND|BYTE ORDER MARK|
NUL|SOH|STX|ETX|EOT|ENQ|ACK|BEL|BS|HT|TAB|LF|NL|EOL|VT|FF|CR|SO|SI|DLE|DC1|DC2|DC3|DC4|NAK|SYN|ETB|CAN|EOM|SUB|ESC|FS|GS|RS|
US|DEL|NEL|NBSP|SHY|ZWSP|ZWNJ|ZWJ|LRM|RLM|BOM|ZWNBSP|SP|WJ""".replace("\n", "")


def fnv(name):
    h = 0xcbf29ce484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return h


def is_regular(c):
    return 0xac00 <= c < 0xac00 + 11172 or unicodedata.name(chr(c), "").startswith("CJK UNIFIED IDEOGRAPH-")


def rows(values, text):
    out, line = [], "   "
    for v in values:
        cell = " " + text(v) + ","
        if len(line) + len(cell) > 118:
            out.append(line)
            line = "   "
        line += cell
    return "\n".join(out + [line])


def main(path):
    printable, last = [], False
    for c in range(LIMIT):
        now = chr(c).isprintable()
        if now != last:
            printable.append(c)
        last = now
    decompositions, parts = [], []
    for c in range(0x80, LIMIT):
        if is_regular(c) or 0xd800 <= c < 0xe000 or not ("a" + chr(c)).isidentifier():
            continue
        full = unicodedata.normalize("NFKD", chr(c))
        if full != chr(c):
            decompositions.append((c, len(parts), len(full)))
            parts.extend(map(ord, full))
    classes = [(c, unicodedata.combining(chr(c))) for c in range(LIMIT) if unicodedata.combining(chr(c))]
    compositions = []
    for c in range(0x80, LIMIT):
        if is_regular(c) or not (mapping := unicodedata.decomposition(chr(c))) or mapping.startswith("<"):
            continue
        pair = [int(x, 16) for x in mapping.split()]
        # What normalisation never makes again is excluded from composition.
        if len(pair) == 2 and unicodedata.normalize("NFC", chr(pair[0]) + chr(pair[1])) == chr(c):
            compositions.append((pair[0], pair[1], c))
    names = {}
    for c in range(LIMIT):
        name = unicodedata.name(chr(c), "")
        if name and not is_regular(c):
            names[fnv(name)] = c
    count = sum(1 for c in range(LIMIT) if unicodedata.name(chr(c), "") and not is_regular(c))
    if len(names) != count:
        sys.exit("two character names have one hash")
    for alias in ALIASES.split("|"):
        try:
            names[fnv(alias)] = ord(unicodedata.lookup(alias))
        except (KeyError, TypeError):
            pass  # of a later version
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"// Unicode {unicodedata.unidata_version}; made by unicode_tables.py\n")
        out.write("constexpr uint32_t kPrintable[] = {\n" + rows(printable, hex) + "};\n")
        out.write("constexpr Decomposition kDecompositions[] = {\n" + rows(decompositions, lambda d: f"{{{d[0]:#x}, {d[1]}, {d[2]}}}") + "};\n")
        out.write("constexpr uint32_t kDecomposed[] = {\n" + rows(parts, hex) + "};\n")
        out.write("constexpr CombiningClass kClasses[] = {\n" + rows(classes, lambda d: f"{{{d[0]:#x}, {d[1]}}}") + "};\n")
        out.write("constexpr Composition kCompositions[] = {\n" + rows(sorted(compositions), lambda d: f"{{{d[0]:#x}, {d[1]:#x}, {d[2]:#x}}}") + "};\n")
        ordered = sorted(names.items())
        out.write("constexpr uint64_t kNameHashes[] = {\n" + rows(ordered, lambda d: f"{d[0]:#x}u") + "};\n")
        out.write("constexpr uint32_t kNamed[] = {\n" + rows(ordered, lambda d: hex(d[1])) + "};\n")


if __name__ == "__main__":
    main(sys.argv[1])
