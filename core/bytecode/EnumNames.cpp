// EnumNames.cpp - the names of enumerated attribute values; the order is that of the enums in Module.h
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/EnumNames.h"

namespace tessera::tbc {

namespace {
constexpr std::string_view kCmpI[] = {"eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"};
constexpr std::string_view kCmpF[] = {"false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord",
                                      "ueq",   "ugt", "uge", "ult", "ule", "une", "uno", "true"};
constexpr std::string_view kCache[] = {"none", "ca", "cg", "cv", "wb", "cs", "wt"};
constexpr std::string_view kEvict[] = {"normal", "first", "last"};
constexpr std::string_view kRmw[] = {"add", "fadd", "max", "min", "umax", "umin", "and", "or", "xor", "xchg"};
constexpr std::string_view kSem[] = {"acq_rel", "acquire", "release", "relaxed"};
constexpr std::string_view kScope[] = {"gpu", "cta", "sys"};
constexpr std::string_view kPrecision[] = {"default", "tf32", "tf32x3", "ieee", "bf16x3", "bf16x6"};
constexpr std::string_view kFormat[] = {"e2m1", "e4m3", "e5m2", "bf16", "fp16"};
constexpr std::string_view kRounding[] = {"nearest_even", "towards_zero", "nearest_saturating"};
} // namespace

std::span<const std::string_view> enumNames(Opcode code, AttrId id) {
  switch (id) {
  case AttrId::Predicate:
    return code == Opcode::CmpF ? std::span<const std::string_view>(kCmpF) : std::span<const std::string_view>(kCmpI);
  case AttrId::Cache:
    return kCache;
  case AttrId::Evict:
    return kEvict;
  case AttrId::Kind:
    return kRmw;
  case AttrId::Sem:
    return kSem;
  case AttrId::Scope:
    return kScope;
  case AttrId::Precision:
    return kPrecision;
  case AttrId::LhsFormat:
  case AttrId::RhsFormat:
    return kFormat;
  case AttrId::Rounding:
    return kRounding;
  default:
    return {};
  }
}

} // namespace tessera::tbc
