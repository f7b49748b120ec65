// Advice.cpp - what a kernel says instead of what it cannot say
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Advice.h"

#include "frontends/python/sema/Language.h"

#include <utility>

namespace tessera::py {
namespace {

using Row = std::pair<std::string_view, std::string_view>;

template <size_t n> std::string_view find(const Row (&rows)[n], std::string_view name) {
  for (const auto &[key, text] : rows)
    if (key == name)
      return text;
  return {};
}

constexpr Row kBuiltins[] = {
    {"enumerate", "loop over tl.static_range(len(t)) and take t[i]"},
    {"zip", "loop over tl.static_range(len(a)) and take a[i] and b[i]"},
    {"reversed", "loop over range(n - 1, -1, -1)"},
    {"map", "write a loop over tl.static_range, or tl.map_elementwise for the elements of a block"},
    {"filter", "choose elements of a block with tl.where or a mask"},
    {"any", "tl.max(x.to(tl.int32)) != 0 says it of a block"},
    {"all", "tl.min(x.to(tl.int32)) != 0 says it of a block"},
    {"pow", "multiply, or use tl.exp2(tl.log2(x) * y) or libdevice.pow"},
    {"divmod", "use // and %"},
    {"list", "use a tuple"},
    {"dict", "use a tuple or a NamedTuple"},
    {"set", "use a tuple"},
    {"input", "make it a parameter of the kernel"},
    {"open", "files are read and written on the host"},
};

constexpr Row kMethods[] = {
    {"float", "write .to(tl.float32)"},
    {"double", "write .to(tl.float64)"},
    {"half", "write .to(tl.float16)"},
    {"bfloat16", "write .to(tl.bfloat16)"},
    {"int", "write .to(tl.int32)"},
    {"long", "write .to(tl.int64)"},
    {"bool", "write x != 0"},
    {"type_as", "write .to(other.dtype)"},
    {"astype", "write .to(dtype)"},
    {"unsqueeze", "write x[:, None], or tl.expand_dims(x, axis)"},
    {"squeeze", "write .reshape(shape)"},
    {"transpose", "write tl.trans(x), or tl.permute for more than two dims"},
    {"t", "write x.T"},
    {"expand", "write .broadcast_to(shape)"},
    {"flatten", "write .ravel()"},
    {"size", "write x.shape[axis]"},
    {"dim", "write len(x.shape)"},
    {"ndim", "write len(x.shape)"},
    {"mean", "write tl.sum(x, axis) / n, with n the elements that count"},
    {"pow", "multiply, or use tl.exp2(tl.log2(x) * y) or libdevice.pow"},
    {"tanh", "write 2 * tl.sigmoid(2 * x) - 1, or libdevice.tanh(x)"},
    {"relu", "write tl.maximum(x, 0)"},
    {"item", "reduce the block to one number, with tl.sum or tl.max"},
    {"clone", "values do not change: y = x will do"},
    {"append", "values do not change: t = t + (x,) adds to a tuple"},
    {"copy_", "write memory with tl.store"},
    {"add_", "values do not change: x = x + y"},
    {"mul_", "values do not change: x = x * y"},
    {"fill_", "make a block with tl.full"},
    {"masked_fill", "write tl.where(mask, value, x)"},
    {"clamp_min", "write tl.maximum(x, low)"},
    {"clamp_max", "write tl.minimum(x, high)"},
    {"matmul", "write tl.dot(a, b)"},
    {"mm", "write tl.dot(a, b)"},
};

constexpr Row kFunctions[] = {
    {"ones", "write tl.full(shape, 1, dtype)"},
    {"empty", "write tl.zeros(shape, dtype)"},
    {"ones_like", "write tl.full(x.shape, 1, x.dtype)"},
    {"full_like", "write tl.full(x.shape, value, x.dtype)"},
    {"mean", "write tl.sum(x, axis) / n, with n the elements that count"},
    {"matmul", "write tl.dot(a, b)"},
    {"relu", "write tl.maximum(x, 0)"},
    {"silu", "write x * tl.sigmoid(x)"},
    {"gelu", "write 0.5 * x * (1 + tl.erf(x * 0.7071067811865476))"},
    {"concat", "write tl.join, or tl.cat where the order does not matter"},
    {"concatenate", "write tl.join, or tl.cat where the order does not matter"},
    {"stack", "write tl.join(a, b)"},
    {"transpose", "write tl.trans(x), or tl.permute for more than two dims"},
    {"any", "tl.max(x.to(tl.int32)) != 0 says it"},
    {"all", "tl.min(x.to(tl.int32)) != 0 says it"},
    {"float", "write tl.float32"},
    {"int", "write tl.int32"},
    {"bool", "write tl.int1"},
    {"half", "write tl.float16"},
    {"double", "write tl.float64"},
    {"long", "write tl.int64"},
    {"print", "write tl.device_print"},
    {"syncthreads", "write tl.debug_barrier"},
};

} // namespace

std::string_view insteadOfBuiltin(std::string_view name) { return find(kBuiltins, name); }

std::string_view insteadOfExpression(NodeKind kind) {
  switch (kind) {
  case NodeKind::Lambda:
    return "write a function and decorate it with @triton.jit";
  case NodeKind::Dict:
  case NodeKind::DictComp:
    return "use a tuple or a NamedTuple; a dict that is known when the kernel is compiled can be a constexpr parameter";
  case NodeKind::Set:
  case NodeKind::SetComp:
    return "use a tuple";
  case NodeKind::GeneratorExp:
    return "write a loop over tl.static_range";
  default:
    return {};
  }
}

std::string_view insteadOfMethod(std::string_view name) { return find(kMethods, name); }

std::string insteadOfFunction(std::string_view name) {
  if (std::string_view text = find(kFunctions, name); !text.empty())
    return std::string(text);
  std::string own(name);
  if (languageValue("triton.language.extra.libdevice." + own))
    return "write libdevice." + own + ", with `from triton.language.extra import libdevice`";
  return {};
}

} // namespace tessera::py
