// Builder.h - writes modules by hand: for tests, generators and anybody who makes bytecode without MLIR
//
// SPDX-License-Identifier: Apache-2.0
//
//   Module m;
//   Builder b(m);
//   b.beginKernel("add");
//   ValueId x = b.param("x", Builder::ptr(Elem::F32)), n = b.param("n", Builder::scalar(Elem::I32));
//   ValueId i = b.arange(0, 128);
//   ValueId p = b.op(Opcode::AddPtr, {b.splat(x, {128}), i});
//   b.store(p, b.op(Opcode::AddF, {b.load(p), b.load(p)}));
//   b.endKernel();
//
// Result types are inferred where Infer.h can, else they are given. Nothing is checked: run Verifier.h. A Builder and its
// module belong to one thread. A malformed request (result types that cannot be inferred) makes a poison result, which
// the verifier then reports by the op that uses it.
#pragma once

#include "core/bytecode/Module.h"

#include <functional>
#include <memory>
#include <span>

namespace tessera::tbc {

using Values = std::vector<ValueId>;
using Attrs = std::vector<Attr>;

class Builder {
public:
  explicit Builder(Module &m) : m_(m) {}
  Module &module() { return m_; }

  // Types.
  static Type scalar(Elem e);
  static Type ptr(Elem pointee, uint8_t addressSpace = 1);
  static Type tensor(std::vector<int64_t> shape, Elem e);
  static Type ptrTensor(std::vector<int64_t> shape, Elem pointee);
  const Type &typeOf(ValueId v) const { return m_.typeOf(v); }

  // Kernels. endKernel adds the `return`.
  void beginKernel(std::string name);
  ValueId param(std::string name, const Type &t, int64_t divisibility = 1, bool readOnly = false,
                bool isUnsigned = false);
  void endKernel();

  // The location of every op from here on.
  void at(std::string_view file, uint32_t line, uint32_t column = 1);
  void noLocation() { loc_ = kNone; }

  // Any op. The first form infers the result type(s) and gives the first; the second states one; the third is general.
  ValueId op(Opcode code, Values operands = {}, Attrs attrs = {});
  ValueId op(Opcode code, Values operands, const Type &result, Attrs attrs = {});
  Values multi(Opcode code, Values operands, const std::vector<Type> &results, Attrs attrs = {},
               std::vector<Region> regions = {});

  // Constants: a scalar or a tensor of equal elements.
  ValueId constInt(const Type &t, int64_t v);
  ValueId constFloat(const Type &t, double v);
  ValueId i32(int64_t v) { return constInt(scalar(Elem::I32), v); }
  ValueId i64(int64_t v) { return constInt(scalar(Elem::I64), v); }
  ValueId i1(bool v) { return constInt(scalar(Elem::I1), v); }
  ValueId f32(double v) { return constFloat(scalar(Elem::F32), v); }
  ValueId arange(int64_t start, int64_t end);
  ValueId splat(ValueId scalar, std::vector<int64_t> shape);
  ValueId programId(int64_t axis);
  ValueId numPrograms(int64_t axis);
  ValueId cmpi(CmpI p, ValueId a, ValueId b);
  ValueId cmpf(CmpF p, ValueId a, ValueId b);

  // Shapes.
  ValueId expandDims(ValueId v, int64_t axis);
  ValueId broadcast(ValueId v, std::vector<int64_t> shape);
  ValueId reshape(ValueId v, std::vector<int64_t> shape);
  ValueId transpose(ValueId v, std::vector<int64_t> order);
  ValueId convert(Opcode code, ValueId v, Elem to, Attrs attrs = {}); // same shape, other elements

  // Memory. kNone: no mask, no other.
  ValueId load(ValueId p, ValueId mask = kNone, ValueId other = kNone);
  void store(ValueId p, ValueId value, ValueId mask = kNone);
  ValueId atomicRmw(Rmw kind, ValueId p, ValueId value, ValueId mask = kNone);

  // Regions. Each body gets the region's arguments and returns what it yields.
  using Body = std::function<Values(std::span<const ValueId>)>;
  Values forLoop(ValueId lower, ValueId upper, ValueId step, Values inits,
                 const std::function<Values(ValueId, std::span<const ValueId>)> &body);
  // before: returns the condition, then the forwarded values. after: the next carried values.
  Values whileLoop(const Values &inits, const Body &before, const Body &after);
  Values ifElse(ValueId cond, const std::vector<Type> &results, const std::function<Values()> &then,
                const std::function<Values()> &otherwise);
  void ifThen(ValueId cond, const std::function<void()> &then);
  // combine: arguments (accumulated…, next…), one of each operand.
  Values reduce(const Values &operands, int64_t axis, const Body &combine);
  ValueId reduce(ValueId v, int64_t axis, Opcode combine); // with one binary op
  Values scan(const Values &operands, int64_t axis, const Body &combine, bool reverse = false);
  Values mapElementwise(Values operands, int64_t pack, const std::vector<Elem> &results, const Body &body);

  // Runs body with ops going into a new region with these arguments; ends it with `terminator`.
  Region region(const std::vector<Type> &args, const Body &body, Opcode terminator = Opcode::Yield);

private:
  Op &append(Opcode code, Values operands, Attrs attrs);
  Region &current() { return *stack_.back(); }

  Module &m_;
  std::vector<std::unique_ptr<Region>> stack_;
  std::string name_;
  std::vector<Param> params_;
  LocId kernelLoc_ = kNone, loc_ = kNone;
};

inline Attr intAttr(AttrId id, int64_t v) { return {id, v}; }
inline Attr intsAttr(AttrId id, std::vector<int64_t> v) { return {id, std::move(v)}; }
inline Attr strAttr(AttrId id, std::string v) { return {id, std::move(v)}; }

} // namespace tessera::tbc
