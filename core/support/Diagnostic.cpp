// Diagnostic.cpp - the catalogue as lookups; rendering as text and JSON
// SPDX-License-Identifier: Apache-2.0
#include "core/support/Diagnostic.h"

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

// The source line and a caret line under it; the caret line repeats the tabs of the source so that both align.
void appendExcerpt(std::string &out, const SourcePlace &p, bool colour) {
  if (!p.file || !p.line)
    return;
  std::string_view line = p.file->line(p.line);
  if (line.empty())
    return;
  std::string number = std::to_string(p.line);
  out += " " + number + " | " + std::string(line) + "\n";
  if (!p.column)
    return;
  out += " " + std::string(number.size(), ' ') + " | ";
  uint32_t column = 1;
  size_t i = 0;
  auto isContinuation = [&](size_t at) {
    return at < line.size() && (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80;
  };
  for (; i < line.size() && column < p.column; ++column) {
    out += line[i] == '\t' ? '\t' : ' ';
    ++i;
    while (isContinuation(i))
      ++i;
  }
  uint32_t width = 1;
  if (p.endColumn > p.column && (p.endLine == 0 || p.endLine == p.line))
    width = p.endColumn - p.column;
  if (colour)
    out += "\033[1;32m";
  out += "^" + std::string(width > 1 ? std::min<uint32_t>(width - 1, 200) : 0, '~');
  if (colour)
    out += "\033[0m";
  out += "\n";
}

void appendJsonString(std::string &out, std::string_view s) {
  out += '"';
  for (char c : s) {
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
  size_t at = 0;
  for (uint32_t n = firstLine; n < number; ++n) {
    at = text.find('\n', at);
    if (at == std::string::npos)
      return {};
    ++at;
  }
  size_t end = text.find('\n', at);
  std::string_view v = std::string_view(text).substr(at, end == std::string::npos ? std::string::npos : end - at);
  if (!v.empty() && v.back() == '\r')
    v.remove_suffix(1);
  return v;
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

std::string nearestName(std::string_view word, const std::vector<std::string> &candidates) {
  size_t best = word.size() / 3 + 1;
  std::string found;
  for (const std::string &c : candidates) {
    std::vector<size_t> row(c.size() + 1);
    for (size_t j = 0; j <= c.size(); ++j)
      row[j] = j;
    for (size_t i = 1; i <= word.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= c.size(); ++j) {
        size_t up = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (word[i - 1] == c[j - 1] ? 0 : 1)});
        diagonal = up;
      }
    }
    if (row[c.size()] < best) {
      best = row[c.size()];
      found = c;
    }
  }
  return found;
}

} // namespace tessera
