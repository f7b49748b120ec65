// Diagnostic.cpp - the catalogue as lookups; rendering as text and JSON
// SPDX-License-Identifier: Apache-2.0
#include "core/support/Diagnostic.h"

#include "core/support/CharacterWidth.h"

#include <algorithm>
#include <cstdio>

namespace tessera {

namespace {
struct Entry {
  std::string_view code;
  Severity severity;
  std::string_view help;
};
constexpr Entry kCatalogue[] = {
#define TSR_DIAG(Name, id, severity, help) {id, Severity::severity, help},
#include "core/support/Diagnostics.def"
};
const Entry &entry(DiagId id) { return kCatalogue[static_cast<uint16_t>(id)]; }

std::string_view severityWord(Severity s) {
  switch (s) {
  case Severity::Error:
    return "error";
  case Severity::Warning:
    return "warning";
  case Severity::Note:
    return "note";
  case Severity::Bug:
    return "internal error";
  }
  return "error";
}

std::string placeText(const SourcePlace &p) {
  std::string s = p.file ? p.file->name : std::string("tessera");
  if (p.file && p.line) {
    s += ":" + std::to_string(p.line);
    if (p.column)
      s += ":" + std::to_string(p.column);
  }
  return s;
}

// The bytes of the UTF-8 character that begins here; 0 where none does.
size_t characterBytes(std::string_view s) {
  auto lead = static_cast<unsigned char>(s[0]);
  size_t bytes = lead < 0x80                   ? 1
                 : lead >= 0xC2 && lead < 0xE0 ? 2
                 : lead >= 0xE0 && lead < 0xF0 ? 3
                 : lead >= 0xF0 && lead < 0xF5 ? 4
                                               : 0;
  if (bytes > s.size())
    return 0;
  for (size_t i = 1; i < bytes; ++i)
    if ((static_cast<unsigned char>(s[i]) & 0xC0) != 0x80)
      return 0;
  if (bytes < 3)
    return bytes;
  unsigned second = static_cast<unsigned char>(s[1]);
  bool isOther = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) || // overlong; a surrogate
                 (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second >= 0x90);
  return isOther ? 0 : bytes;
}

constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD

// What to show for each column of a line: a terminal must obey no source, so control characters have their pictures (U+2400
// and on), and what is no UTF-8 is U+FFFD. Columns are counted as the lexer does: one for each byte that is no continuation.
std::vector<std::string> shownColumns(std::string_view line) {
  std::vector<std::string> columns;
  for (size_t i = 0; i < line.size();) {
    size_t bytes = characterBytes(line.substr(i));
    std::string_view c = line.substr(i, std::max<size_t>(bytes, 1));
    auto lead = static_cast<unsigned char>(c[0]);
    i += c.size();
    if (bytes == 0) {
      if ((lead & 0xC0) != 0x80 || columns.empty())
        columns.emplace_back(kReplacement);
    } else if (bytes == 1 && (lead < 0x20 || lead == 0x7F) && lead != '\t') {
      columns.push_back({'\xE2', '\x90', static_cast<char>(lead == 0x7F ? 0xA1 : 0x80 + lead)});
    } else if (bytes == 2 && lead == 0xC2 && static_cast<unsigned char>(c[1]) < 0xA0) { // controls of eight bits
      columns.emplace_back(kReplacement);
    } else {
      columns.emplace_back(c);
    }
  }
  return columns;
}

// Of a longer line, the part around the caret is shown.
constexpr size_t kShownColumns = 180, kColumnsBefore = 80;

// The source line and a caret line under it; the caret line repeats the tabs of the source so that both align.
void appendExcerpt(std::string &out, const SourcePlace &p, bool colour) {
  if (!p.file || !p.line)
    return;
  std::string_view line = p.file->line(p.line);
  if (line.empty())
    return;
  std::string number = std::to_string(p.line);
  std::vector<std::string> columns = shownColumns(line);
  size_t caret = std::min<size_t>(p.column ? p.column - 1 : 0, columns.size());
  size_t begin = 0, end = columns.size();
  if (end > kShownColumns) {
    begin = std::min(caret > kColumnsBefore ? caret - kColumnsBefore : 0, end - kShownColumns);
    end = begin + kShownColumns;
  }
  out += " " + number + " | " + (begin ? "…" : "");
  for (size_t i = begin; i < end; ++i)
    out += columns[i];
  out += end < columns.size() ? "…\n" : "\n";
  if (!p.column)
    return;
  out += " " + std::string(number.size(), ' ') + " | " + (begin ? " " : "");
  for (size_t i = begin; i < caret; ++i)
    out += columns[i] == "\t" ? "\t" : std::string(characterWidth(columns[i]), ' ');
  size_t count = p.endColumn > p.column && (p.endLine == 0 || p.endLine == p.line) ? p.endColumn - p.column : 1;
  size_t width = 0;
  for (size_t i = caret; i < std::min(caret + count, end); ++i)
    width += characterWidth(columns[i]);
  if (colour)
    out += "\033[1;32m";
  out += "^" + std::string(std::max<size_t>(width, 1) - 1, '~');
  if (colour)
    out += "\033[0m";
  out += "\n";
}

void appendJsonString(std::string &out, std::string_view s) {
  out += '"';
  for (size_t i = 0; i < s.size(); ++i) {
    char c = s[i];
    if (size_t bytes = characterBytes(s.substr(i)); bytes != 1) { // JSON is UTF-8
      out += bytes ? s.substr(i, bytes) : kReplacement;
      i += bytes ? bytes - 1 : 0;
      continue;
    }
    switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\t':
      out += "\\t";
      break;
    case '\r':
      out += "\\r";
      break;
    default:
      if (static_cast<unsigned char>(c) < 0x20) {
        char buf[8];
        std::snprintf(buf, sizeof buf, "\\u%04x", c);
        out += buf;
      } else {
        out += c;
      }
    }
  }
  out += '"';
}

