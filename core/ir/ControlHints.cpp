// ControlHints.cpp - rules of prints, asserts and promised facts
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"
#include "mlir/IR/PatternMatch.h"

#define GET_OP_CLASSES
#include "core/ir/ControlHints.cpp.inc"

using namespace mlir;

namespace tessera::tile {

// ---- hint ----------------------------------------------------------------------------------------------------------

void HintOp::build(OpBuilder &builder, OperationState &state, Value source, ArrayRef<int64_t> divisibility,
                   ArrayRef<int64_t> contiguity, ArrayRef<int64_t> constancy) {
  auto facts = [&](ArrayRef<int64_t> values) {
    return values.empty() ? DenseI64ArrayAttr() : builder.getDenseI64ArrayAttr(values);
  };
  build(builder, state, source.getType(), source, facts(divisibility), facts(contiguity), facts(constancy));
}

static LogicalResult checkFacts(HintOp op, StringRef what, std::optional<ArrayRef<int64_t>> facts) {
  size_t dims = std::max<size_t>(1, shapeOf(op.getType()).size());
  if (!facts)
    return success();
  if (facts->size() != dims) // hint_c2
    return op.emitOpError() << what << " must have one entry a dim, " << dims << ", got " << facts->size();
  for (int64_t fact : *facts)
    if (fact < 1) // hint_c3
      return op.emitOpError() << what << " must be at least 1, got " << fact;
  return success();
}

LogicalResult HintOp::verify() {
  if (!getDivisibility() && !getContiguity() && !getConstancy()) // hint_c1
    return emitOpError() << "must promise at least one fact";
  if (failed(checkTile(*this, "source", getSource().getType())) ||
      failed(checkFacts(*this, "divisibility", getDivisibility())) ||
      failed(checkFacts(*this, "contiguity", getContiguity())) ||
      failed(checkFacts(*this, "constancy", getConstancy())))
    return failure();
  return checkSameType(*this, "result", getType(), "source", getSource().getType()); // hint_c4
}

// Nothing needs to be promised of a constant.
static LogicalResult dropHintOfConstant(HintOp op, PatternRewriter &rewriter) {
  if (!splatConstantOf(op.getSource()))
    return failure();
  rewriter.replaceOp(op, op.getSource());
  return success();
}
void HintOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(dropHintOfConstant);
}

// ---- assume, print, assert -----------------------------------------------------------------------------------------

LogicalResult AssumeOp::verify() {
  if (!elementTypeOf(getCondition().getType()).isInteger(1)) // assume_c1
    return emitOpError() << "condition must hold i1, got " << getCondition().getType();
  return checkTile(*this, "condition", getCondition().getType());
}

static LogicalResult dropTrueAssume(AssumeOp op, PatternRewriter &rewriter) {
  std::optional<int64_t> value = splatIntegerOf(op.getCondition());
  if (!value || *value == 0)
    return failure();
  rewriter.eraseOp(op);
  return success();
}
void AssumeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(dropTrueAssume); }

LogicalResult GridStrideOp::verify() {
  if (!getPrograms().getType().isInteger(64)) // grid_stride_c1
    return emitOpError() << "programs must be i64, got " << getPrograms().getType();
  if ((*this)->getParentOp()->getName().getStringRef() != "func.func") // grid_stride_c3
    return emitOpError() << "must stand in a kernel's body";
  return checkGridAxis(*this, getAxis()); // grid_stride_c2
}

LogicalResult PrintOp::verify() {
  for (Value value : getValues())
    if (failed(checkTile(*this, "value", value.getType()))) // print_c1
      return failure();
  return success();
}

LogicalResult AssertOp::verify() {
  Type type = getCondition().getType();
  if (!elementTypeOf(type).isInteger(1)) // assert_c1
    return emitOpError() << "condition must hold i1, got " << type;
  if (failed(checkTile(*this, "condition", type)))
    return failure();
  return getMask() ? checkSameType(*this, "mask", getMask().getType(), "condition", type) : success(); // assert_c2
}

static LogicalResult simplifyAssert(AssertOp op, PatternRewriter &rewriter) {
  std::optional<int64_t> condition = splatIntegerOf(op.getCondition()), mask = splatIntegerOf(op.getMask());
  if ((condition && *condition != 0) || (mask && *mask == 0)) {
    rewriter.eraseOp(op);
    return success();
  }
  if (!mask)
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.getMaskMutable().clear(); });
  return success();
}
void AssertOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(simplifyAssert); }

} // namespace tessera::tile
