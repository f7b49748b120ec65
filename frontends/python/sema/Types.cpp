// Types.cpp - names and widths of element types, and the promotion table
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Types.h"

#include <algorithm>

namespace tessera::py {

namespace {
struct KindRow {
  const char *shortName, *languageName, *signature;
  unsigned bits, mantissa;
};
// By ScalarKind.
constexpr KindRow kRows[kScalarKinds] = {
    {"void", "void", "void", 0, 0},
    {"int1", "int1", "i1", 1, 0},
    {"int8", "int8", "i8", 8, 0},
    {"int16", "int16", "i16", 16, 0},
    {"int32", "int32", "i32", 32, 0},
    {"int64", "int64", "i64", 64, 0},
    {"uint8", "uint8", "u8", 8, 0},
    {"uint16", "uint16", "u16", 16, 0},
    {"uint32", "uint32", "u32", 32, 0},
    {"uint64", "uint64", "u64", 64, 0},
    {"fp8e5", "float8e5", "fp8e5", 8, 2},
    {"fp8e4nv", "float8e4nv", "fp8e4nv", 8, 3},
    {"fp8e4b8", "float8e4b8", "fp8e4b8", 8, 3},
    {"fp8e5b16", "float8e5b16", "fp8e5b16", 8, 2},
    {"fp8e4b15", "float8e4b15", "fp8e4b15", 8, 3},
    {"fp16", "float16", "fp16", 16, 10},
    {"bf16", "bfloat16", "bf16", 16, 7},
    {"fp32", "float32", "fp32", 32, 23},
    {"fp64", "float64", "fp64", 64, 52},
};
const KindRow &row(ScalarKind k) { return kRows[static_cast<unsigned>(k)]; }
} // namespace

unsigned DType::bits() const { return pointer ? 64 : row(kind).bits; }
unsigned DType::storageBits() const { return std::max(bits(), 8u); }
unsigned DType::mantissaBits() const { return row(kind).mantissa; }

std::string DType::str() const {
  std::string name = row(kind).shortName;
  return pointer ? (constPointer ? "const_pointer<" : "pointer<") + name + ">" : name;
}
std::string DType::repr() const { return pointer ? str() : "triton.language." + std::string(row(kind).languageName); }
std::string languageName(DType t) { return row(t.kind).languageName; }

std::optional<DType> dtypeByLanguageName(std::string_view name) {
  for (unsigned i = 0; i < kScalarKinds; ++i)
    if (name == kRows[i].languageName)
      return dtype(static_cast<ScalarKind>(i));
  return std::nullopt;
}

std::optional<DType> dtypeBySignature(std::string_view text) {
  if (text.starts_with('*')) {
    text.remove_prefix(1);
    bool isConst = text.starts_with('k');
    if (isConst)
      text.remove_prefix(1);
    auto pointee = dtypeBySignature(text);
    if (!pointee || pointee->pointer)
      return std::nullopt;
    return pointee->pointerTo(isConst);
  }
  if (text == "u1" || text == "B")
    return dtype(ScalarKind::Int1);
  for (unsigned i = 1; i < kScalarKinds; ++i)
    if (text == kRows[i].signature || text == kRows[i].shortName || text == kRows[i].languageName)
      return dtype(static_cast<ScalarKind>(i));
  if (text == "f16" || text == "f32" || text == "f64")
    return dtypeBySignature("fp" + std::string(text.substr(1)));
  return std::nullopt;
}

std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  std::string s = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    s += (i ? ", " : "") + std::to_string(shape[i]);
  return s + "]";
}

std::string TensorType::str() const { return block ? "<" + shapeText(shape) + ", " + elem.str() + ">" : elem.str(); }

namespace {
// bool < integer < float
int kindRank(DType t) { return t.isBool() ? 0 : t.isInt() ? 1 : 2; }

DType promoteIntegers(DType a, DType b) {
  if (a.isSigned() == b.isSigned())
    return a.bits() > b.bits() ? a : b;
  DType u = a.isSigned() ? b : a, s = a.isSigned() ? a : b;
  return u.bits() >= s.bits() ? u : s;
}
} // namespace

Promotion promote(DType a, bool aIsNumber, DType b, bool bIsNumber, bool divOrMod) {
  using K = ScalarKind;
  const DType f16 = dtype(K::FP16), f32 = dtype(K::FP32), f64 = dtype(K::FP64), bf16 = dtype(K::BF16);
  if (aIsNumber != bIsNumber) {
    DType number = aIsNumber ? a : b, tensor = aIsNumber ? b : a;
    if (kindRank(number) <= kindRank(tensor))
      return {divOrMod && (tensor == f16 || tensor == bf16) ? f32 : tensor, {}};
  }
  if (a == f64 || b == f64)
    return {f64, {}};
  if (a == f32 || b == f32)
    return {f32, {}};
  if (a == f16 || b == f16)
    return {divOrMod ? f32 : f16, {}};
  if (a == bf16 && b == bf16)
    return {divOrMod ? f32 : bf16, {}};
  if (a == bf16 || b == bf16)
    return {f32, {}};
  if (a.isFp8() && b.isFp8())
    return {a == b ? a : f16, {}};
  if (!a.isInt() || !b.isInt())
    return {std::nullopt, "unexpected type " + a.str() + " and " + b.str()};
  if (divOrMod && a.isSigned() != b.isSigned())
    return {std::nullopt, "Cannot use /, #, or % with " + a.str() + " and " + b.str() +
                              " because they have different signedness;this is unlikely to result in a useful answer. "
                              "Cast them to the same signedness."};
  return {promoteIntegers(a, b), {}};
}

} // namespace tessera::py
