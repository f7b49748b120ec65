// Value.h - what an expression of a kernel is worth while the kernel is visited
//
// SPDX-License-Identifier: Apache-2.0
//
// Runtime values carry an mlir::Value and their type with signedness; everything else exists at compile time only.
#pragma once

#include "frontends/python/evaluator/HostValue.h"
#include "frontends/python/sema/Types.h"
#include "mlir/IR/Value.h"

#include <memory>
#include <string>
#include <vector>

namespace tessera::py {

struct BuiltinDef;
struct JitFunction;
struct Value;

enum class ValueKind : uint8_t {
  Absent,     // no value: an argument that was not given
  Error,      // the result of something already reported
  Tensor,     // a runtime scalar or block
  Const,      // a host constant: None, bool, int, float, str, list, dict, a host object
  Tuple,      // values, with names where it is a named tuple
  BlockPtr,   // a block pointer; `type` is what a load gives
  Descriptor, // a tensor descriptor; parts: base, shape…, strides…; `type` is the block
  Type,       // a dtype, or a block type (x.type)
  Function,   // a jit function
  Builtin,    // a function of the language
  Bound,      // a method; parts: self, callee
  Module,     // a namespace such as triton.language
  Slice,      // parts: lower, upper, step (each may be None)
  Range,      // parts: start, stop, step, then options
};

struct TupleData {
  std::vector<Value> items;
  std::vector<std::string> names; // empty, or one an item
  std::string typeName;           // of a named tuple, "static" for a static range
  HostValue cls;                  // of a named tuple or an aggregate
  bool hostTuple = false;         // held by a constexpr, as which it is printed; a kernel's own tuples print as lists
  bool aggregate = false;         // fields are attributes only; constants in it stay constants; methods come from `cls`
};

struct Value {
  ValueKind kind = ValueKind::Absent;
  mlir::Value ir;                      // Tensor, BlockPtr
  TensorType type;                     // see ValueKind
  HostValue host;                      // Const; Function: the object
  const BuiltinDef *builtin = nullptr; // Builtin
  std::shared_ptr<const JitFunction> function;
  std::string module;                     // Module: dotted path
  std::shared_ptr<const TupleData> parts; // Tuple and the others that have parts

  bool isAbsent() const { return kind == ValueKind::Absent; }
  bool isTensor() const { return kind == ValueKind::Tensor; }
  bool isConst() const { return kind == ValueKind::Const; }
  bool isTuple() const { return kind == ValueKind::Tuple; }
  bool isAggregate() const { return isTuple() && parts->aggregate; }
  bool isType() const { return kind == ValueKind::Type; }
  bool isBlock() const { return isTensor() && type.block; }
  bool isNone() const { return isConst() && host.isNone(); }
  bool isNoneOrAbsent() const { return isAbsent() || isNone(); }
  bool isNumber() const { return isConst() && (host.isIntOrBool() || host.isFloat()); }
  bool isString() const { return isConst() && host.isStr(); }
  DType elem() const { return type.elem; }
  const std::vector<Value> &items() const { return parts->items; }
};

// Whether two values are the same thing: the same op result, the same constant.
bool sameValue(const Value &a, const Value &b);

} // namespace tessera::py
