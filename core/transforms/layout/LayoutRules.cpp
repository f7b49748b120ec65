// LayoutRules.cpp - the layout rules of every op, and of control flow
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LayoutRules.h"

#include "core/layout/AxisSplit.h"
#include "core/layout/TensorLayouts.h"
#include "core/target/ElementNumber.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using tessera::layout::LinearLayout;

namespace tessera::tile {

LinearAttr layoutOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? dyn_cast_or_null<LinearAttr>(tensor.getEncoding()) : LinearAttr();
}

RankedTensorType withLayout(RankedTensorType type, LinearAttr layout) {
  return RankedTensorType::get(type.getShape(), type.getElementType(), layout);
}

unsigned storageBits(Type type) { return std::max(bitWidthOf(elementTypeOf(type)), 8u); }

uint8_t elementNumber(Type type) {
  Type element = elementTypeOf(type);
  if (auto pointer = dyn_cast<PointerType>(element))
    element = pointer.getPointee();
  if (auto integer = dyn_cast<IntegerType>(element))
    switch (integer.getWidth()) {
    case 1:
      return target::kElemI1;
    case 8:
      return target::kElemI8;
    case 16:
      return target::kElemI16;
    case 32:
      return target::kElemI32;
    default:
      return target::kElemI64;
    }
  return TypeSwitch<Type, uint8_t>(element)
      .Case<Float8E5M2Type>([](Type) { return target::kElemF8E5M2; })
      .Case<Float8E4M3FNType>([](Type) { return target::kElemF8E4M3FN; })
      .Case<Float8E4M3FNUZType>([](Type) { return target::kElemF8E4M3FNUZ; })
      .Case<Float8E5M2FNUZType>([](Type) { return target::kElemF8E5M2FNUZ; })
      .Case<F8E4B15Type>([](Type) { return target::kElemF8E4B15; })
      .Case<Float16Type>([](Type) { return target::kElemF16; })
      .Case<BFloat16Type>([](Type) { return target::kElemBF16; })
      .Case<Float32Type>([](Type) { return target::kElemF32; })
      .Case<Float64Type>([](Type) { return target::kElemF64; })
      .Default([](Type) { return 0; });
}

// ---- kinds of ops --------------------------------------------------------------------------------------------------

bool isFreeInAnyLayout(Operation *op) { return isa<arith::ConstantOp, ub::PoisonOp, ArangeOp, SplatOp, PoisonOp>(op); }

static bool isPureElementwise(Operation *op) {
  if (isFreeInAnyLayout(op))
    return false;
  if (isa<arith::ArithDialect, math::MathDialect>(op->getDialect()))
    return true;
  return isa<AddPtrOp, PtrToIntOp, IntToPtrOp, BitcastOp, FpToFpOp, MulHiUIOp, MulHiSIOp, HintOp, PhiloxOp>(op);
}

bool keepsOneLayout(Operation *op) {
  if (auto scan = dyn_cast<ScanOp>(op))
    return scan.getNumResults() == scan.getNumOperands();
  return isPureElementwise(op) || isa<LoadOp, StoreOp, AtomicRmwOp, AtomicCasOp, AssertOp, SortOp, MapElementwiseOp,
                                      InlineAsmOp, ExternElementwiseOp>(op);
}

bool isRematerialisable(Operation *op) {
  return isFreeInAnyLayout(op) || isPureElementwise(op) || isa<ExpandDimsOp, BroadcastOp, ReshapeOp, TransposeOp>(op);
}

// ---- rules ---------------------------------------------------------------------------------------------------------

static LinearAttr attrOf(Operation *op, const LinearLayout &layout) {
  return LinearAttr::get(op->getContext(), layout);
}

static std::vector<int64_t> shapeVector(Value value) { return shapeOf(value.getType()).vec(); }

