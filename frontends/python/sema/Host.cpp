// Host.cpp - the host without Python: a file's globals through the evaluator
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/sema/Language.h"
#include "frontends/python/sema/Sema.h"
#include "frontends/python/syntax/Parser.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace tessera::py {

struct FileHost::Impl {
  explicit Impl(EvalHost &host) : evaluator(host) {}
  Evaluator evaluator;
  struct Loaded {
    Arena arena;
    std::unique_ptr<ModuleScope> scope;
    std::filesystem::path path;
  };
  std::vector<std::unique_ptr<Loaded>> modules;
  std::map<std::string, ModuleScope *> byPath;
  std::map<std::string, ModuleScope *, std::less<>> byName; // null: there is no such file
};

FileHost::FileHost() : impl_(std::make_unique<Impl>(*this)) {}
FileHost::~FileHost() = default;
Evaluator &FileHost::evaluator() { return impl_->evaluator; }

ModuleScope *FileHost::load(std::shared_ptr<const SourceFile> file, DiagnosticList &out) {
  auto loaded = std::make_unique<Impl::Loaded>();
  size_t before = out.errorCount();
  Module *tree = parseModule(file, loaded->arena, out);
  if (out.errorCount() != before)
    return nullptr;
  loaded->path = file->name;
  std::string name = loaded->path.stem().string();
  loaded->scope = std::make_unique<ModuleScope>(name, tree, std::move(file), impl_->evaluator);
  ModuleScope *scope = loaded->scope.get();
  impl_->modules.push_back(std::move(loaded));
  return scope;
}

namespace {
std::string decoratorName(const Expr *e) {
  if (auto *c = dyn<Call>(e))
    return decoratorName(c->func);
  if (auto *a = dyn<Attribute>(e))
    return std::string(a->attr);
  if (auto *n = dyn<Name>(e))
    return std::string(n->id);
  return {};
}
} // namespace

std::vector<std::string> FileHost::kernelNames(const ModuleScope &module) {
  std::vector<std::string> names;
  for (const Stmt *s : module.tree()->body)
    if (auto *f = dyn<FunctionDef>(s))
      for (const Expr *d : f->decorators)
        if (decoratorName(d) == "jit") {
          names.push_back(std::string(f->name));
          break;
        }
  return names;
}

std::shared_ptr<FunctionObject> FileHost::findKernel(ModuleScope &module, std::string_view kernel,
                                                     DiagnosticList &out) {
  auto value = module.lookup(kernel);
  SourcePlace at{module.file(), 1, 1, 0, 0};
  std::vector<std::string> names = kernelNames(module);
  std::string list;
  for (const std::string &n : names)
    list += (list.empty() ? "" : ", ") + n;
  std::string help = names.empty() ? "the file has no function that is decorated with @triton.jit or @tessera.jit"
                                   : "the kernels of the file are: " + list;
  std::string near = nearestName(kernel, names);
  if (!near.empty() && near != kernel)
    help = "did you mean `" + near + "`?";
  if (!value) {
    if (impl_->evaluator.hasError()) {
      impl_->evaluator.report(out, at);
      return nullptr;
    }
    out.add(DiagId::NotAKernel, at, "there is no function `" + std::string(kernel) + "` in " + module.file()->name,
            help);
    return nullptr;
  }
  HostValue v = unwrapConstexpr(*value);
  if (v.kind() != HostKind::Function || !v.get<FunctionObject>()->def) {
    out.add(DiagId::NotAKernel, at, "`" + std::string(kernel) + "` is not a function but " + typeName(v), help);
    return nullptr;
  }
  auto object = std::static_pointer_cast<FunctionObject>(v.shared());
  if (!object->isJit) {
    out.add(DiagId::NotAKernel, placeOf(module.file(), object->def->nameSpan),
            "`" + std::string(kernel) + "` is a plain Python function", {});
    return nullptr;
  }
  return object;
}

std::optional<std::vector<FileHost::ParamInfo>> FileHost::kernelParams(ModuleScope &module, std::string_view kernel,
                                                                       DiagnosticList &out) {
  auto object = findKernel(module, kernel, out);
  if (!object)
    return std::nullopt;
  return paramsOf(*object->def);
}

