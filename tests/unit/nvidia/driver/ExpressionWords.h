// ExpressionWords.h - words of the driver role's expressions, as tests write them
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/image/Expressions.h"

namespace tessera::nvidia::test {

inline uint64_t word(ExpressionOp op, uint64_t operand = 0) { return static_cast<uint64_t>(op) | operand << 8; }
// Of the packed arguments: bytes from the offset on.
inline uint64_t argument(uint64_t offset, uint64_t bytes) { return word(ExpressionOp::Argument, bytes | offset << 8); }

} // namespace tessera::nvidia::test
