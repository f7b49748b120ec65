// TypeCheck.h - the rules of operand and result types, op by op; private to core/bytecode
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Infer.h"
#include "core/bytecode/Text.h"
#include "core/bytecode/VerifyOps.h"

namespace tessera::tbc {

class TypeCheck {
public:
  TypeCheck(const Module &m, const Op &op, const FailFn &fail) : m_(m), op_(op), fail_(fail) {}
  void run();

private:
  const Type &in(size_t i) const { return m_.typeOf(op_.operands[i]); }
  const Type &out(size_t i = 0) const { return m_.typeOf(op_.results[i]); }
  size_t count() const { return op_.operands.size(); }
  // Each of these says what is wrong and gives false where it is.
  bool require(bool ok, const std::string &message) {
    if (!ok)
      fail_(message);
    return ok;
  }
  bool operand(size_t i, bool ok, const std::string &rule) {
    return ok || require(false, operandName(op_, i) + " is " + typeText(m_, in(i)) + "; " + rule);
  }
  bool result(const Type &want, size_t i = 0) {
    return out(i) == want || require(false, "result " + std::to_string(i) + " is " + typeText(m_, out(i)) +
                                                " instead of " + typeText(m_, want));
  }
  bool isInt(size_t i) {
    return operand(i, in(i).kind != Type::Shared && !in(i).pointer && isInteger(in(i).elem), "it must be of integers");
  }
  bool isFlt(size_t i) {
    return operand(i, in(i).kind != Type::Shared && !in(i).pointer && isFloat(in(i).elem), "it must be of floats");
  }
  bool isPtr(size_t i) {
    return operand(i, in(i).kind != Type::Shared && in(i).pointer, "it must be a pointer or a tensor of pointers");
  }
  bool isTensor(size_t i) { return operand(i, in(i).isTensor(), "it must be a tensor"); }
  bool isMask(size_t i, const Type &like) {
    return operand(i, in(i) == withElem(like, Elem::I1), "it must be " + typeText(m_, withElem(like, Elem::I1)));
  }
  bool same(size_t i, size_t j) {
    return operand(i, in(i) == in(j), "it must be as " + operandName(op_, j) + ", " + typeText(m_, in(j)));
  }
  bool sameShape(const Type &a, const Type &b) { return a.kind == b.kind && a.shape == b.shape; }
  bool axisIn(int64_t rank) {
    int64_t a = op_.intAttr(AttrId::Axis);
    return require(a >= 0 && a < rank,
                   "axis " + std::to_string(a) + " is not one of the " + std::to_string(rank) + " dims");
  }
  // Like result(), but the layout of the result is its own.
  bool resultShape(const Type &like, const std::vector<int64_t> &shape, size_t i = 0) {
    Type want = withShape(like, shape), got = out(i);
    got.layout = kNone;
    return got == want || require(false, "result " + std::to_string(i) + " is " + typeText(m_, out(i)) +
                                             " instead of " + typeText(m_, want));
  }
  bool regionArgs(size_t region, const std::vector<Type> &want);
  bool yields(size_t region, const std::vector<Type> &want, size_t skip = 0);
  std::vector<Type> resultTypes() const {
    std::vector<Type> t;
    for (ValueId v : op_.results)
      t.push_back(m_.typeOf(v));
    return t;
  }
  std::vector<Type> operandTypes(size_t from) const {
    std::vector<Type> t;
    for (size_t i = from; i < count(); ++i)
      t.push_back(in(i));
    return t;
  }
  bool equalTypes(const std::vector<Type> &a, const std::vector<Type> &b, const std::string &what);

  void structure();
  void creation();
  void conversion();
  void elementwise();
  void targetCode();
  void shapes();
  void memory();
  void combiner();
  void tiles();
  void dot();
  void product(); // shapes and elements of a dot
  void dotScaled();
  void layouts();
  // Of tensor copies.
  static Type mapType();
  bool isCopyBarrier(size_t i);
  bool isCopied();
  void areCoordinates(size_t first);
  void roles();

  const Module &m_;
  const Op &op_;
  const FailFn &fail_;
};

} // namespace tessera::tbc
