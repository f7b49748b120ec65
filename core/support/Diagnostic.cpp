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

void appendJsonPlace(std::string &out, const SourcePlace &p) {
  out += "\"file\":";
  appendJsonString(out, p.file ? p.file->name : std::string());
  out += ",\"line\":" + std::to_string(p.line) + ",\"column\":" + std::to_string(p.column);
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
      "{\"id\":\"" + std::string(diagCode(d.id)) + "\",\"severity\":\"" + std::string(severityWord(d.severity)) + "\",";
  appendJsonPlace(out, d.place);
  out += ",\"message\":";
  appendJsonString(out, d.message);
  out += ",\"help\":";
  appendJsonString(out, d.help.empty() ? diagDefaultHelp(d.id) : std::string_view(d.help));
  out += ",\"notes\":[";
  for (size_t i = 0; i < d.notes.size(); ++i) {
    out += i ? ",{" : "{";
    appendJsonPlace(out, d.notes[i].place);
    out += ",\"message\":";
    appendJsonString(out, d.notes[i].message);
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
