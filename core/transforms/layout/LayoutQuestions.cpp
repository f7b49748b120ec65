// LayoutQuestions.cpp - requests to a target, the checks of its answers, plans of dots
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LayoutQuestions.h"

#include "core/layout/BlockTransfer.h"
#include "core/layout/TensorCopy.h"
#include "core/layout/TensorLayouts.h"
#include "core/target/ElementNumber.h"
#include "core/transforms/layout/ConversionCosts.h"

using namespace mlir;
using tessera::layout::LinearLayout;

namespace tessera::tile {

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
  return sharedOperand(cast<RankedTensorType>(dot->getOperand(operand).getType()), index, operand, fastest);
}

LinearAttr LayoutQuestions::sharedOperand(RankedTensorType type, uint32_t index, unsigned operand, unsigned fastest) {
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
  return LinearAttr::get(type.getContext(), *answer);
}

// A buffer for an a that lies in shared memory as it comes, and that lanes read in the layout `reader`.
LinearAttr LayoutQuestions::passingBuffer(RankedTensorType type, OperandSource source, const LinearLayout &reader,
                                          Operation *at) {
  const target::TargetInfo &info = target_.info();
  unsigned bits = storageBits(type);
  std::vector<int64_t> shape = type.getShape().vec();
  if (source.byEngine) { // as an engine writes it: rows of neighbours
    const int32_t turned[] = {1, 0};
    if (source.fastest == 0)
      std::swap(shape[0], shape[1]);
    std::optional<LinearLayout> rows =
        layout::tensorCopyLayout(shape, bits, info.stated(target::Capability::TensorCopySwizzles),
                                 static_cast<int64_t>(info.get(target::Capability::TensorCopyBoxMax, 256)));
    if (rows)
      return LinearAttr::get(type.getContext(), source.fastest == 0 ? layout::transposed(*rows, turned) : *rows);
    shape = type.getShape().vec();
  }
  target::LayoutRequest request;
  request.access = target::Access::Load;
  request.shape = shape;
  request.elem = elementNumber(type);
  request.elementBits = bits;
  request.contiguity.assign(shape.size(), 1);
  request.contiguity[source.fastest] = source.width;
  LinearLayout writer = ask(std::move(request), at).getLayout();
  // Vectors of 16 bytes, whether the copies are as long or shorter.
  layout::Vectors vector;
  for (int64_t e = 1; e * bits < 128 && e < shape[source.fastest]; e *= 2)
    vector.push_back(static_cast<uint64_t>(e) << writer.outStart(layout::tensorDimName(source.fastest)));
  return LinearAttr::get(type.getContext(),
                         layout::swizzledFor(writer, reader, bits, conversionOptions(info).memory, vector));
}

// An a of bytes whose rows are neighbours comes by blocks, in pairs of rows: each lane then has both rows of a pair, and the sums' rows lie as a's. False: it cannot
// come so.
bool LayoutQuestions::pairRows(layout::DotLayouts &layouts, unsigned elementBits) const {
  if (elementBits != 8)
    return true;
  layout::Vectors registers = layouts.a.columnsOf(layout::kRegister);
  auto pair = llvm::find_if(registers, [&](uint64_t c) { return layouts.a.unpackOut(c)[0] != 0; });
  if (pair == registers.end() ||
      !(conversionOptions(target_.info()).memory.blockTransfers & layout::kBlockLoadTransposed))
    return false;
  int64_t row = layouts.a.unpackOut(*pair)[0];
  layouts.a = layout::withLowestBit(layouts.a, 0, row);
  layouts.accumulator = layout::withLowestBit(layouts.accumulator, 0, row);
  return layout::blockRows(layouts.a, elementBits, true).has_value();
}

