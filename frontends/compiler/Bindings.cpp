// Bindings.cpp - types in text, constants in text or as values, tuples of both
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/Bindings.h"

#include "frontends/compiler/CallbackHost.h"

using namespace tessera::py;

namespace tessera::compiler {

namespace {

// "(i32:16,*fp32:16,constexpr,(fp32,i32))" with the constants beside it.
class TupleReader {
public:
  TupleReader(std::string_view text, CallbackHost &host) : rest_(text), host_(host) {}

  // False where the text is no tuple type.
  bool read(const tsc_host_value *constant, ParamSpec &out) {
    skipSpace();
    if (!take('('))
      return leaf(constant, out);
    out.isTuple = true;
    out.type = "tuple";
    bool isTuple = constant && constant->kind == TSC_HOST_TUPLE;
    for (skipSpace(); !take(')'); skipSpace()) {
      if (rest_.empty())
        return false;
      size_t i = out.items.size();
      const tsc_host_value *item = isTuple && i < constant->count ? &constant->items[i] : nullptr;
      if (!read(item, out.items.emplace_back()))
        return false;
      skipSpace();
      if (!take(',') && !rest_.starts_with(')'))
        return false;
    }
    if (isTuple && constant->names) { // the class, and the names of the fields
      tsc_host_value shape = *constant;
      std::vector<tsc_host_value> none(constant->count);
      shape.items = none.data();
      HostValue like = host_.take(shape);
      out.itemNames = like.get<SequenceObject>()->fieldNames;
      out.cls = like.get<SequenceObject>()->cls;
      if (out.itemNames.size() != out.items.size())
        return false;
    }
    return true;
  }
  bool atEnd() {
    skipSpace();
    return rest_.empty();
  }

private:
  bool take(char c) {
    if (!rest_.starts_with(c))
      return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skipSpace() {
    while (!rest_.empty() && rest_.front() == ' ')
      rest_.remove_prefix(1);
  }
  bool leaf(const tsc_host_value *constant, ParamSpec &out) {
    unsigned depth = 0; // "tensordesc<fp16[128,64]>" holds commas
    size_t end = 0;
    for (; end < rest_.size(); ++end) {
      char c = rest_[end];
      if (c == '<' || c == '[')
        ++depth;
      else if (c == '>' || c == ']')
        --depth;
      else if (!depth && (c == ',' || c == ')'))
        break;
    }
    std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    while (!word.empty() && word.back() == ' ')
      word.remove_suffix(1);
    if (word.ends_with(":16")) {
      out.divisibleBy16 = true;
      word.remove_suffix(3);
    }
    out.type = std::string(word);
    if (word == "constexpr") {
      if (!constant)
        return false;
      out.constant = host_.take(*constant);
    }
    return !word.empty();
  }

  std::string_view rest_;
  CallbackHost &host_;
};

} // namespace

std::optional<KernelSignature> readBindings(const tsc_request &request, CallbackHost *host, DiagnosticList &out) {
  // What is text goes through the reader of the command line's signatures.
  std::string types;
  std::vector<std::pair<std::string, std::string>> defines;
  std::vector<std::string> names;
  std::vector<ParamSpec> values;
  tsc_host none{};
  none.size = sizeof none;
  CallbackHost plainValues(none); // without a host only values that are no objects can come
  for (uint32_t i = 0; i < request.num_bindings; ++i) {
    const tsc_binding &b = request.bindings[i];
    std::string type = text(b.type);
    names.push_back(text(b.name));
    bool isTuple = type.starts_with('(');
    if (!isTuple && !b.constant) {
      if (type.empty())
        defines.emplace_back(names.back(), text(b.value));
      else
        types += (types.empty() ? "" : ", ") + names.back() + "=" + type + (b.divisibility == 16 ? ":16" : "");
      continue;
    }
    ParamSpec spec;
    spec.name = names.back();
    try {
      CallbackHost &from = host ? *host : plainValues;
      if (isTuple) {
        TupleReader reader(type, from);
        if (!reader.read(b.constant, spec) || !reader.atEnd()) {
          out.add(
              DiagId::BadSignature, {}, "cannot read the type of `" + spec.name + "`: `" + type + "`",
              "a tuple's type is written (i32:16,*fp32,constexpr), with the values of the constexpr ones beside it");
          return std::nullopt;
        }
      } else {
        spec.type = "constexpr";
        spec.constant = from.take(*b.constant);
      }
    } catch (const SemaError &e) {
      out.add(e.diagnostic);
      return std::nullopt;
    } catch (const Interrupt &e) {
      out.add(e.diagnostic);
      return std::nullopt;
    } catch (const Suppressed &) {
      return std::nullopt; // in `out` already
    }
    values.push_back(std::move(spec));
  }
  auto signature = parseSignature(types, names, defines, out);
  if (signature)
    for (ParamSpec &v : values)
      signature->params.push_back(std::move(v));
  return signature;
}

} // namespace tessera::compiler
