// CheckLayouts.cpp - fail where an op does not find its operands in its own registers
//
// Changes nothing. Checked: every tile has a layout that is surjective and has the lanes and warps of the target and
// kernel; local ops are local; loop-carried values keep their layout (MLIR's types); reductions, scans and sorts keep theirs,
// which is plain (AxisSplit.h).
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/AxisSplit.h"
#include "core/layout/TensorLayouts.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/Passes.h"

using namespace mlir;
using tessera::layout::LinearLayout;
using tessera::layout::Vectors;

namespace tessera::tile {

// For each bit of a packed result element, the bits of the packed element of operand `operand` that it needs; empty
// optional where the op is not local in that operand.
static std::optional<Vectors> elementMap(Operation *op, unsigned operand, unsigned result) {
  bool elementwise = keepsOneLayout(op) && !isa<ScanOp, SortOp>(op);
  if (!elementwise && !isa<ReshapeOp, ExpandDimsOp, BroadcastOp, TransposeOp, JoinOp, SplitOp, CatOp>(op))
    return std::nullopt;
  auto in = cast<RankedTensorType>(op->getOperand(operand).getType());
  auto out = cast<RankedTensorType>(op->getResult(result).getType());
  LinearLayout source = LinearLayout::rowMajor("e", in.getShape().vec()),
               target = LinearLayout::rowMajor("e", out.getShape().vec());
  Vectors map;
  for (unsigned bit = 0; bit < target.outBits(); ++bit) {
    std::vector<int64_t> index = target.unpackOut(uint64_t(1) << bit), from;
    if (isa<ReshapeOp, ExpandDimsOp>(op)) {
      map.push_back(uint64_t(1) << bit);
      continue;
    }
    if (isa<BroadcastOp>(op)) {
      from = index;
      for (unsigned d = 0; d < from.size(); ++d)
        from[d] &= in.getDimSize(d) - 1;
    } else if (auto transpose = dyn_cast<TransposeOp>(op)) {
      from.resize(index.size());
      for (auto [to, dim] : llvm::enumerate(transpose.getOrder()))
        from[dim] = index[to];
    } else if (isa<JoinOp>(op)) {
      from.assign(index.begin(), index.end() - 1);
    } else if (isa<SplitOp>(op)) {
      from = index;
      from.push_back(0);
    } else if (isa<CatOp>(op)) {
      from = {index[0] & (in.getDimSize(0) - 1)};
    } else {
      from = index;
    }
    map.push_back(source.packOut(from));
  }
  return map;
}

static LogicalResult checkTileLayout(Operation *op, Value value, const target::Target &target, unsigned numWarps) {
  if (!isTile(value))
    return success();
  LinearAttr attr = layoutOf(value);
  if (!attr)
    return op->emitError() << "a tile has no layout: " << value.getType();
  target::LayoutRequest request;
  request.shape = shapeOf(value.getType()).vec();
  request.numWarps = numWarps;
  std::string why;
  if (!target::isLegalAnswer(request, attr.getLayout(), target.info().lanes(), &why))
    return op->emitError() << "a tile has a layout that cannot be: " << why;
  return success();
}

static LogicalResult checkLocal(Operation *op) {
  for (OpResult result : op->getResults())
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isTile(result) || !isTile(operand.get()))
        continue;
      std::optional<Vectors> map = elementMap(op, operand.getOperandNumber(), result.getResultNumber());
      if (map && !layout::localRegisters(layoutOf(operand.get()).getLayout(), layoutOf(result).getLayout(), *map))
        return op->emitError() << "operand " << operand.getOperandNumber() << " is not in the lanes that need it";
    }
  return success();
}

