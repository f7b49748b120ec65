// Host.cpp - the host without Python: a file's globals through the evaluator; signatures
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
  loaded->scope = std::make_unique<ModuleScope>(name, tree, file, impl_->evaluator);
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

std::shared_ptr<FunctionObject> FileHost::findKernel(ModuleScope &module, std::string_view kernel, DiagnosticList &out) {
  auto value = module.lookup(kernel);
  SourcePlace at{module.file(), 1, 1, 0, 0};
  std::vector<std::string> names = kernelNames(module);
  std::string list;
  for (const std::string &n : names)
    list += (list.empty() ? "" : ", ") + n;
  std::string help = names.empty() ? "the file has no function that is decorated with @triton.jit or @tessera.jit" : "the kernels of the file are: " + list;
  std::string near = nearestName(kernel, names);
  if (!near.empty() && near != kernel)
    help = "did you mean `" + near + "`?";
  if (!value) {
    if (impl_->evaluator.hasError()) {
      impl_->evaluator.report(out, at);
      return nullptr;
    }
    out.add(DiagId::NotAKernel, at, "there is no function `" + std::string(kernel) + "` in " + module.file()->name, help);
    return nullptr;
  }
  HostValue v = unwrapConstexpr(*value);
  if (v.kind() != HostKind::Function || !v.get<FunctionObject>()->def) {
    out.add(DiagId::NotAKernel, at, "`" + std::string(kernel) + "` is not a function but " + typeName(v), help);
    return nullptr;
  }
  auto object = std::static_pointer_cast<FunctionObject>(v.shared());
  if (!object->isJit) {
    out.add(DiagId::NotAKernel, placeOf(module.file(), object->def->nameSpan), "`" + std::string(kernel) + "` is a plain Python function", {});
    return nullptr;
  }
  return object;
}

