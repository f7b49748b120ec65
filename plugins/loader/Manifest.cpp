// Manifest.cpp - reads *.tessera.json
// SPDX-License-Identifier: Apache-2.0
#include "plugins/loader/Manifest.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace tessera::plugin {

namespace {

using Json = nlohmann::json;

constexpr uint64_t kMaxBytes = 1 << 20;

// Collects the first problem; every accessor is safe to call after one.
struct Fields {
  const Json &json;
  std::string problem;

  void fail(std::string what) {
    if (problem.empty())
      problem = std::move(what);
  }
  std::string text(const char *key, bool required) {
    auto it = json.find(key);
    if (it == json.end()) {
      if (required)
        fail(std::string("\"") + key + "\" is missing");
      return {};
    }
    if (!it->is_string()) {
      fail(std::string("\"") + key + "\" is no text");
      return {};
    }
    return it->get<std::string>();
  }
  uint64_t number(const char *key, uint64_t otherwise) {
    auto it = json.find(key);
    if (it == json.end())
      return otherwise;
    if (!it->is_number_unsigned()) {
      fail(std::string("\"") + key + "\" is no number");
      return otherwise;
    }
    return it->get<uint64_t>();
  }
  bool flag(const char *key) {
    auto it = json.find(key);
    if (it == json.end())
      return false;
    if (!it->is_boolean()) {
      fail(std::string("\"") + key + "\" is neither true nor false");
      return false;
    }
    return it->get<bool>();
  }
  std::vector<ManifestTarget> targets() {
    std::vector<ManifestTarget> list;
    auto it = json.find("targets");
    if (it == json.end() || !it->is_array()) {
      fail("\"targets\" is missing or no list");
      return list;
    }
    for (const Json &t : *it) {
      auto name = t.is_object() ? t.find("name") : t.end();
      if (!t.is_object() || name == t.end() || !name->is_string() || name->get_ref<const std::string &>().empty()) {
        fail("an entry of \"targets\" has no \"name\"");
        return list;
      }
      auto help = t.find("help");
      list.push_back(
          {name->get<std::string>(), help != t.end() && help->is_string() ? help->get<std::string>() : std::string()});
    }
    return list;
  }
  std::vector<ManifestOutput> outputs() {
    std::vector<ManifestOutput> list;
    auto it = json.find("outputs");
    if (it == json.end())
      return list;
    if (!it->is_object())
      fail("\"outputs\" is no object");
    else
      for (const auto &[name, kind] : it->items()) {
        if (kind != "asm" && kind != "obj" && kind != "disasm")
          fail("\"outputs\": '" + name + "' is none of asm, obj and disasm");
        else
          list.push_back({name, kind.get<std::string>()});
      }
    return list;
  }
};

bool isPluginName(const std::string &s) {
  if (s.empty() || s.size() > 31 || s[0] < 'a' || s[0] > 'z')
    return false;
  for (char c : s)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
      return false;
  return true;
}

std::string libraryPath(const std::string &manifest, const std::string &relative) {
  if (relative.empty())
    return {};
  std::filesystem::path p(relative);
  if (p.is_relative())
    p = std::filesystem::path(manifest).parent_path() / p;
  return p.lexically_normal().string();
}

} // namespace

Expected<Manifest> readManifest(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return Failure{DiagId::PluginMissing, "cannot read the plugin manifest " + path + ": " + std::strerror(errno), {}};
  std::string text; // grows with what is there: a process reads all manifests before its first compile
  for (char piece[4096]; text.size() <= kMaxBytes && in;) {
    in.read(piece, sizeof piece);
    text.append(piece, static_cast<size_t>(in.gcount()));
  }
  auto refused = [&](const std::string &why) {
    return Failure{DiagId::PluginRefused, "plugin manifest " + path + ": " + why, {}};
  };
  if (text.size() > kMaxBytes)
    return refused("longer than a megabyte");
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::parse_error &e) {
    return refused("no JSON at byte " + std::to_string(e.byte));
  }
  if (!json.is_object())
    return refused("the top level is no object");
  Fields f{json, {}};
  uint64_t format = f.number("format", 0);
  if (f.problem.empty() && format != 1)
    return refused("format " + std::to_string(format) + ", this host reads format 1");
  Manifest m;
  m.path = path;
  m.name = f.text("name", true);
  m.version = f.text("version", true);
  m.vendor = f.text("vendor", false);
  m.rank = static_cast<uint32_t>(f.number("rank", 100));
  m.host = f.flag("host");
  m.compiler = libraryPath(path, f.text("compiler", false));
  m.driver = libraryPath(path, f.text("driver", false));
  m.targets = f.targets();
  m.outputs = f.outputs();
  if (f.problem.empty() && !isPluginName(m.name))
    f.fail("'" + m.name + "' is no plugin name: lower-case letters, digits and _, at most 31");
  if (f.problem.empty() && m.compiler.empty() && m.driver.empty())
    f.fail("neither \"compiler\" nor \"driver\" names a library");
  if (!f.problem.empty())
    return refused(f.problem);
  return m;
}

} // namespace tessera::plugin