// Whether each warp holds, of a and b, what its part of the accumulator needs; without an instruction, whether each lane does.
static LogicalResult checkDot(DotOp dot) {
  LinearLayout c = layoutOf(dot.getResult()).getLayout();
  unsigned rank = c.rank();
  bool lanes = dot.getInstruction() == 0;
  if (layoutOf(dot.getC()) != layoutOf(dot.getResult()))
    return dot.emitError() << "c and the result must have one layout";
  if (lanes && layout::plainDotNeedsBuffers(c, dot.getA().getType().getShape().back()))
    return success(); // the operands go through scratch
  for (unsigned operand : {0u, 1u}) {
    LinearLayout have = layoutOf(dot->getOperand(operand)).getLayout();
    // Drop k: what is left of the operand must be held where the accumulator's rows (columns) are.
    LinearLayout rows = layout::sliced(have, operand == 0 ? rank - 1 : rank - 2);
    LinearLayout want = layout::sliced(c, operand == 0 ? rank - 1 : rank - 2);
    Vectors near = rows.columnsOf(layout::kRegister), all = have.columnsOf(layout::kRegister),
            reach = want.columnsOf(layout::kRegister);
    auto add = [&](const LinearLayout &l, std::string_view in, Vectors &to) {
      for (uint64_t column : l.columnsOf(in))
        to.push_back(column);
    };
    if (!lanes) {
      add(rows, layout::kLane, near);
      add(want, layout::kLane, reach);
    }
    layout::Span span(near);
    bool covered = llvm::all_of(reach, [&](uint64_t v) { return span.contains(v); });
    for (std::string_view in : {layout::kLane, layout::kWarp}) {
      if (in == layout::kLane && !lanes)
        continue;
      Vectors mine = rows.columnsOf(in), theirs = want.columnsOf(in);
      for (size_t i = 0; i < theirs.size(); ++i)
        covered &= span.contains((i < mine.size() ? mine[i] : 0) ^ theirs[i]);
    }
    if (!covered)
      return dot.emitError() << (operand == 0 ? "a" : "b") << " is not held by the " << (lanes ? "lanes" : "warps")
                             << " that multiply it";
  }
  return success();
}

static LogicalResult checkWholeTile(Operation *op) {
  if (isa<ReduceOp, ScanOp, SortOp>(op) && !layout::isPlain(layoutOf(op->getOperand(0)).getLayout()))
    return op->emitError() << "an op along an axis must have a plain layout";
  auto isOfRow = [&](int32_t axis, ValueRange results) {
    LinearLayout row = layout::sliced(layoutOf(op->getOperand(0)).getLayout(), axis);
    return llvm::all_of(results, [&](Value v) { return !isTile(v) || layoutOf(v).getLayout() == row; });
  };
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    for (Value source : reduce.getSources())
      if (layoutOf(source) != layoutOf(reduce.getSources()[0]))
        return op->emitError() << "the sources of a reduction must have one layout";
    if (!isOfRow(reduce.getAxis(), reduce.getResults()))
      return op->emitError() << "a reduction's result must have the layout of its source without the axis";
  }
  if (auto scan = dyn_cast<ScanOp>(op))
    if (!isOfRow(scan.getAxis(), scan.getResults().drop_front(scan.getSources().size())))
      return op->emitError() << "a scan's total must have the layout of its source without the axis";
  if (isa<ScanOp, SortOp>(op))
    for (Value operand : op->getOperands())
      if (layoutOf(operand) != layoutOf(op->getResult(0)))
        return op->emitError() << "source and result must have one layout";
  if (auto dot = dyn_cast<DotOp>(op))
    return checkDot(dot);
  return success();
}

StepResult checkLayouts(ModuleOp module, const target::Target &target) {
  unsigned numWarps = static_cast<unsigned>(moduleOption(module, "num_warps", 4));
  WalkResult walk = module.walk([&](Operation *op) {
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          if (failed(checkTileLayout(op, argument, target, numWarps)))
            return WalkResult::interrupt();
    for (Value result : op->getResults())
      if (failed(checkTileLayout(op, result, target, numWarps)))
        return WalkResult::interrupt();
    if (failed(checkLocal(op)) || failed(checkWholeTile(op)))
      return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return {failure(walk.wasInterrupted()), 0};
}

} // namespace tessera::tile
