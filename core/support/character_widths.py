#!/usr/bin/env python3
# character_widths.py - writes CharacterWidths.inc: which characters take no column of a terminal, or two
# SPDX-License-Identifier: Apache-2.0
"""usage: character_widths.py OUTPUT

From the build's Python, so of its version of Unicode: [first, last] of the characters that East Asian Width calls wide or full, and of
those that stand on or join the one before. A soft hyphen is shown, vowels and finals of Hangul join the initial before them."""
import sys
import unicodedata


def width(c):
    if 0x1160 <= c <= 0x11ff or (c != 0xad and unicodedata.category(chr(c)) in ("Mn", "Me", "Cf")):
        return 0
    return 2 if unicodedata.east_asian_width(chr(c)) in "WF" else 1


def main(path):
    ranges, last = {0: [], 2: []}, 1
    for c in range(0x80, 0x110000):
        now = width(c)
        if now != 1 and now == last:
            ranges[now][-1][1] = c
        elif now != 1:
            ranges[now].append([c, c])
        last = now
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"// Unicode {unicodedata.unidata_version}; made by character_widths.py\n")
        for name, rows in (("kWide", ranges[2]), ("kJoined", ranges[0])):
            cells = "\n".join(f"    {{{first:#x}, {end:#x}}}," for first, end in rows)
            out.write(f"constexpr CharacterRange {name}[] = {{\n{cells}\n}};\n")


if __name__ == "__main__":
    main(sys.argv[1])