void appendJsonMember(std::string &out, std::string_view key, std::string_view value) {
  out += ",\"" + std::string(key) + "\":";
  appendJsonString(out, value);
}
void appendJsonPlace(std::string &out, const SourcePlace &p, const std::string &function) {
  constexpr uint32_t kContext = 12;
  appendJsonMember(out, "file", p.file ? p.file->name : std::string());
  out += ",\"line\":" + std::to_string(p.line) + ",\"column\":" + std::to_string(p.column) +
         ",\"end_line\":" + std::to_string(p.endLine) + ",\"end_column\":" + std::to_string(p.endColumn);
  appendJsonMember(out, "function", function);
  out += ",\"first_line\":" + std::to_string(p.file ? p.file->firstLine : 0);
  appendJsonMember(out, "context", p.file && p.line ? p.file->linesUpTo(p.line, kContext) : std::string_view());
}
} // namespace

std::string_view SourceFile::line(uint32_t number) const {
  if (number < firstLine)
    return {};
  // Lines end in \n, \r\n or \r, as for the lexer.
  size_t at = 0;
  for (uint32_t n = firstLine; n < number; ++n) {
    at = text.find_first_of("\r\n", at);
    if (at == std::string::npos)
      return {};
    at += text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
  }
  return std::string_view(text).substr(at, std::min(text.find_first_of("\r\n", at), text.size()) - at);
}

std::string_view SourceFile::linesUpTo(uint32_t number, uint32_t count) const {
  std::string_view last = line(number), first = last;
  if (!last.data())
    return {};
  for (uint32_t n = number; n > firstLine && n + count > number + 1; --n)
    first = line(n - 1);
  return {first.data(), static_cast<size_t>(last.data() + last.size() - first.data())};
}