std::optional<std::vector<FileHost::ParamInfo>> FileHost::kernelParams(ModuleScope &module, std::string_view kernel,
                                                                       DiagnosticList &out) {
  auto object = findKernel(module, kernel, out);
  if (!object)
    return std::nullopt;
  const Arguments &args = *object->def->args;
  std::vector<ParamInfo> result;
  for (auto *list : {&args.posonlyargs, &args.args, &args.kwonlyargs})
    for (const Arg &a : *list) {
      ParamInfo p;
      p.name = std::string(a.name);
      const Expr *e = a.annotation;
      if (auto *s = dyn<Subscript>(e))
        e = s->value;
      p.isConstexpr = e && (decoratorName(e) == "constexpr" || (isa<Constant>(e) && as<Constant>(e)->text.find("constexpr") != std::string_view::npos));
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
  const Expr *annotation = module->annotation(name);
  if (auto *s = dyn<Subscript>(annotation))
    annotation = s->value;
  return Global{*v, isConstexprObject(*v) || (annotation && decoratorName(annotation) == "constexpr")};
}

std::vector<std::string> FileHost::globalNames(const JitFunction &from) {
  return from.object && from.object->module ? from.object->module->names() : std::vector<std::string>{};
}

std::optional<HostValue> FileHost::resolve(std::string_view path) {
  std::string p = canonicalPath(path);
  if (p.empty())
    return std::nullopt;
  if (p.starts_with("triton.language."))
    if (auto t = dtypeByLanguageName(p.substr(16)))
      return hostDType(scalarType(*t));
  for (const char *f : {"triton.language.constexpr", "triton.cdiv", "triton.language.cdiv", "triton.next_power_of_2",
                        "triton.language.pointer_type", "triton.language.get_int_dtype"})
    if (p == f)
      return HostValue::foreign(std::make_shared<LanguageFunction>(p));
  return std::nullopt;
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
  for (const fs::path &candidate : {dir / (relative + ".py"), dir / relative / "__init__.py"}) {
    std::error_code ec;
    if (!fs::is_regular_file(candidate, ec))
      continue;
    std::string key = fs::weakly_canonical(candidate, ec).string();
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

namespace {
std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t'))
    s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t'))
    s.remove_suffix(1);
  return s;
}

// A Python literal, True/False/None, or a dtype's name; null where it is none of these.
std::optional<HostValue> parseConstant(std::string_view text) {
  struct NoHost : EvalHost {
  } none;
  std::string_view name = text;
  for (std::string_view prefix : {"tl.", "triton.language."})
    if (name.starts_with(prefix))
      name.remove_prefix(prefix.size());
  if (auto t = dtypeByLanguageName(name))
    return hostDType(scalarType(*t));
  if (auto t = dtypeBySignature(name); t && !name.starts_with("B"))
    return hostDType(scalarType(*t));
  auto file = std::make_shared<SourceFile>();
  file->name = "<constant>";
  file->text = std::string(text);
  Arena arena;
  DiagnosticList diags;
  Expr *e = parseExpression(file, arena, diags);
  if (!e || diags.hasErrors())
    return std::nullopt;
  Evaluator evaluator(none);
  auto v = evaluator.evaluate(e, nullptr);
  if (!v && evaluator.hasError())
    evaluator.takeError();
  return v;
}
} // namespace

std::optional<KernelSignature> parseSignature(std::string_view text, const std::vector<std::string> &paramNames,
                                              const std::vector<std::pair<std::string, std::string>> &defines,
                                              DiagnosticList &out) {
  KernelSignature sig;
  bool ok = true;
  auto bad = [&](std::string message, std::string help = {}) {
    out.add(DiagId::BadSignature, {}, std::move(message), std::move(help));
    ok = false;
  };
  for (auto &[name, value] : defines) {
    if (std::find(paramNames.begin(), paramNames.end(), name) == paramNames.end()) {
      std::string near = nearestName(name, paramNames);
      bad("the kernel has no parameter `" + name + "`", near.empty() ? "" : "did you mean `" + near + "`?");
      continue;
    }
    ParamSpec p;
    p.name = name;
    p.type = "constexpr";
    p.constant = parseConstant(trim(value));
    if (!p.constant)
      bad("cannot read the value of " + name + ": `" + value + "`", "a Python literal (64, 1e-5, True, None, 'text') or a dtype (fp16)");
    sig.params.push_back(std::move(p));
  }
  auto given = [&](const std::string &name) {
    return std::any_of(sig.params.begin(), sig.params.end(), [&](const ParamSpec &p) { return p.name == name; });
  };
  size_t next = 0;
  text = trim(text);
  while (!text.empty()) {
    size_t comma = std::min(text.find(','), text.size());
    std::string_view entry = trim(text.substr(0, comma));
    text = trim(text.substr(std::min(comma + 1, text.size())));
    ParamSpec p;
    if (size_t eq = entry.find('='); eq != std::string_view::npos) {
      p.name = std::string(trim(entry.substr(0, eq)));
      entry = trim(entry.substr(eq + 1));
    } else {
      while (next < paramNames.size() && given(paramNames[next]))
        ++next;
      if (next == paramNames.size()) {
        bad("the signature has more entries than the kernel has parameters: `" + std::string(entry) + "` is left over");
        break;
      }
      p.name = paramNames[next++];
    }
    std::string_view hint;
    if (size_t colon = entry.find(':'); colon != std::string_view::npos && entry.find('\'') == std::string_view::npos) {
      hint = trim(entry.substr(colon + 1));
      entry = trim(entry.substr(0, colon));
    }
    if (hint == "16") {
      p.divisibleBy16 = true;
    } else if (hint == "1") {
      p.constant = HostValue::integer(1);
    } else if (!hint.empty()) {
      bad("unknown hint `:" + std::string(hint) + "` of `" + p.name + "`", ":16 (divisible by 16) and :1 (equal to 1) are known");
    }
    p.type = std::string(entry);
    if (!p.constant && !dtypeBySignature(entry)) {
      p.constant = parseConstant(entry);
      p.type = "constexpr";
      if (!p.constant)
        bad("unknown type `" + std::string(entry) + "` of parameter `" + p.name + "`",
            "types are spelled i1, i8 … i64, u8 … u64, fp16, bf16, fp32, fp64, and `*` before one for a pointer");
    }
    sig.params.push_back(std::move(p));
  }
  if (!ok)
    return std::nullopt;
  return sig;
}

} // namespace tessera::py
