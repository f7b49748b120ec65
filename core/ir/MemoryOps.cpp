// MemoryOps.cpp - rules, effects and masks of loads, stores and atomics
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"
#include "mlir/IR/PatternMatch.h"

#define GET_OP_CLASSES
#include "core/ir/MemoryOps.cpp.inc"

using namespace mlir;

namespace tessera::tile {

static Type pointeesOf(Type pointers) {
  return withElementType(pointers, cast<PointerType>(elementTypeOf(pointers)).getPointee());
}

// load_c1 … c3 and their like in store and the atomics.
static LogicalResult checkAccess(Operation *op, Type ptr, StringRef what, Type value, Value mask) {
  if (failed(checkPointers(op, "ptr", ptr)) ||
      failed(checkSameType(op, what, value, "what ptr points to", pointeesOf(ptr))))
    return failure();
  return mask ? checkMask(op, "mask", mask.getType(), "ptr", ptr) : success();
}

static LogicalResult checkCache(Operation *op, Cache cache, ArrayRef<Cache> allowed) {
  if (!llvm::is_contained(allowed, cache))
    return op->emitOpError() << "cache modifier '" << stringifyCache(cache) << "' does not exist for this access";
  return success();
}

// ---- load ----------------------------------------------------------------------------------------------------------

void LoadOp::build(OpBuilder &builder, OperationState &state, Value ptr, Value mask, Value other, Cache cache,
                   Evict evict, bool isVolatile) {
  build(builder, state, pointeesOf(ptr.getType()), ptr, mask, other, cache, evict, isVolatile);
}

LogicalResult LoadOp::verify() {
  if (failed(checkAccess(*this, getPtr().getType(), "result", getType(), getMask())))
    return failure();
  if (getOther() && failed(checkSameType(*this, "other", getOther().getType(), "result", getType()))) // load_c4
    return failure();
  if (getOther() && !getMask()) // load_c5
    return emitOpError() << "other needs a mask";
  return checkCache(*this, getCache(), {Cache::None, Cache::CA, Cache::CG, Cache::CV}); // load_c6
}

// A volatile load may be watched by others, so it is neither removed nor merged.
void LoadOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  effects.emplace_back(MemoryEffects::Read::get());
  if (getIsVolatile())
    effects.emplace_back(MemoryEffects::Write::get());
}

// A mask that is all true goes; a load with a mask that is all false is `other`.
static LogicalResult simplifyLoadMask(LoadOp op, PatternRewriter &rewriter) {
  std::optional<int64_t> mask = splatIntegerOf(op.getMask());
  if (!mask)
    return failure();
  if (*mask != 0)
    rewriter.replaceOpWithNewOp<LoadOp>(op, op.getPtr(), Value(), Value(), op.getCache(), op.getEvict(),
                                        op.getIsVolatile());
  else if (op.getOther())
    rewriter.replaceOp(op, op.getOther());
  else
    rewriter.replaceOpWithNewOp<PoisonOp>(op, op.getType());
  return success();
}
void LoadOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(simplifyLoadMask); }

// ---- store ---------------------------------------------------------------------------------------------------------

LogicalResult StoreOp::verify() {
  if (failed(checkAccess(*this, getPtr().getType(), "value", getValue().getType(), getMask())))
    return failure();
  return checkCache(*this, getCache(), {Cache::None, Cache::WB, Cache::CG, Cache::CS, Cache::WT}); // store_c4
}

static LogicalResult simplifyStoreMask(StoreOp op, PatternRewriter &rewriter) {
  std::optional<int64_t> mask = splatIntegerOf(op.getMask());
  if (!mask)
    return failure();
  if (*mask != 0)
    rewriter.modifyOpInPlace(op, [&] { op.getMaskMutable().clear(); });
  else
    rewriter.eraseOp(op);
  return success();
}
void StoreOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(simplifyStoreMask);
}

// ---- atomics -------------------------------------------------------------------------------------------------------

void AtomicRmwOp::build(OpBuilder &builder, OperationState &state, Rmw kind, Value ptr, Value value, Value mask,
                        MemSem sem, MemScope scope) {
  build(builder, state, pointeesOf(ptr.getType()), kind, ptr, value, mask, sem, scope);
}

LogicalResult AtomicRmwOp::verify() {
  if (failed(checkAccess(*this, getPtr().getType(), "value", getValue().getType(), getMask())) ||
      failed(checkSameType(*this, "result", getType(), "value", getValue().getType())))
    return failure();
  Type element = elementTypeOf(getType());
  bool wantsFloat = getKind() == Rmw::FAdd;
  bool isOfNumbers = llvm::is_contained({Rmw::Max, Rmw::Min}, getKind()) && isTileFloat(element);
  if (getKind() != Rmw::Xchg && !isOfNumbers &&
      (wantsFloat ? !isTileFloat(element) : !isTileInteger(element))) // atomic_rmw_c4
    return emitOpError() << "kind " << stringifyRmw(getKind()) << " needs a value of "
                         << (wantsFloat ? "floats" : "integers") << ", got " << getValue().getType();
  return success();
}

void AtomicCasOp::build(OpBuilder &builder, OperationState &state, Value ptr, Value compare, Value value, MemSem sem,
                        MemScope scope) {
  build(builder, state, pointeesOf(ptr.getType()), ptr, compare, value, sem, scope);
}

LogicalResult AtomicCasOp::verify() {
  if (failed(checkAccess(*this, getPtr().getType(), "value", getValue().getType(), Value())) ||
      failed(checkSameType(*this, "compare", getCompare().getType(), "value", getValue().getType())) ||
      failed(checkSameType(*this, "result", getType(), "value", getValue().getType())))
    return failure();
  if (bitWidthOf(elementTypeOf(getType())) < 8) // atomic_cas_c3
    return emitOpError() << "value must hold elements of 8 to 64 bits, got " << getType();
  return success();
}

} // namespace tessera::tile