std::string_view diagException(DiagId id) {
  switch (id) {
  case DiagId::UnknownName:
  case DiagId::GlobalNotConstexpr:
    return "NameError";
  case DiagId::BadAttribute:
    return "AttributeError";
  case DiagId::WrongType:
  case DiagId::InconsistentReturn:
  case DiagId::BranchTypeMismatch:
  case DiagId::LoopCarriedType:
    return "TypeError";
  case DiagId::StaticAssertFailed:
    return "CompileTimeAssertionFailure";
  case DiagId::UnsupportedSyntax:
    return "UnsupportedLanguageConstruct";
  case DiagId::NotSupportedYet:
    return "NotImplementedError";
  case DiagId::DivisionByZero:
    return "ZeroDivisionError";
  case DiagId::RecursionTooDeep:
    return "RecursionError";
  case DiagId::SyntaxError:
  case DiagId::BadToken:
  case DiagId::BadIndent:
  case DiagId::UnterminatedString:
    return "SyntaxError";
  case DiagId::Interrupted:
    return "KeyboardInterrupt";
  case DiagId::OutOfResources:
    return "OutOfResources";
  case DiagId::ShapeNotPowerOfTwo:
  case DiagId::BlockTooLarge:
  case DiagId::ShapeMismatch:
  case DiagId::NotConstexpr:
  case DiagId::BadArgument:
  case DiagId::AmbiguousTruth:
  case DiagId::BadAssignment:
  case DiagId::BadSignature:
    return "ValueError";
  default:
    return diagSeverity(id) == Severity::Error || diagSeverity(id) == Severity::Bug ? "RuntimeError" : "";
  }
}

std::string_view diagCode(DiagId id) { return entry(id).code; }
std::string_view diagDefaultHelp(DiagId id) { return entry(id).help; }
Severity diagSeverity(DiagId id) { return entry(id).severity; }

std::string renderDiagnostic(const Diagnostic &d, bool colour) {
  const char *bold = colour ? "\033[1m" : "", *reset = colour ? "\033[0m" : "";
  const char *hue = !colour                           ? ""
                    : d.severity == Severity::Warning ? "\033[1;35m"
                    : d.severity == Severity::Note    ? "\033[1;36m"
                                                      : "\033[1;31m";
  std::string out = bold + placeText(d.place) + ": " + reset + hue + std::string(severityWord(d.severity)) + "[" +
                    std::string(diagCode(d.id)) + "]: " + reset + bold + d.message + reset + "\n";
  appendExcerpt(out, d.place, colour);
  std::string_view help = d.help.empty() ? diagDefaultHelp(d.id) : std::string_view(d.help);
  if (!help.empty())
    out += "  help: " + std::string(help) + "\n";
  for (const Diagnostic::Note &n : d.notes) {
    out += bold + placeText(n.place) + ": " + reset + "note: " + n.message + "\n";
    appendExcerpt(out, n.place, colour);
  }
  return out;
}

std::string renderDiagnosticJson(const Diagnostic &d) {
  std::string out =
      "{\"id\":\"" + std::string(diagCode(d.id)) + "\",\"severity\":\"" + std::string(severityWord(d.severity)) + "\"";
  appendJsonMember(out, "exception", d.exception.empty() ? diagException(d.id) : std::string_view(d.exception));
  appendJsonMember(out, "message", d.message);
  appendJsonMember(out, "help", d.help.empty() ? diagDefaultHelp(d.id) : std::string_view(d.help));
  appendJsonPlace(out, d.place, d.function);
  out += ",\"notes\":[";
  for (size_t i = 0; i < d.notes.size(); ++i) {
    const Diagnostic::Note &n = d.notes[i];
    out += i ? ",{" : "{";
    out += n.isCall ? "\"kind\":\"call\"" : "\"kind\":\"note\"";
    appendJsonMember(out, "message", n.message);
    appendJsonPlace(out, n.place, n.function);
    out += "}";
  }
  return out + "]}";
}

Diagnostic &DiagnosticList::add(DiagId id, SourcePlace place, std::string message, std::string help) {
  Diagnostic d;
  d.id = id;
  d.severity = diagSeverity(id);
  d.place = std::move(place);
  d.message = std::move(message);
  d.help = std::move(help);
  list_.push_back(std::move(d));
  return list_.back();
}

size_t DiagnosticList::errorCount() const {
  return static_cast<size_t>(std::count_if(list_.begin(), list_.end(), [](const Diagnostic &d) {
    return d.severity == Severity::Error || d.severity == Severity::Bug;
  }));
}
bool DiagnosticList::hasErrors() const { return errorCount() != 0; }

// Letters to insert, to remove, to replace or to swap with the next one (the optimal string alignment distance).
static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearestName(std::string_view word, const std::vector<std::string> &candidates) {
  size_t best = word.size() / 3 + 1;
  std::string found;
  for (const std::string &c : candidates)
    if (size_t distance = editDistance(word, c); distance < best) {
      best = distance;
      found = c;
    }
  return found;
}

} // namespace tessera