std::vector<FileHost::ParamInfo> FileHost::paramsOf(const FunctionDef &def) {
  const Arguments &args = *def.args;
  std::vector<ParamInfo> result;
  for (auto *list : {&args.posonlyargs, &args.args, &args.kwonlyargs})
    for (const Arg &a : *list) {
      ParamInfo p;
      p.name = std::string(a.name);
      const Expr *e = a.annotation;
      if (auto *s = dyn<Subscript>(e))
        e = s->value;
      p.isConstexpr = e && (decoratorName(e) == "constexpr" ||
                            (isa<Constant>(e) && as<Constant>(e)->text.find("constexpr") != std::string_view::npos));
      result.push_back(std::move(p));
    }
  size_t positional = args.posonlyargs.size() + args.args.size();
  for (size_t i = 0; i < positional; ++i)
    result[i].hasDefault = i + args.defaults.size() >= positional;
  for (size_t i = positional; i < result.size(); ++i)
    result[i].hasDefault = args.kwDefaults[i - positional] != nullptr;
  return result;
}

std::optional<HostInterface::Global> FileHost::global(const JitFunction &from, std::string_view name) {
  if (!from.object)
    return std::nullopt;
  for (Scope *s = from.object->closure.get(); s; s = s->parent.get())
    for (auto &[n, v] : s->names)
      if (n == name)
        return Global{v, false};
  ModuleScope *module = from.object->module;
  if (!module)
    return std::nullopt;
  auto v = module->lookup(name);
  if (!v)
    return std::nullopt;
  return Global{*v, isConstexprObject(*v)};
}

std::vector<std::string> FileHost::globalNames(const JitFunction &from) {
  return from.object && from.object->module ? from.object->module->names() : std::vector<std::string>{};
}

std::optional<HostValue> FileHost::resolve(std::string_view path) {
  std::string p = canonicalPath(path);
  if (p.empty()) {
    // A name of a module beside the kernel's: `from package import module`, then module.name.
    size_t dot = path.rfind('.');
    if (dot == std::string_view::npos || dot == 0 || impl_->modules.empty())
      return std::nullopt;
    std::string_view prefix = path.substr(0, dot);
    auto known = impl_->byName.find(prefix);
    if (known == impl_->byName.end())
      known = impl_->byName.emplace(std::string(prefix), importModule(prefix, *impl_->modules.front()->scope)).first;
    return known->second ? known->second->lookup(path.substr(dot + 1)) : std::nullopt;
  }
  return languageObject(p);
}

ModuleScope *FileHost::importModule(std::string_view path, const ModuleScope &from) {
  namespace fs = std::filesystem;
  fs::path dir = fs::path(from.file()->name).parent_path();
  std::string_view rest = path;
  while (rest.starts_with("..")) {
    dir = dir / "..";
    rest.remove_prefix(1);
  }
  if (rest.starts_with('.'))
    rest.remove_prefix(1);
  std::string relative(rest);
  std::replace(relative.begin(), relative.end(), '.', '/');
  std::error_code ec;
  std::vector<fs::path> candidates = {dir / (relative + ".py"), dir / relative / "__init__.py"};
  if (!path.starts_with('.')) { // `import package.module` from inside of the package: some folder above holds it
    fs::path up = fs::weakly_canonical(dir, ec);
    for (int depth = 0; depth < 12 && up.has_relative_path(); ++depth, up = up.parent_path()) {
      candidates.push_back(up.parent_path() / (relative + ".py"));
      candidates.push_back(up.parent_path() / relative / "__init__.py");
    }
  }
  for (const fs::path &candidate : candidates) {
    if (!fs::is_regular_file(candidate, ec))
      continue;
    std::string key = fs::weakly_canonical(candidate, ec).string();
    if (key == fs::weakly_canonical(from.file()->name, ec).string())
      return nullptr; // `from . import x` inside of __init__.py: x is a module of its own
    if (auto it = impl_->byPath.find(key); it != impl_->byPath.end())
      return it->second;
    std::ifstream in(candidate, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    auto file = std::make_shared<SourceFile>();
    file->name = candidate.string();
    file->text = text.str();
    DiagnosticList ignored; // the import fails as unknown; the file's own errors show when it is compiled
    ModuleScope *scope = load(file, ignored);
    impl_->byPath[key] = scope;
    return scope;
  }
  return nullptr;
}

} // namespace tessera::py
