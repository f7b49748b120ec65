// HostTypes.h - the language's own objects as the evaluator sees them, and the way between its values and ours
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/evaluator/Evaluator.h"
#include "frontends/python/sema/Value.h"

#include <optional>
#include <string_view>

namespace tessera::py {

// tl.float32 and its like, tl.pointer_type(...), a block type.
struct DTypeObject final : ForeignObject {
  TensorType type;
  explicit DTypeObject(TensorType t) : type(std::move(t)) {}
  std::string typeName() const override { return "dtype"; }
  std::string repr() const override { return type.block ? type.str() : type.elem.repr(); }
  std::optional<HostValue> getAttribute(Evaluator &, std::string_view name) override;
  bool equals(const ForeignObject &o) const override;
  size_t hash() const override;
};

// tl.constexpr(value) in code outside of kernels.
struct ConstexprObject final : ForeignObject {
  HostValue value;
  explicit ConstexprObject(HostValue v) : value(std::move(v)) {}
  std::string typeName() const override { return "constexpr"; }
  std::string repr() const override;
  std::optional<HostValue> getAttribute(Evaluator &e, std::string_view name) override;
  bool equals(const ForeignObject &o) const override;
  std::optional<HostValue> unwrap() const override { return value; }
};

// tl.constexpr_type(value), what `.type` of a constexpr is: it holds the value, so different values are different types.
struct ConstexprTypeObject final : ForeignObject {
  HostValue value;
  explicit ConstexprTypeObject(HostValue v) : value(std::move(v)) {}
  std::string typeName() const override { return "constexpr_type"; }
  std::string repr() const override { return "constexpr_type[" + py::str(value) + "]"; }
  std::optional<HostValue> getAttribute(Evaluator &, std::string_view name) override;
  bool equals(const ForeignObject &o) const override;
};

// What `.type` of a tensor descriptor is. Extents are always i32 and strides i64, so the block says all of it.
struct DescriptorTypeObject final : ForeignObject {
  TensorType block;
  explicit DescriptorTypeObject(TensorType t) : block(std::move(t)) {}
  std::string typeName() const override { return "tensor_descriptor_type"; }
  std::string repr() const override { return "tensor_descriptor<" + block.str() + ">"; }
  std::optional<HostValue> getAttribute(Evaluator &, std::string_view name) override;
  bool equals(const ForeignObject &o) const override;
};

// A function of the language that host code may call: tl.constexpr itself, triton.cdiv, triton.next_power_of_2.
struct LanguageFunction final : ForeignObject {
  std::string path;
  explicit LanguageFunction(std::string p) : path(std::move(p)) {}
  std::string typeName() const override { return "function"; }
  std::string repr() const override { return "<function " + path + ">"; }
  bool isCallable() const override { return true; }
  std::optional<HostValue> call(Evaluator &e, std::vector<HostValue> &args, HostKeywords &keywords) override;
  bool equals(const ForeignObject &o) const override;
};

// A value of the kernel at run time on its way through code of the host: an operand of a function that is written in Python, a
// field of an aggregate that a constexpr function sees. Its type is known, it is not.
struct RuntimeObject final : ForeignObject {
  Value value;
  explicit RuntimeObject(Value v) : value(std::move(v)) {}
  std::string typeName() const override { return "tensor"; }
  std::string repr() const override;
  std::optional<HostValue> getAttribute(Evaluator &e, std::string_view name) override;
  bool equals(const ForeignObject &o) const override;
};

HostValue hostDType(TensorType t);
// What code outside of kernels gets for a path that is the language's: a dtype, a function that it may call; else null.
std::optional<HostValue> languageObject(std::string_view canonicalPath);
// The constant inside tl.constexpr(...), or the value itself.
HostValue unwrapConstexpr(const HostValue &v);
bool isConstexprObject(const HostValue &v);
// The constexpr_type in `v`, or null.
const ConstexprTypeObject *constexprTypeIn(const HostValue &v);
// The type of a descriptor in `v`, or null.
const DescriptorTypeObject *descriptorTypeIn(const HostValue &v);
// The type of a descriptor of such blocks as a kernel sees it.
Value descriptorType(const TensorType &block);
// An attribute of a descriptor's type: block_type, shape_type, strides_type; null: it has none of that name.
std::optional<Value> descriptorTypeAttribute(const TensorType &block, std::string_view name);
// The type of a constexpr as a kernel sees it. Of a number it answers as the number's dtype does too: a scalar argument that
// was folded because it is 1 is still asked `x.type.is_int()`.
Value constexprType(const HostValue &value);

// "triton.language" for what the path names under any of its spellings ("tessera.language", "triton.language.core"):
// the canonical path, or empty where the path is none of ours.
std::string canonicalPath(std::string_view path);

// The type that a number (bool, int, float) has as a runtime scalar; null: no type holds it.
std::optional<DType> numberType(const HostValue &number);

bool constantsEqual(const HostValue &a, const HostValue &b);

// Host value -> kernel value: tuples become tuples, dtypes types, language names what they name. Null for a plain Python
// function (not usable in a kernel).
std::optional<Value> fromHost(const HostValue &v);
// Kernel value -> host value, where it is known at compile time.
std::optional<HostValue> toHost(const Value &v);
// As toHost; what is not known becomes a RuntimeObject, inside of tuples too.
HostValue toHostOrRuntime(const Value &v);

} // namespace tessera::py
