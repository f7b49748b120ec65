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

// A fragment that says nothing of registers: the operand lies in shared memory, every warp reaches all of it.
static LinearLayout elsewhere(int64_t rows, int64_t columns, unsigned lanes, unsigned warps) {
  std::vector<int64_t> shape{rows, columns};
  return layout::asDistributed(LinearLayout::rowMajor(layout::kRegister, shape)
                                   .product(LinearLayout::zeros(layout::log2Exact(lanes), layout::kLane, "dim0"))
                                   .product(LinearLayout::zeros(layout::log2Exact(warps), layout::kWarp, "dim0")));
}

LinearAttr LayoutQuestions::sharedOperand(DotOp dot, uint32_t index, unsigned operand, unsigned fastest) {
  auto type = cast<RankedTensorType>(dot->getOperand(operand).getType());
  target::LayoutRequest request;
  request.access = target::Access::Shared;
  request.shape = type.getShape().vec();
  request.elem = elementNumber(type);
  request.elementBits = storageBits(type);
  request.numWarps = numWarps_;
  request.matrixEntry = static_cast<int>(index);
  request.operand = operand;
  request.contiguity.assign(request.shape.size(), 1);
  request.contiguity[fastest] = request.shape[fastest];
  std::optional<LinearLayout> answer = target_.layouts().layoutFor(request);
  if (!answer || !target::isLegalAnswer(request, *answer, target_.info().lanes(), nullptr))
    return {};
  return LinearAttr::get(dot.getContext(), *answer);
}

// An instruction that reads b, and perhaps a, from shared memory. Of the widths that it has, the widest one that gives every warp its own part.
std::optional<DotPlan> LayoutQuestions::byGroupInstruction(DotOp dot, uint32_t index,
                                                           const target::MatrixProblem &problem,
                                                           llvm::function_ref<OperandSource(Value)> sourceOf) {
  const target::MatrixEntry &entry = target_.matrix().entries()[index];
  unsigned lanes = target_.info().lanes(), warps = std::max(entry.lanes / lanes, 1u);
  OperandSource aSource = sourceOf(dot.getA());
  bool aInRegisters =
      entry.aSpaces & target::kInRegisters && !(aSource.fromMemory && entry.aSpaces & target::kInShared);
  auto bytes = [](Value operand) {
    auto type = cast<RankedTensorType>(operand.getType());
    return static_cast<uint64_t>(type.getNumElements()) * storageBits(type) / 8;
  };
  if (bytes(dot.getB()) + (aInRegisters ? 0 : bytes(dot.getA())) > target_.info().sharedBytes())
    return std::nullopt;
  DotPlan plan;
  plan.instruction = static_cast<int32_t>(index) + 1;
  plan.bShared = sharedOperand(dot, index, 1, sourceOf(dot.getB()).fastest);
  if (!aInRegisters)
    plan.aShared = sharedOperand(dot, index, 0, aSource.fastest);
  if (!plan.bShared || (!aInRegisters && !plan.aShared))
    return std::nullopt;
  std::optional<layout::DotLayouts> best;
  for (int64_t n = std::min<int64_t>(entry.nMax, static_cast<int64_t>(problem.n)); n >= entry.nMin; n /= 2) {
    std::optional<LinearLayout> fc = fragment(index, 2, entry.m, n, dot),
                                fa = aInRegisters ? fragment(index, 0, entry.m, entry.k, dot)
                                                  : elsewhere(entry.m, entry.k, lanes, warps);
    if (!fa || !fc)
      return std::nullopt;
    std::optional<layout::DotLayouts> layouts =
        layout::tileFragments({*fa, elsewhere(entry.k, n, lanes, warps), *fc}, {}, static_cast<int64_t>(problem.m),
                              static_cast<int64_t>(problem.n), static_cast<int64_t>(problem.k), numWarps_);
    if (!layouts)
      continue;
    bool hasCopies = layouts->accumulator.freeMask(layout::kWarp) != 0;
    if (!best || !hasCopies)
      best = layouts;
    if (!hasCopies)
      break;
  }
  if (!best)
    return std::nullopt;
  if (aInRegisters)
    plan.a = LinearAttr::get(dot.getContext(), best->a);
  plan.accumulator = LinearAttr::get(dot.getContext(), best->accumulator);
  return plan;
}

target::MatrixProblem problemOf(DotOp dot) {
  ArrayRef<int64_t> c = dot.getC().getType().getShape();
  size_t rank = c.size();
  target::MatrixProblem problem;
  problem.a = elementNumber(dot.getA().getType());
  problem.b = elementNumber(dot.getB().getType());
  problem.c = elementNumber(dot.getC().getType());
  problem.m = c[rank - 2], problem.n = c[rank - 1], problem.k = dot.getA().getType().getShape().back();
  problem.batch = rank == 2 ? 1 : c[0];
  problem.precision = static_cast<uint32_t>(dot.getPrecision());
  return problem;
}

std::optional<DotPlan> LayoutQuestions::byInstruction(DotOp dot, llvm::function_ref<OperandSource(Value)> sourceOf) {
  ArrayRef<int64_t> c = dot.getC().getType().getShape();
  std::vector<int64_t> batch(c.begin(), c.end() - 2);
  target::MatrixProblem problem = problemOf(dot);
  for (uint32_t index : target_.matrix().rank(problem)) {
    const target::MatrixEntry &entry = target_.matrix().entries()[index];
    if (!(entry.bSpaces & target::kInRegisters)) {
      if (batch.empty() && entry.bSpaces & target::kInShared && entry.cSpaces & target::kInRegisters)
        if (std::optional<DotPlan> plan = byGroupInstruction(dot, index, problem, sourceOf))
          return plan;
      continue;
    }
    bool fromRegisters = entry.aSpaces & entry.bSpaces & entry.cSpaces & target::kInRegisters;
    if (!fromRegisters || !target::entryFits(entry, problem))
      continue;
    std::optional<LinearLayout> fa = fragment(index, 0, entry.m, entry.k, dot),
                                fb = fragment(index, 1, entry.k, entry.nMin, dot),
                                fc = fragment(index, 2, entry.m, entry.nMin, dot);
    if (!fa || !fb || !fc)
      continue;
    auto m = static_cast<int64_t>(problem.m), n = static_cast<int64_t>(problem.n), k = static_cast<int64_t>(problem.k);
    layout::MatrixFragments fragments{layout::wrapped(*fa, {{m, k}}), layout::wrapped(*fb, {{k, n}}),
                                      layout::wrapped(*fc, {{m, n}})};
    std::optional<layout::DotLayouts> layouts = layout::tileFragments(fragments, batch, m, n, k, numWarps_);
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

DotPlan LayoutQuestions::planDot(DotOp dot, llvm::function_ref<OperandSource(Value)> sourceOf) {
  if (std::optional<DotPlan> plan = byInstruction(dot, sourceOf))
    return *plan;
  DotPlan plan;
  LinearLayout accumulator =
      layout::plainDotAccumulator(dot.getC().getType().getShape(), target_.info().lanes(), numWarps_);
  plan.accumulator = LinearAttr::get(dot.getContext(), accumulator);
  int64_t k = dot.getA().getType().getShape().back();
  if (layout::plainDotNeedsBuffers(accumulator, k))
    return plan; // from scratch: in any layout
  plan.a = LinearAttr::get(dot.getContext(), layout::plainDotOperand(accumulator, 0, k));
  plan.b = LinearAttr::get(dot.getContext(), layout::plainDotOperand(accumulator, 1, k));
  return plan;
}

} // namespace tessera::tile