LinearAttr resultFromOperand(Operation *op, unsigned operand, LinearAttr layout, unsigned result) {
  if (!isTile(op->getResult(result)))
    return {};
  if (keepsOneLayout(op))
    return layout;
  Value out = op->getResult(result);
  return TypeSwitch<Operation *, LinearAttr>(op)
      .Case<ExpandDimsOp>(
          [&](auto expand) { return attrOf(op, layout::withUnitDim(layout.getLayout(), expand.getAxis())); })
      .Case<BroadcastOp>([&](auto) { return attrOf(op, layout::broadcastTo(layout.getLayout(), shapeVector(out))); })
      .Case<ReshapeOp>([&](auto) { return attrOf(op, layout::reshaped(layout.getLayout(), shapeVector(out))); })
      .Case<TransposeOp>([&](auto transpose) {
        std::vector<int32_t> order(transpose.getOrder().begin(), transpose.getOrder().end());
        return attrOf(op, layout::transposed(layout.getLayout(), order));
      })
      .Case<JoinOp>([&](auto) { return attrOf(op, layout::joined(layout.getLayout())); })
      .Case<SplitOp>([&](auto) {
        LinearLayout source = layout.getLayout();
        return attrOf(op, layout::sliced(source, source.rank() - 1));
      })
      .Case<CatOp>([&](auto) { return attrOf(op, layout::concatenated(layout.getLayout())); })
      .Case<ReduceOp>([&](auto reduce) { return attrOf(op, layout::sliced(layout.getLayout(), reduce.getAxis())); })
      .Case<ScanOp>([&](ScanOp scan) {
        bool isTotal = result >= scan.getNumOperands();
        return isTotal ? attrOf(op, layout::sliced(layout.getLayout(), scan.getAxis())) : layout;
      })
      .Case<GatherOp>([&](auto) { return operand == 1 ? layout : LinearAttr(); })
      .Case<DotOp>([&](auto) { return operand == 2 ? layout : LinearAttr(); })
      .Default([](Operation *) { return LinearAttr(); });
}

LinearAttr operandFromResult(Operation *op, unsigned operand, LinearAttr layout) {
  if (!isTile(op->getOperand(operand)))
    return {};
  if (keepsOneLayout(op))
    return layout;
  Value in = op->getOperand(operand);
  return TypeSwitch<Operation *, LinearAttr>(op)
      .Case<ExpandDimsOp>([&](auto) { return attrOf(op, layout::reshaped(layout.getLayout(), shapeVector(in))); })
      .Case<BroadcastOp>([&](auto) { return attrOf(op, layout::broadcastSource(layout.getLayout(), shapeVector(in))); })
      .Case<ReshapeOp>([&](auto) { return attrOf(op, layout::reshaped(layout.getLayout(), shapeVector(in))); })
      .Case<TransposeOp>([&](auto transpose) {
        std::vector<int32_t> inverse(transpose.getOrder().size());
        for (auto [to, from] : llvm::enumerate(transpose.getOrder()))
          inverse[from] = static_cast<int32_t>(to);
        return attrOf(op, layout::transposed(layout.getLayout(), inverse));
      })
      .Case<JoinOp>([&](auto) {
        std::optional<LinearLayout> part = layout::splitParts(layout.getLayout());
        return part ? attrOf(op, *part) : LinearAttr();
      })
      .Case<SplitOp>([&](auto) { return attrOf(op, layout::joined(layout.getLayout())); })
      .Case<ScanOp>([&](auto) { return layout; })
      .Case<GatherOp>([&](auto) { return operand == 1 ? layout : LinearAttr(); })
      .Case<DotOp>([&](auto) { return operand == 2 ? layout : LinearAttr(); })
      .Default([](Operation *) { return LinearAttr(); });
}

LinearAttr acceptableOperand(Operation *op, LinearAttr layout) {
  if (isa<SplitOp>(op)) {
    LinearLayout source = layout.getLayout();
    return layout::splitParts(source) ? layout : attrOf(op, layout::splittable(source));
  }
  if (isa<ReduceOp, ScanOp, SortOp>(op))
    return layout::isPlain(layout.getLayout()) ? layout : attrOf(op, layout::plainNear(layout.getLayout()));
  if (auto map = dyn_cast<MapElementwiseOp>(op); map && map.getPack() > 1) {
    LinearLayout whole = layout.getLayout();
    std::vector<int64_t> shape = whole.shape(),
                         packs = {(int64_t(1) << whole.outBits()) / map.getPack(), map.getPack()};
    LinearLayout rows = layout::sliced(layout::reshaped(whole, packs), 1);
    return attrOf(op, layout::reshaped(layout::unsliced(rows, 1, map.getPack()), shape));
  }
  return layout;
}

// ---- control flow --------------------------------------------------------------------------------------------------

