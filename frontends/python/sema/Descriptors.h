// Descriptors.h - tensor descriptors that the host makes: kernel parameters of type tensordesc<fp16[128, 64]>
//
// SPDX-License-Identifier: Apache-2.0
//
// Such a parameter is passed as scalars, in this order and each as a kernel argument of its own: the base pointer (aligned to 16
// bytes), the extents as i32, the strides in elements as i64 without the last one, which is 1. What a load gives outside of the
// array is part of the type: "tensordesc<fp16[128, 64], nan>"; without it, zero. "tensordesc<fp16[128, 64], whole>": rows are multiples of 16 bytes long.
#pragma once

#include "frontends/python/sema/Emitter.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::py {

struct DescriptorParam {
  TensorType block;
  bool nanPadding = false, wholeRows = false;
  struct Leaf {
    std::string suffix; // of the parameter's name: "", ".shape0", ".stride0"
    TensorType type;
    int64_t divisibility; // of a pointer in bytes, of a stride and an extent in elements
  };
  std::vector<Leaf> leaves() const;
  // The descriptor out of the values of its leaves.
  Value value(Emitter &e, llvm::ArrayRef<Value> leaves) const;
};

// Null: not such a type, or a malformed one.
std::optional<DescriptorParam> parseDescriptorType(std::string_view text);

} // namespace tessera::py
