// Specialization.cpp - specialisation keys
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/launch/Specialization.h"

namespace tessera::runtime {

static bool startsWith(const std::string &text, const char *prefix) { return text.rfind(prefix, 0) == 0; }

static SpecializedParameter specializeInteger(const ParameterRule &rule, const CallValue &v) {
  bool isOne = v.kind == CallValue::Int && v.i == 1;
  uint64_t bits = v.kind == CallValue::Int ? static_cast<uint64_t>(v.i) : v.u;
  SpecializedParameter out;
  // An annotated integer keeps its type even where it is 1.
  if (isOne && rule.specialize && rule.type.empty())
    return {"constexpr", "1", false};
  if (!rule.type.empty())
    out.type = rule.type;
  else if (v.kind == CallValue::UInt && v.u > INT64_MAX)
    out.type = "u64";
  else
    out.type = static_cast<int64_t>(bits) >= INT32_MIN && static_cast<int64_t>(bits) <= INT32_MAX ? "i32" : "i64";
  out.divisibleBy16 = rule.specialize && rule.specializeAlignment && bits % 16 == 0;
  return out;
}

SpecializedParameter specializeParameter(const ParameterRule &rule, const CallValue &v) {
  if (rule.isConstexpr || v.kind == CallValue::Constexpr || v.kind == CallValue::None) {
    std::string text = v.text;
    if (v.kind == CallValue::None)
      text = "None";
    else if (v.kind == CallValue::Bool)
      text = v.i ? "True" : "False";
    else if (v.kind == CallValue::Int)
      text = std::to_string(v.i);
    else if (v.kind == CallValue::UInt)
      text = std::to_string(v.u);
    return {"constexpr", text, false};
  }
  // Annotated floats and booleans are never specialised, whatever is passed.
  if (startsWith(rule.type, "fp") || startsWith(rule.type, "bf") || rule.type == "u1" || rule.type == "i1")
    return {rule.type, {}, false};
  switch (v.kind) {
  case CallValue::Bool:
    return {rule.type.empty() ? "u1" : rule.type, {}, false};
  case CallValue::Float:
    return {rule.type.empty() ? "fp32" : rule.type, {}, false};
  case CallValue::Pointer: {
    SpecializedParameter out;
    out.type = !rule.type.empty() ? rule.type : (v.isConst ? "*k" : "*") + v.text;
    out.divisibleBy16 = rule.specialize && rule.specializeAlignment && v.u % 16 == 0;
    return out;
  }
  default:
    return specializeInteger(rule, v);
  }
}

std::string specializationKey(std::span<const SpecializedParameter> parameters) {
  std::string key;
  for (const SpecializedParameter &p : parameters) {
    if (!key.empty())
      key += ',';
    if (p.type == "constexpr")
      key += "=" + std::to_string(p.constant.size()) + ":" + p.constant;
    else
      key += p.type + (p.divisibleBy16 ? ":D" : "");
  }
  return key;
}

} // namespace tessera::runtime
