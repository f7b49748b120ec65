// Language.cpp - finds the names of triton.language
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Language.h"

#include "frontends/python/sema/Emitter.h"
#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/sema/Library.h"

#include <map>

namespace tessera::py {

namespace {
using Names = std::map<std::string_view, const BuiltinDef *>;

const std::map<std::string_view, Names> &tables() {
  static const auto *all = [] {
    auto *m = new std::map<std::string_view, Names>();
    for (BuiltinTable t :
         {programBuiltins(), memoryBuiltins(), atomicBuiltins(), shapeBuiltins(), mathBuiltins(), reduceBuiltins(),
          dotBuiltins(), debugBuiltins(), pythonBuiltins(), libdeviceBuiltins(), descriptorBuiltins()})
      for (size_t i = 0; i < t.count; ++i)
        (*m)[t.rows[i].space][t.rows[i].name] = &t.rows[i];
    return m;
  }();
  return *all;
}

const BuiltinDef *findBuiltin(std::string_view space, std::string_view name) {
  auto s = tables().find(space);
  if (s == tables().end())
    return nullptr;
  auto it = s->second.find(name);
  return it == s->second.end() ? nullptr : it->second;
}

Value builtinValue(const BuiltinDef *def) {
  Value v;
  v.kind = ValueKind::Builtin;
  v.builtin = def;
  return v;
}
Value moduleValue(std::string path) {
  Value v;
  v.kind = ValueKind::Module;
  v.module = std::move(path);
  return v;
}

constexpr std::string_view kLanguage = "triton.language";
constexpr std::string_view kLibdevice = "triton.language.extra.libdevice";

// Names that Triton has and that this compiler does not do.
constexpr std::string_view kUnsupported[] = {"async_task", "builtin", "extern"};
} // namespace

std::string canonicalPath(std::string_view path) {
  std::string p(path);
  auto replacePrefix = [&](std::string_view from, std::string_view to) {
    if (p == from)
      p = to;
    else if (p.size() > from.size() && std::string_view(p).starts_with(from) && p[from.size()] == '.')
      p = std::string(to) + p.substr(from.size());
    else
      return false;
    return true;
  };
  replacePrefix("tessera", "triton");
  if (p != "triton" && !p.starts_with("triton."))
    return {};
  for (const char *alias : {"core", "standard", "math", "random"})
    replacePrefix("triton.language." + std::string(alias), kLanguage);
  for (const char *alias : {"cuda.libdevice", "hip.libdevice", "intel.libdevice", "cann.libdevice"})
    replacePrefix("triton.language.extra." + std::string(alias), kLibdevice);
  replacePrefix("triton.language.libdevice", kLibdevice);
  return p;
}

std::optional<int64_t> languageConstant(std::string_view path) {
  static constexpr std::pair<std::string_view, int64_t> kConstants[] = {
      {"triton.language.TRITON_MAX_TENSOR_NUMEL", 1048576},
      {"triton.language.CONSTEXPR_0", 0},
      {"triton.language.N_ROUNDS_DEFAULT", 10}}; // of Philox
  for (auto &[name, value] : kConstants)
    if (name == path)
      return value;
  return std::nullopt;
}

std::optional<Value> languageValue(std::string_view path) {
  std::string p = canonicalPath(path);
  if (p.empty())
    return std::nullopt;
  if (p == kLanguage && path.ends_with(".math")) // has more names than the language itself: see the end
    return moduleValue(std::string(kLanguage) + ".math");
  if (p == "triton" || p == kLanguage || p == kLibdevice || p == "triton.language.extra" ||
      p == "triton.language.extra.cuda" || p == "triton.language.extra.hip" || p == "triton.language.target_info" ||
      p == "triton.profiler" || p == "triton.profiler.language")
    return moduleValue(p);
  size_t dot = p.rfind('.');
  std::string_view space = std::string_view(p).substr(0, dot), name = std::string_view(p).substr(dot + 1);
  if (space == "triton") {
    // The last four: spellings of documents, not of Triton.
    static constexpr std::string_view known[] = {"cdiv", "next_power_of_2", "program_id", "arange", "load", "store"};
    if (std::find(std::begin(known), std::end(known), name) == std::end(known))
      return std::nullopt;
    space = kLanguage;
  }
  if (space == kLanguage) {
    if (auto t = dtypeByLanguageName(name))
      return Emitter::typeValue(scalarType(*t));
    if (name == "pi32_t")
      return Emitter::typeValue(scalarType(dtype(ScalarKind::Int32).pointerTo()));
    if (auto constant = languageConstant(p))
      return Emitter::constInt(*constant);
  }
  if (p == "triton.language.PropagateNan.NONE" || p == "triton.language.PropagateNan.ALL")
    return Emitter::constInt(name == "ALL");
  if (const BuiltinDef *def = findBuiltin(space, name))
    return builtinValue(def);
  if (auto fn = libraryFunction(space, name)) {
    Value v;
    v.kind = ValueKind::Function;
    v.function = std::move(fn);
    return v;
  }
  // tl.math had the device library's functions once; programs still ask for them there.
  if (space == kLanguage && path.find(".math.") != std::string_view::npos)
    return languageValue(std::string(kLibdevice) + "." + std::string(name));
  return std::nullopt;
}

std::optional<Value> pythonBuiltin(std::string_view name) {
  if (const BuiltinDef *def = findBuiltin("builtins", name))
    return builtinValue(def);
  return std::nullopt;
}

const BuiltinDef *tensorMethod(std::string_view name) {
  const BuiltinDef *def = findBuiltin("triton.language.tensor", name);
  if (!def)
    def = findBuiltin(kLanguage, name == "to" ? "cast" : name);
  return def && (def->flags & kMethod) ? def : nullptr;
}

std::string builtinPath(const BuiltinDef &def) { return std::string(def.space) + "." + def.name; }

std::string libraryPath(const JitFunction &function) {
  return (function.space.empty() ? std::string(kLanguage) : function.space) + "." + function.name;
}

std::vector<std::string> languageNames(std::string_view space) {
  std::vector<std::string> result;
  if (space == "triton.language.math")
    space = kLanguage;
  auto s = tables().find(space);
  if (s != tables().end())
    for (auto &[name, def] : s->second)
      result.push_back(std::string(name));
  for (std::string_view name : libraryNames(space))
    result.push_back(std::string(name));
  if (space == kLanguage)
    for (unsigned i = 0; i < kScalarKinds; ++i)
      result.push_back(languageName(dtype(static_cast<ScalarKind>(i))));
  return result;
}

bool isKnownUnsupported(std::string_view space, std::string_view name) {
  for (std::string_view n : kUnsupported)
    if (n == name)
      return true;
  return space.starts_with("triton.language.extra");
}

} // namespace tessera::py
