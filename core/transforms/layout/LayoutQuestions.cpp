// LayoutQuestions.cpp - requests to a target, the checks of its answers, plans of dots
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LayoutQuestions.h"

#include "core/layout/TensorLayouts.h"
#include "core/target/ElementNumber.h"

using namespace mlir;
using tessera::layout::LinearLayout;

namespace tessera::tile {

int64_t moduleOption(Operation *inside, StringRef name, int64_t otherwise) {
  auto module = dyn_cast<ModuleOp>(inside);
  if (!module)
    module = inside->getParentOfType<ModuleOp>();
  auto options = module ? module->getAttrOfType<DictionaryAttr>(kOptionsAttr) : DictionaryAttr();
  auto value = options ? options.getAs<IntegerAttr>(name) : IntegerAttr();
  return value ? value.getInt() : otherwise;
}

void setModuleOption(ModuleOp module, StringRef name, int64_t value) {
  NamedAttrList options(module->getAttrOfType<DictionaryAttr>(kOptionsAttr));
  options.set(name, Builder(module.getContext()).getI64IntegerAttr(value));
  module->setAttr(kOptionsAttr, options.getDictionary(module.getContext()));
}

LinearAttr LayoutQuestions::ask(target::LayoutRequest request, Operation *at) {
  request.numWarps = numWarps_;
  const target::TargetInfo &info = target_.info();
  std::string why;
  std::optional<LinearLayout> answer = target_.layouts().layoutFor(request, &why);
  if (answer && !target::isLegalAnswer(request, *answer, info.lanes(), &why)) {
    at->emitWarning() << "target " << info.name << " gave a layout that it may not: " << why << "; using the default";
    answer.reset();
  }
  if (!answer)
    answer = target::defaultLayout(request, info.lanes(), info.maxVectorBits(), &why);
  assert(answer && "the default layout exists for every tile of powers of two");
  return LinearAttr::get(at->getContext(), layout::asDistributed(*answer));
}

LinearAttr LayoutQuestions::compute(RankedTensorType type, Operation *at) {
  target::LayoutRequest request;
  request.access = target::Access::Compute;
  request.shape = type.getShape().vec();
  // Not by element type: an index, a mask and a value of one shape should agree without a conversion.
  request.elem = target::kElemF32;
  request.elementBits = 32;
  return ask(std::move(request), at);
}

// ---- dots ----------------------------------------------------------------------------------------------------------

std::optional<LinearLayout> LayoutQuestions::fragment(unsigned entryIndex, unsigned operand, int64_t rows,
                                                      int64_t columns, Operation *at) {
  const target::MatrixEntry &entry = target_.matrix().entries()[entryIndex];
  unsigned lanes = target_.info().lanes();
  target::LayoutRequest request;
  request.access = operand == 2 ? target::Access::MatrixAccumulator : target::Access::MatrixOperand;
  request.shape = {rows, columns};
  request.elem = operand == 0 ? entry.a : operand == 1 ? entry.b : entry.c;
  request.elementBits = storageBits(at->getOperand(operand).getType());
  request.numWarps = std::max(entry.lanes / lanes, 1u);
  request.matrixEntry = static_cast<int>(entryIndex);
  request.operand = operand;
  std::string why;
  std::optional<LinearLayout> answer = target_.layouts().layoutFor(request, &why);
  if (answer && !target::isLegalAnswer(request, *answer, lanes, &why)) {
    at->emitWarning() << "target " << target_.info().name << " gave a fragment of " << entry.id
                      << " that it may not: " << why;
    return std::nullopt;
  }
  return answer;
}

std::optional<DotPlan> LayoutQuestions::byInstruction(DotOp dot) {
  ArrayRef<int64_t> a = dot.getA().getType().getShape(), c = dot.getC().getType().getShape();
  size_t rank = c.size();
  std::vector<int64_t> batch(c.begin(), c.end() - 2);
  target::MatrixProblem problem;
  problem.a = elementNumber(dot.getA().getType());
  problem.b = elementNumber(dot.getB().getType());
  problem.c = elementNumber(dot.getC().getType());
  problem.m = c[rank - 2], problem.n = c[rank - 1], problem.k = a[rank - 1];
  problem.batch = batch.empty() ? 1 : batch[0];
  problem.precision = static_cast<uint32_t>(dot.getPrecision());
  for (uint32_t index : target_.matrix().rank(problem)) {
    const target::MatrixEntry &entry = target_.matrix().entries()[index];
    bool fromRegisters = entry.aSpaces & entry.bSpaces & entry.cSpaces & target::kInRegisters;
    if (!fromRegisters || !target::entryFits(entry, problem))
      continue;
    std::optional<LinearLayout> fa = fragment(index, 0, entry.m, entry.k, dot),
                                fb = fragment(index, 1, entry.k, entry.nMin, dot),
                                fc = fragment(index, 2, entry.m, entry.nMin, dot);
    if (!fa || !fb || !fc)
      continue;
    std::optional<layout::DotLayouts> layouts =
        layout::tileFragments({*fa, *fb, *fc}, batch, problem.m, problem.n, problem.k, numWarps_);
    if (!layouts)
      continue;
    MLIRContext *context = dot.getContext();
    return DotPlan{static_cast<int32_t>(index) + 1,
                   LinearAttr::get(context, layouts->a),
                   LinearAttr::get(context, layouts->b),
                   LinearAttr::get(context, layouts->accumulator),
                   {},
                   {}};
  }
  return std::nullopt;
}

DotPlan LayoutQuestions::planDot(DotOp dot) {
  if (std::optional<DotPlan> plan = byInstruction(dot))
    return *plan;
  DotPlan plan;
  LinearLayout accumulator =
      layout::plainDotAccumulator(dot.getC().getType().getShape(), target_.info().lanes(), numWarps_);
  plan.accumulator = LinearAttr::get(dot.getContext(), accumulator);
  int64_t k = dot.getA().getType().getShape().back();
  plan.a = LinearAttr::get(dot.getContext(), layout::plainDotOperand(accumulator, 0, k));
  plan.b = LinearAttr::get(dot.getContext(), layout::plainDotOperand(accumulator, 1, k));
  return plan;
}

// Rows of a tile of twice as many rows, two of which share an element.
static LinearLayout packedAlong(const LinearLayout &source, unsigned axis) {
  std::vector<int64_t> shape = source.shape();
  shape[axis] /= 2;
  LinearLayout frame({}, layout::tensorDims(shape), {});
  layout::Vectors columns;
  for (uint64_t column : source.columns()) {
    std::vector<int64_t> index = source.unpackOut(column);
    index[axis] >>= 1;
    columns.push_back(frame.packOut(index));
  }
  return LinearLayout(source.ins(), frame.outs(), std::move(columns)).withoutZeroBits(layout::kRegister);
}

DotPlan LayoutQuestions::planDot(DotScaledOp dot) {
  // Multiply-adds of each lane: a lane that owns c[m, n] holds row m of a and column n of b, with their scales.
  DotPlan plan;
  LinearLayout accumulator =
      layout::plainDotAccumulator(dot.getC().getType().getShape(), target_.info().lanes(), numWarps_);
  plan.accumulator = LinearAttr::get(dot.getContext(), accumulator);
  unsigned rowDim = accumulator.rank() - 2, columnDim = rowDim + 1;
  LinearLayout rows = layout::sliced(accumulator, columnDim), columns = layout::sliced(accumulator, rowDim);
  ArrayRef<int64_t> a = dot.getA().getType().getShape(), b = dot.getB().getType().getShape(),
                    c = dot.getC().getType().getShape();
  LinearLayout packedRows = a[rowDim] == c[rowDim] ? rows : packedAlong(rows, rowDim);
  LinearLayout packedColumns = b[columnDim] == c[columnDim] ? columns : packedAlong(columns, rowDim);
  MLIRContext *context = dot.getContext();
  plan.a = LinearAttr::get(context, layout::unsliced(packedRows, columnDim, a[columnDim]));
  plan.b = LinearAttr::get(context, layout::unsliced(packedColumns, rowDim, b[rowDim]));
  if (Value scale = dot.getAScale())
    plan.aScale = LinearAttr::get(context, layout::unsliced(rows, columnDim, shapeOf(scale.getType()).back()));
  if (Value scale = dot.getBScale())
    plan.bScale = LinearAttr::get(context, layout::unsliced(columns, columnDim, shapeOf(scale.getType()).back()));
  return plan;
}

} // namespace tessera::tile