// An instruction that reads b, and perhaps a, from shared memory. Of the widths that it has, the widest one that gives every warp its own part.
// An operand that it does not read as it lies: a passes through registers on its way from the buffer to the unit, b is turned round on its way into the buffer.
std::optional<DotPlan> LayoutQuestions::byGroupInstruction(DotOp dot, uint32_t index,
                                                           const target::MatrixProblem &problem,
                                                           llvm::function_ref<OperandSource(Value)> sourceOf) {
  const target::MatrixEntry &entry = target_.matrix().entries()[index];
  unsigned lanes = target_.info().lanes(), warps = std::max(entry.lanes / lanes, 1u);
  OperandSource aSource = sourceOf(dot.getA()), bSource = sourceOf(dot.getB());
  bool aInRegisters =
      entry.aSpaces & target::kInRegisters && !(aSource.fromMemory && entry.aSpaces & target::kInShared);
  auto bytes = [](Value operand) {
    auto type = cast<RankedTensorType>(operand.getType());
    return static_cast<uint64_t>(type.getNumElements()) * storageBits(type) / 8;
  };
  if (bytes(dot.getB()) + (aInRegisters ? 0 : bytes(dot.getA())) > target_.info().sharedBytes())
    return std::nullopt;
  auto aType = dot.getA().getType(), bType = dot.getB().getType();
  DotPlan plan;
  plan.instruction = static_cast<int32_t>(index) + 1;
  plan.bShared = sharedOperand(bType, index, 1, bSource.fastest);
  if (!plan.bShared) {
    plan.bShared = sharedOperand(bType, index, 1, 0);
    if (bSource.isOrdered)
      plan.b = LinearAttr::get(
          dot.getContext(), layout::turningLayout(bType.getShape().vec(), 1, 0, storageBits(bType), lanes, numWarps_));
  }
  if (!aInRegisters) {
    plan.aShared = sharedOperand(aType, index, 0, aSource.fastest);
    if (!plan.aShared && !aSource.isOrdered)
      plan.aShared = sharedOperand(aType, index, 0, 1);
  }
  bool aPasses = !aInRegisters && !plan.aShared && aSource.fastest == 0 && entry.aSpaces & target::kInRegisters;
  if (!plan.bShared || (!aInRegisters && !plan.aShared && !aPasses))
    return std::nullopt;
  std::optional<layout::DotLayouts> best;
  for (int64_t n = std::min<int64_t>(entry.nMax, static_cast<int64_t>(problem.n)); n >= entry.nMin; n /= 2) {
    std::optional<LinearLayout> fc = fragment(index, 2, entry.m, n, dot),
                                fa = aInRegisters || aPasses ? fragment(index, 0, entry.m, entry.k, dot)
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
  if (!best || (aPasses && !pairRows(*best, storageBits(aType))))
    return std::nullopt;
  if (aInRegisters)
    plan.a = LinearAttr::get(dot.getContext(), best->a);
  plan.aPasses = aPasses;
  if (aPasses)
    plan.aShared = passingBuffer(aType, aSource, best->a, dot);
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
                   {},
                   false};
  }
  return std::nullopt;
}

bool LayoutQuestions::winsExchanged(DotOp dot, llvm::function_ref<OperandSource(Value)> sourceOf) {
  auto aType = dot.getA().getType(), bType = dot.getB().getType();
  if (aType.getRank() != 2)
    return false;
  OperandSource a = sourceOf(dot.getA()), b = sourceOf(dot.getB());
  if (!a.fromMemory || !b.fromMemory || !b.isOrdered || b.fastest != 1)
    return false;
  target::MatrixProblem turned = problemOf(dot);
  std::swap(turned.a, turned.b), std::swap(turned.m, turned.n);
  auto turn = [](RankedTensorType t) {
    return RankedTensorType::get({t.getShape()[1], t.getShape()[0]}, t.getElementType());
  };
  for (uint32_t index : target_.matrix().rank(turned)) {
    const target::MatrixEntry &entry = target_.matrix().entries()[index];
    if (entry.bSpaces & target::kInRegisters)
      return false; // which reads all operands in any order
    if (!(entry.bSpaces & target::kInShared) || !(entry.cSpaces & target::kInRegisters))
      continue;
    return entry.aSpaces & target::kInRegisters && entry.aSpaces & target::kInShared &&
           !sharedOperand(turn(bType), index, 0, 0) && sharedOperand(turn(aType), index, 1, 1 - a.fastest);
  }
  return false;
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
