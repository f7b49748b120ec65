// Infer.h - result types that follow from operands and attributes
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include <optional>

namespace tessera::tbc {

// The result types of `op` (its results are not looked at), where its code, operands, attributes and regions determine
// them; nothing where they do not (constant, conversions, broadcast, …) or where the op is malformed. At LAYOUT level
// only ops that keep their operand's layout have an answer.
std::optional<std::vector<Type>> inferResults(const Module &m, const Op &op);

// The types of the arguments of a region of reduce, scan or map_elementwise over tensors of these types.
std::vector<Type> combinerArgs(const Module &m, const std::vector<ValueId> &operands, int64_t copies);

Type withElem(Type t, Elem e);                             // same kind and shape, elements of a plain type
Type withShape(const Type &t, std::vector<int64_t> shape); // an empty shape gives the scalar
Type scalarOf(const Type &t);

// Families of opcodes with one typing rule.
enum class OpClass : uint8_t {
  IntBinary,
  IntUnary,
  FloatBinary,
  FloatUnary, // results as the operands
  Conversion, // one operand and one result of the same shape
  Other,
};
OpClass opClass(Opcode code);

} // namespace tessera::tbc
