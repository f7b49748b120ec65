# errors.py - errors of a compile, with the place in the kernel's source
# SPDX-License-Identifier: Apache-2.0
"""``CompilationError`` and its kinds. A text reads

    at 3:17:
    def kernel(x_ptr, BLOCK: tl.constexpr):
        offsets = tl.arange(0, BLOCK)
        tl.store(x_ptr, offsets.to(tl.float13))
                     ^
    'tl.float13' is not a type …

An error in a function that the kernel calls has the kernel's own error, which only shows the call, around it:
``error.__cause__`` is the next one inwards.
"""
from __future__ import annotations

import json
import re
import unicodedata

from tessera.errors import TritonError


class Place:
    """A place in a source: ``lineno`` from 1, ``col_offset`` from 0, both in the source that the error carries."""

    def __init__(self, lineno, col_offset, end_lineno=None, end_col_offset=None):
        self.lineno = lineno
        self.col_offset = col_offset
        self.end_lineno = end_lineno
        self.end_col_offset = end_col_offset

    def __eq__(self, other):
        return isinstance(other, Place) and vars(self) == vars(other)

    __hash__ = None


def blank(text):
    """Blanks and tabs that take the columns of a terminal that ``text`` takes; a caret stands behind them."""
    if text.isascii():
        return re.sub(r"[^\t]", " ", text)
    return "".join("\t" if c == "\t" else "" if unicodedata.category(c) in ("Mn", "Me", "Cf") and c != "\xad" else
                   "  " if unicodedata.east_asian_width(c) in "WF" else " " for c in text)


class CompilationError(TritonError):
    """A kernel that does not compile.

    ``src`` is the function's source, ``node`` the place in it, ``error_message`` the message without the excerpt (None
    where the error is in a called function), ``message`` the whole text; ``file`` and ``line`` are absolute, ``id`` is
    the stable id of the message (docs/reference/diagnostics.md), ``help`` what to do. They are None where unknown.
    """

    source_line_count_max_in_message = 12

    def __init__(self, src, node, error_message=None):
        super().__init__(src, node, error_message)
        self.src = src
        self.node = node
        self.error_message = error_message
        self.file = self.line = self.id = self.help = None
        self.message = self._format_message()

    def _format_message(self):
        line = getattr(self.node, "lineno", None)
        if self.src is None:
            excerpt = " <source unavailable>"
        elif line is None:
            excerpt = self.src
        else:
            lines = self.src.split("\n")[:line][-self.source_line_count_max_in_message:]
            excerpt = "\n".join(lines + [blank(lines[-1][:self.node.col_offset]) + "^"]) if lines else " <source empty>"
        text = excerpt if line is None else f"at {line}:{self.node.col_offset}:\n{excerpt}"
        return text if not self.error_message else f"{text}\n{self.error_message}"

    def __str__(self):
        return self.message

    def __reduce__(self):
        state = {name: getattr(self, name) for name in ("file", "line", "id", "help", "message")}
        state["__cause__"] = self.__cause__
        return type(self), (self.src, self.node, self.error_message), state

    def __setstate__(self, state):
        self.__cause__ = state.pop("__cause__", None)
        vars(self).update(state)


class CompileTimeAssertionFailure(CompilationError):
    """A ``static_assert`` failed."""


class UnsupportedLanguageConstruct(CompilationError):
    """Python that kernels cannot contain."""


_KINDS = {kind.__name__: kind for kind in (CompilationError, CompileTimeAssertionFailure, UnsupportedLanguageConstruct)}


def _place_and_source(entry, sources):
    """The place of a diagnostic or note, relative to its function's source, and that source."""
    line, column = entry.get("line") or 0, entry.get("column") or 1
    if not line:
        return None, None
    known = sources.get((entry.get("file"), entry.get("first_line"))) or _source_around(entry.get("file"), line, sources)
    if known is not None:
        return Place(line - known.first_line + 1, max(column - 1 - known.column_offset, 0)), known.text
    first = entry.get("first_line") or 1
    context = entry.get("context")
    if context is None:
        return Place(line, column - 1), None
    lines = context if isinstance(context, list) else context.rstrip("\n").split("\n")
    relative = line - first + 1
    return Place(relative, column - 1), "\n".join([""] * max(relative - len(lines), 0) + lines)


def _source_around(file, line, sources):
    """The source that has a line of a file: plugins know files, not the functions in them."""
    for (name, first), source in sorted(sources.items(), key=lambda item: -item[0][1]):
        if name == file and first <= line < first + source.text.count("\n") + 1:
            return source
    return None


def _exception(kind, entry, message, sources):
    node, src = _place_and_source(entry, sources)
    error = kind(src, node, message)
    error.file, error.line = entry.get("file"), entry.get("line")
    return error


def compilation_error(diagnostics, sources, host_cause=None):
    """The exception for the diagnostics of a failed compile: dictionaries, as the compiler's JSON has them.

    ``sources`` maps (file, first line) to sources that the compiler was given, with text, first_line and column_offset;
    ``host_cause`` is the exception that Python code raised during the compile, or None.
    """
    errors = [d for d in diagnostics if d.get("severity") in ("error", "bug")]
    if not errors:
        return CompilationError(None, None, "the compile failed without saying why; this is a defect of tessera")
    first = errors[0]
    message = first.get("message", "")
    if first.get("help"):
        message += f"\nhelp: {first['help']}"
    for note in first.get("notes", []):
        if note.get("kind") != "call" and note.get("message"):
            message += f"\nnote: {note['message']}"
    raised = first.get("exception") or "CompilationError"
    error = _exception(_KINDS.get(raised, CompilationError), first, message, sources)
    error.id, error.help = first.get("id"), first.get("help")
    if host_cause is not None:
        error.__cause__ = host_cause
    elif raised not in _KINDS:
        error.__cause__ = _named_exception(raised, first.get("message", ""))
    # Innermost call first: each encloses what was built so far.
    for note in first.get("notes", []):
        if note.get("kind") == "call":
            outer = _exception(CompilationError, note, None, sources)
            outer.id = error.id
            outer.__cause__ = error
            error = outer
    return error


def _named_exception(name, message):
    import builtins
    kind = getattr(builtins, name, None)
    return kind(message) if isinstance(kind, type) and issubclass(kind, Exception) else None


def parse_diagnostics(rows):
    """[(severity, text, json)] as dictionaries, with the rendered text beside."""
    parsed = []
    for _, text, line in rows:
        entry = json.loads(line)
        entry["text"] = text
        parsed.append(entry)
    return parsed
