// Types.h - the types of kernel values: element types with signedness, pointers, blocks; and the promotion rules
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tessera::py {

// Order matters: integers (Int1..UInt64), then floats.
enum class ScalarKind : uint8_t {
  Void,
  Int1,
  Int8,
  Int16,
  Int32,
  Int64,
  UInt8,
  UInt16,
  UInt32,
  UInt64,
  FP8E5,
  FP8E4NV,
  FP8E4B8,
  FP8E5B16,
  FP8E4B15,
  FP16,
  BF16,
  FP32,
  FP64
};
inline constexpr unsigned kScalarKinds = 19;

// An element type: a scalar, or a pointer to one. Int1 counts as unsigned.
struct DType {
  ScalarKind kind = ScalarKind::Void; // the pointee where `pointer`
  bool pointer = false;
  bool constPointer = false;

  bool operator==(const DType &o) const = default;
  bool isPtr() const { return pointer; }
  bool isInt() const { return !pointer && kind >= ScalarKind::Int1 && kind <= ScalarKind::UInt64; }
  bool isFloat() const { return !pointer && kind >= ScalarKind::FP8E5; }
  bool isFp8() const { return !pointer && kind >= ScalarKind::FP8E5 && kind <= ScalarKind::FP8E4B15; }
  bool is(ScalarKind k) const { return !pointer && kind == k; }
  bool isBool() const { return is(ScalarKind::Int1); }
  bool isSigned() const { return !pointer && kind >= ScalarKind::Int8 && kind <= ScalarKind::Int64; }
  bool isUnsigned() const { return isInt() && !isSigned(); }
  unsigned bits() const;         // of the value: int1 has 1, pointers 64
  unsigned storageBits() const;  // in memory: int1 has 8
  unsigned mantissaBits() const; // floats
  DType pointee() const { return {kind, false, false}; }
  DType pointerTo(bool isConst = false) const { return {kind, true, isConst}; }
  // "fp32", "int1", "pointer<fp16>"
  std::string str() const;
  // "triton.language.float32", "pointer<fp16>"
  std::string repr() const;
};
inline DType dtype(ScalarKind k) { return {k, false, false}; }

// "float32", "int8" as spelled under triton.language; also "fp32", "i32", "u8", "bf16" as signatures spell them.
std::optional<DType> dtypeByLanguageName(std::string_view name);
std::optional<DType> dtypeBySignature(std::string_view text); // also "*fp32", "*kfp32"
std::string languageName(DType t);                            // "float32"

// The type of a runtime value: a scalar (no shape) or a block.
struct TensorType {
  DType elem;
  bool block = false;
  llvm::SmallVector<int64_t, 3> shape;

  bool operator==(const TensorType &o) const { return elem == o.elem && block == o.block && shape == o.shape; }
  size_t rank() const { return shape.size(); }
  int64_t numel() const {
    int64_t n = 1;
    for (int64_t d : shape)
      n *= d;
    return n;
  }
  TensorType with(DType e) const { return {e, block, shape}; }
  std::string str() const; // "fp32", "<[16, 32], fp32>"
};
inline TensorType scalarType(DType e) { return {e, false, {}}; }
inline TensorType blockType(DType e, llvm::ArrayRef<int64_t> shape) {
  return {e, true, llvm::SmallVector<int64_t, 3>(shape.begin(), shape.end())};
}

// What two operands of an arithmetic op become. `scalar` marks an operand that is a Python number.
struct Promotion {
  std::optional<DType> type;
  std::string error;
};
Promotion promote(DType a, bool aIsNumber, DType b, bool bIsNumber, bool divOrMod);

std::string shapeText(llvm::ArrayRef<int64_t> shape); // "[16, 32]"

} // namespace tessera::py