Value carriedBy(OpOperand &use) {
  Operation *op = use.getOwner();
  unsigned index = use.getOperandNumber();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return index < loop.getNumControlOperands() ? Value() : loop.getRegionIterArg(index - loop.getNumControlOperands());
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return loop.getBeforeArguments()[index];
  if (auto condition = dyn_cast<scf::ConditionOp>(op))
    return index == 0 ? Value() : cast<scf::WhileOp>(op->getParentOp()).getAfterArguments()[index - 1];
  if (!isa<scf::YieldOp>(op))
    return {};
  return TypeSwitch<Operation *, Value>(op->getParentOp())
      .Case<scf::ForOp>([&](auto loop) { return loop.getRegionIterArg(index); })
      .Case<scf::IfOp>([&](auto branch) { return branch.getResult(index); })
      .Case<scf::WhileOp>([&](auto loop) { return loop.getBeforeArguments()[index]; })
      .Default([](Operation *) { return Value(); });
}

SmallVector<Value, 2> tiedTo(Value value) {
  if (auto result = dyn_cast<OpResult>(value)) {
    if (auto loop = dyn_cast<scf::ForOp>(result.getOwner()))
      return {loop.getRegionIterArg(result.getResultNumber())};
    if (auto loop = dyn_cast<scf::WhileOp>(result.getOwner()))
      return {loop.getAfterArguments()[result.getResultNumber()]};
    return {};
  }
  auto argument = cast<BlockArgument>(value);
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto loop = dyn_cast<scf::ForOp>(parent); loop && argument.getArgNumber() >= loop.getNumInductionVars())
    return {loop.getResult(argument.getArgNumber() - loop.getNumInductionVars())};
  if (auto loop = dyn_cast<scf::WhileOp>(parent); loop && argument.getOwner() == loop.getAfterBody())
    return {loop.getResult(argument.getArgNumber())};
  return {};
}

SmallVector<OpOperand *, 4> feeding(Value value) {
  if (auto result = dyn_cast<OpResult>(value)) {
    unsigned index = result.getResultNumber();
    if (auto branch = dyn_cast<scf::IfOp>(result.getOwner())) {
      SmallVector<OpOperand *, 4> uses = {&branch.thenYield()->getOpOperand(index)};
      if (branch.elseBlock())
        uses.push_back(&branch.elseYield()->getOpOperand(index));
      return uses;
    }
    if (isa<scf::ForOp, scf::WhileOp>(result.getOwner()))
      return feeding(tiedTo(value)[0]);
    return {};
  }
  auto argument = cast<BlockArgument>(value);
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto loop = dyn_cast<scf::ForOp>(parent)) {
    if (argument.getArgNumber() < loop.getNumInductionVars())
      return {};
    unsigned index = argument.getArgNumber() - loop.getNumInductionVars();
    return {&loop->getOpOperand(loop.getNumControlOperands() + index),
            &loop.getBody()->getTerminator()->getOpOperand(index)};
  }
  if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
    unsigned index = argument.getArgNumber();
    if (argument.getOwner() == loop.getAfterBody())
      return {&loop.getConditionOp()->getOpOperand(index + 1)};
    return {&loop->getOpOperand(index), &loop.getYieldOp()->getOpOperand(index)};
  }
  return {};
}

void setLayout(Value tile, LinearAttr layout) {
  auto type = withLayout(cast<RankedTensorType>(tile.getType()), layout);
  tile.setType(type);
  if (auto constant = tile.getDefiningOp<arith::ConstantOp>()) {
    auto elements = cast<DenseElementsAttr>(constant.getValue());
    constant.setValueAttr(elements.isSplat() ? DenseElementsAttr::get(type, elements.getSplatValue<Attribute>())
                                             : elements.reshape(type));
  }
}

Operation *cloneInLayout(OpBuilder &builder, Operation *op, LinearAttr layout,
                         llvm::function_ref<Value(Value, LinearAttr)> inLayout) {
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands())
    operands.push_back(isTile(operand.get())
                           ? inLayout(operand.get(), operandFromResult(op, operand.getOperandNumber(), layout))
                           : operand.get());
  Operation *clone = builder.clone(*op);
  clone->setOperands(operands);
  for (Value result : clone->getResults())
    setLayout(result, layout);
  return clone;
}

} // namespace tessera::tile
