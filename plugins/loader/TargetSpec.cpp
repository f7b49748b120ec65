// TargetSpec.cpp - parses --target=
// SPDX-License-Identifier: Apache-2.0
#include "plugins/loader/TargetSpec.h"

namespace tessera::plugin {

namespace {

Failure bad(std::string_view text, std::string what) {
  return {DiagId::UnknownTarget, "target '" + std::string(text) + "': " + std::move(what),
          "write [plugin/]arch[:feature+][@key=value,…], native, host or all"};
}

bool isWord(std::string_view s) {
  if (s.empty())
    return false;
  for (char c : s)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
          c == '.'))
      return false;
  return true;
}

// Splits at commas, and joins what belongs to the options of the piece before it.
std::vector<std::string_view> splitItems(std::string_view text) {
  std::vector<std::string_view> items;
  size_t from = 0;
  while (true) {
    size_t comma = text.find(',', from);
    std::string_view piece = text.substr(from, comma == std::string_view::npos ? comma : comma - from);
    size_t equals = piece.find('='), at = piece.find('@');
    bool continues = !items.empty() && items.back().find('@') != std::string_view::npos &&
                     equals != std::string_view::npos && (at == std::string_view::npos || equals < at);
    if (continues)
      items.back() =
          std::string_view(items.back().data(), static_cast<size_t>(piece.data() + piece.size() - items.back().data()));
    else
      items.push_back(piece);
    if (comma == std::string_view::npos)
      return items;
    from = comma + 1;
  }
}

std::string checkFeatures(std::string_view features) {
  while (!features.empty()) {
    features.remove_prefix(1); // the colon
    size_t colon = features.find(':');
    std::string_view f = features.substr(0, colon);
    if (f.size() < 2 || (f.back() != '+' && f.back() != '-') || !isWord(f.substr(0, f.size() - 1)))
      return "'" + std::string(f) + "' is no feature: write name+ or name-";
    features = colon == std::string_view::npos ? std::string_view() : features.substr(colon);
  }
  return {};
}

std::string parseOptions(std::string_view text, TargetSpec &out) {
  while (true) {
    size_t comma = text.find(',');
    std::string_view pair = text.substr(0, comma);
    size_t equals = pair.find('=');
    std::string_view key = pair.substr(0, equals);
    if (equals == std::string_view::npos || !isWord(key))
      return "'" + std::string(pair) + "' is no option: write key=value";
    out.options.emplace_back(std::string(key), std::string(pair.substr(equals + 1)));
    if (comma == std::string_view::npos)
      return {};
    text = text.substr(comma + 1);
  }
}

Expected<TargetSpec> parseItem(std::string_view item) {
  TargetSpec t;
  t.text = std::string(item);
  size_t at = item.find('@');
  std::string_view name = item.substr(0, at);
  size_t slash = name.find('/');
  if (slash != std::string_view::npos) {
    t.plugin = std::string(name.substr(0, slash));
    name = name.substr(slash + 1);
    if (!isWord(t.plugin))
      return bad(item, "the plugin's name before '/' is '" + t.plugin + "'");
  }
  size_t colon = name.find(':');
  t.arch = std::string(name.substr(0, colon));
  t.spec = std::string(name);
  if (!isWord(t.arch))
    return bad(item, t.arch.empty() ? "the architecture is missing" : "'" + t.arch + "' is no name of an architecture");
  std::string problem = colon == std::string_view::npos ? std::string() : checkFeatures(name.substr(colon));
  if (problem.empty() && at != std::string_view::npos)
    problem = parseOptions(item.substr(at + 1), t);
  if (!problem.empty())
    return bad(item, problem);
  return t;
}

} // namespace

Expected<std::vector<TargetSpec>> parseTargetList(std::string_view text) {
  std::vector<TargetSpec> list;
  for (std::string_view item : splitItems(text)) {
    Expected<TargetSpec> t = parseItem(item);
    if (!t)
      return t.failure();
    list.push_back(std::move(*t));
  }
  return list;
}

bool globMatches(std::string_view pattern, std::string_view text) {
  // Remember the last star and retry one character further: linear memory, no recursion.
  size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

} // namespace tessera::plugin
