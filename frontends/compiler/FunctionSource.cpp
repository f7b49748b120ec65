// FunctionSource.cpp - parsing, and the cache of what was parsed
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/FunctionSource.h"

#include "frontends/python/syntax/Parser.h"

#include <list>
#include <mutex>
#include <unordered_map>

namespace tessera::compiler {

namespace {

std::string text(tsc_str s) { return std::string(s.p ? s.p : "", s.p ? s.n : 0); }

// The least recently used entry is dropped when the cache is full; who holds its tree keeps it.
class Cache {
public:
  std::shared_ptr<const FunctionSource> find(const std::string &key) {
    std::lock_guard lock(mutex_);
    auto it = entries_.find(key);
    if (it == entries_.end())
      return nullptr;
    order_.splice(order_.begin(), order_, it->second);
    return it->second->second;
  }
  void insert(const std::string &key, std::shared_ptr<const FunctionSource> source) {
    std::lock_guard lock(mutex_);
    if (auto it = entries_.find(key); it != entries_.end()) {
      order_.erase(it->second);
      entries_.erase(it);
    }
    order_.emplace_front(key, std::move(source));
    entries_[key] = order_.begin();
    if (order_.size() > kLimit) {
      entries_.erase(order_.back().first);
      order_.pop_back();
    }
  }

private:
  static constexpr size_t kLimit = 1024;
  using Entry = std::pair<std::string, std::shared_ptr<const FunctionSource>>;
  std::mutex mutex_;
  std::list<Entry> order_; // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> entries_;
};

Cache &cache() {
  static auto *theCache = new Cache();
  return *theCache;
}

// What the dedent cut comes back, so that columns and excerpts are the file's. Empty lines stay empty.
std::string indented(std::string text, uint32_t columns) {
  if (!columns)
    return text;
  std::string out, margin(columns, ' ');
  size_t at = 0;
  while (at < text.size()) {
    size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    if (text[at] != '\n' && text[at] != '\r')
      out += margin;
    out.append(text, at, end - at);
    at = end;
  }
  return out;
}

} // namespace

std::shared_ptr<const FunctionSource> functionSource(const tsc_host_function &function, DiagnosticList &out) {
  uint32_t firstLine = function.first_line ? function.first_line : 1;
  std::string key = text(function.key);
  if (key.empty())
    key = text(function.file) + '\0' + text(function.text);
  key += '\0' + std::to_string(firstLine) + '\0' + std::to_string(function.column_offset);
  std::string content = indented(text(function.text), function.column_offset);
  if (auto known = cache().find(key); known && known->file->text == content)
    return known;
  auto file = std::make_shared<SourceFile>();
  file->name = text(function.file);
  file->text = std::move(content);
  file->firstLine = firstLine;
  auto source = std::make_shared<FunctionSource>();
  size_t before = out.errorCount();
  source->def = py::parseFunction(file, source->arena, out);
  source->file = std::move(file);
  if (out.errorCount() != before)
    return nullptr;
  if (!source->def) {
    out.add(DiagId::NotAKernel, {source->file, firstLine, 1, 0, 0},
            "the source of `" + text(function.name) + "` holds no function definition");
    return nullptr;
  }
  cache().insert(key, source);
  return source;
}

} // namespace tessera::compiler
