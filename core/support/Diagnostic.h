// Diagnostic.h - a message to the user: id, place, text, what to do
//
// SPDX-License-Identifier: Apache-2.0
//
// Three kinds of failure, never mixed: a user error is a Diagnostic with a place and an id from Diagnostics.def; an
// environment or plugin error is a status value (plugins/abi) that ends up as a Diagnostic without a caret; a broken
// invariant is a Bug, with the stage and a reproducer. Nothing here aborts. Not thread-safe: one DiagnosticList a compile.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tessera {

// The text of one source file, for excerpts. Lines are 1-based in every interface.
struct SourceFile {
  std::string name; // as the user gave it
  std::string text;
  uint32_t firstLine = 1; // line number of the first line of `text` in the real file (kernels cut out of a module)
  // The line without its newline; empty where there is none.
  std::string_view line(uint32_t number) const;
  // At most `count` lines, the last of them this one, without its newline.
  std::string_view linesUpTo(uint32_t number, uint32_t count) const;
};

// Column is 1-based and counts UTF-8 code points; 0 = unknown. endColumn: one past the last, 0 = a single caret.
struct SourcePlace {
  std::shared_ptr<const SourceFile> file;
  uint32_t line = 0, column = 0, endLine = 0, endColumn = 0;
};

enum class Severity : uint8_t { Error, Warning, Note, Bug };

// Every id of Diagnostics.def: "E0204" and so on.
enum class DiagId : uint16_t {
#define TSR_DIAG(Name, id, severity, help) Name,
#include "core/support/Diagnostics.def"
};

struct Diagnostic {
  DiagId id = DiagId::InternalError;
  Severity severity = Severity::Error;
  SourcePlace place;   // file null: no place
  std::string message; // one sentence: the rule, and the offending value
  std::string help;    // what to do; empty: the catalogue's
  struct Note {
    SourcePlace place;
    std::string message;       // "in the call of f here", "declared here"
    std::string function = {}; // that the place is in
    bool isCall = false;       // a step of the way to the error; these come innermost first
  };
  std::vector<Note> notes;
  std::string function = {};  // that the place is in
  std::string exception = {}; // what a Python host raises for it: "ValueError"; empty: the usual one of the id
};

std::string_view diagCode(DiagId id);        // "E0204"
std::string_view diagDefaultHelp(DiagId id); // may be empty
// The Python exception of an id: "NameError", "CompileTimeAssertionFailure", …; empty for what is no error.
std::string_view diagException(DiagId id);
Severity diagSeverity(DiagId id);

// Text form: `file:line:col: error[E0204]: message`, the source line, a caret under the place, `help: …`, the notes.
// colour: ANSI escapes. Tabs in the excerpt keep their width.
std::string renderDiagnostic(const Diagnostic &d, bool colour);
// One JSON object on one line: {"id","severity","exception","message","help", place, "notes":[{"kind","message", place}…]}.
// A place is "file", "line", "column", "end_line", "end_column", "function", "first_line" (of the text that was given),
// "context" (its lines up to the place, 12 at most); what is not known is 0 or empty. kind: "call" or "note".
std::string renderDiagnosticJson(const Diagnostic &d);

// Collects the diagnostics of one compile.
class DiagnosticList {
public:
  Diagnostic &add(DiagId id, SourcePlace place, std::string message, std::string help = {});
  void add(Diagnostic d) { list_.push_back(std::move(d)); }
  bool hasErrors() const;
  size_t errorCount() const;
  const std::vector<Diagnostic> &all() const { return list_; }
  void clear() { list_.clear(); }

private:
  std::vector<Diagnostic> list_;
};

// The candidate nearest to `word` by edit distance (at most a third of its length), or empty.
std::string nearestName(std::string_view word, const std::vector<std::string> &candidates);

} // namespace tessera
