// Signature.cpp - reads kernel signatures and the values of constexpr parameters
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Signature.h"

#include "frontends/python/sema/Descriptors.h"
#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/syntax/Parser.h"

#include <algorithm>

namespace tessera::py {

namespace {
std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t'))
    s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t'))
    s.remove_suffix(1);
  return s;
}

// A constant that is written as a name of the kernel's module; found when the kernel is.
struct NamedConstant final : ForeignObject {
  std::string name;
  explicit NamedConstant(std::string n) : name(std::move(n)) {}
  std::string typeName() const override { return "name"; }
  std::string repr() const override { return name; }
};

// A Python literal, True/False/None, a dtype's name, or a name of the module; null where it is none of these.
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
  if (v && v->kind() != HostKind::Opaque)
    return v;
  // A name of the module, perhaps with attributes: a function, an Enum's member.
  bool dotted = !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0]));
  for (char c : text)
    dotted &= std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
  if (dotted)
    return HostValue::foreign(std::make_shared<NamedConstant>(std::string(text)));
  return std::nullopt;
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
      bad("cannot read the value of " + name + ": `" + value + "`",
          "a Python literal (64, 1e-5, True, None, 'text') or a dtype (fp16)");
    sig.params.push_back(std::move(p));
  }
  auto given = [&](const std::string &name) {
    return std::any_of(sig.params.begin(), sig.params.end(), [&](const ParamSpec &p) { return p.name == name; });
  };
  size_t next = 0;
  text = trim(text);
  while (!text.empty()) {
    size_t comma = 0; // outside of brackets
    for (int depth = 0; comma < text.size() && (depth > 0 || text[comma] != ','); ++comma)
      depth += text[comma] == '[' || text[comma] == '<' || text[comma] == '('   ? 1
               : text[comma] == ']' || text[comma] == '>' || text[comma] == ')' ? -1
                                                                                : 0;
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
      bad("unknown hint `:" + std::string(hint) + "` of `" + p.name + "`",
          ":16 (divisible by 16) and :1 (equal to 1) are known");
    }
    p.type = std::string(entry);
    if (!p.constant && !dtypeBySignature(entry) && !parseDescriptorType(entry)) {
      p.constant = parseConstant(entry);
      p.type = "constexpr";
      if (!p.constant || p.constant->isForeign())
        bad("unknown type `" + std::string(entry) + "` of parameter `" + p.name + "`",
            "types are spelled i1, i8 … i64, u8 … u64, fp16, bf16, fp32, fp64, and `*` before one for a pointer");
    }
    sig.params.push_back(std::move(p));
  }
  if (!ok)
    return std::nullopt;
  return sig;
}

bool resolveNames(HostInterface &host, const JitFunction &kernel, KernelSignature &signature, DiagnosticList &out) {
  bool ok = true;
  for (ParamSpec &p : signature.params) {
    if (!p.constant || !p.constant->isForeign())
      continue;
    auto *named = dynamic_cast<NamedConstant *>(p.constant->get<ForeignObject>());
    if (!named)
      continue;
    std::string_view rest = named->name;
    size_t dot = std::min(rest.find('.'), rest.size());
    auto global = host.global(kernel, rest.substr(0, dot));
    std::optional<HostValue> value = global ? std::optional(global->value) : std::nullopt;
    while (value && dot < rest.size()) {
      rest.remove_prefix(dot + 1);
      dot = std::min(rest.find('.'), rest.size());
      value = host.evaluator().getAttribute(*value, rest.substr(0, dot));
    }
    if (host.evaluator().hasError())
      host.evaluator().takeError();
    if (value) {
      p.constant = *value;
      continue;
    }
    std::string near = nearestName(named->name, host.globalNames(kernel));
    out.add(DiagId::BadSignature, {}, "cannot read the value of " + p.name + ": `" + named->name + "`",
            near.empty()
                ? "a Python literal (64, 1e-5, True, None, 'text'), a dtype (fp16), or a name of the kernel's file"
                : "did you mean `" + near + "`? Text is written in quotes");
    ok = false;
  }
  return ok;
}

} // namespace tessera::py
