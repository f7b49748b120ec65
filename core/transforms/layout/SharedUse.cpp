// SharedUse.cpp - scratch of whole-tile ops and atomics, sizes and places of buffers
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/SharedUse.h"

#include "core/layout/AxisSplit.h"
#include "core/layout/MatrixLayouts.h"
#include "core/layout/TensorLayouts.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using tessera::layout::LinearLayout;

namespace tessera::tile {

static uint64_t elementsOf(Type type) {
  uint64_t n = 1;
  for (int64_t size : shapeOf(type))
    n *= static_cast<uint64_t>(size);
  return n;
}

static uint64_t bytesOfTile(Type type) { return elementsOf(type) * storageBits(type) / 8; }

uint64_t bytesOf(SharedType type) {
  uint64_t n = storageBits(type.getElementType()) / 8;
  for (int64_t size : type.getShape())
    n *= static_cast<uint64_t>(size);
  return n;
}

namespace {

// Which places exchange data through memory: warps always, lanes where there are no shuffles.
struct Exchange {
  bool lanesToo;

  std::vector<std::string_view> dims() const {
    return lanesToo ? std::vector<std::string_view>{layout::kLane, layout::kWarp}
                    : std::vector<std::string_view>{layout::kWarp};
  }
  // Bits of those places along which a row of `axis` is spread.
  unsigned spread(const LinearLayout &l, unsigned axis) const {
    unsigned bits = 0;
    for (std::string_view in : dims())
      for (uint64_t column : l.columnsOf(in))
        bits += l.unpackOut(column)[axis] != 0;
    return bits;
  }
  bool hasCopies(const LinearLayout &l) const {
    for (std::string_view in : dims())
      if (l.freeMask(in))
        return true;
    return false;
  }
};

} // namespace

// Of a reduction or scan: the totals that warps tell each other.
static uint64_t totalsBetweenWarps(Operation *op, Value source, unsigned axis) {
  LinearLayout l = layoutOf(source).getLayout();
  unsigned elementBits = storageBits(source.getType());
  return isa<ScanOp>(op) ? layout::scanScratch(l, axis, elementBits) : layout::reductionScratch(l, axis, elementBits);
}

// Those, operand by operand; where lanes tell each other too, the whole tile.
static uint64_t partials(Operation *op, unsigned axis, Exchange exchange) {
  uint64_t bytes = 0;
  for (Value source : op->getOperands()) {
    if (exchange.lanesToo)
      bytes +=
          exchange.spread(layoutOf(source).getLayout(), axis) ? llvm::alignTo(bytesOfTile(source.getType()), 16) : 0;
    else
      bytes += totalsBetweenWarps(op, source, axis);
  }
  return bytes;
}

static bool rowsStayInPlace(GatherOp op, Exchange exchange) {
  LinearLayout source = layoutOf(op.getSource()).getLayout(), index = layoutOf(op.getIndex()).getLayout();
  auto axis = static_cast<unsigned>(op.getAxis());
  return !(exchange.lanesToo && exchange.spread(source, axis)) && layout::gathersInWarp(source, index, axis);
}

static uint64_t dotScratch(DotOp dot) {
  LinearLayout accumulator = layoutOf(dot.getResult()).getLayout();
  if (dot.getInstruction() != 0 || !layout::plainDotNeedsBuffers(accumulator, dot.getA().getType().getShape().back()))
    return 0;
  return layout::plainDotBuffers(accumulator, layoutOf(dot.getA()).getLayout(), layoutOf(dot.getB()).getLayout(),
                                 storageBits(dot.getA().getType()), storageBits(dot.getB().getType()))
      .bytes;
}

static uint64_t atomicScratch(Operation *op, Exchange exchange, unsigned numWarps) {
  Value old = op->getResult(0);
  if (old.use_empty())
    return 0;
  if (isTile(old)) // one lane performs each element; copies in other places hear of it through memory
    return exchange.hasCopies(layoutOf(old).getLayout()) ? bytesOfTile(old.getType()) : 0;
  return numWarps > 1 || exchange.lanesToo ? std::max<uint64_t>(storageBits(old.getType()) / 8, 4) : 0;
}

uint64_t scratchBytes(Operation *op, const target::TargetInfo &info, unsigned numWarps) {
  Exchange exchange{!(info.stated(target::Capability::Shuffles) & 1)};
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return partials(op, static_cast<unsigned>(reduce.getAxis()), exchange);
  if (auto scan = dyn_cast<ScanOp>(op))
    return partials(op, static_cast<unsigned>(scan.getAxis()), exchange);
  if (auto sort = dyn_cast<SortOp>(op)) {
    LinearLayout l = layoutOf(sort.getSource()).getLayout();
    auto axis = static_cast<unsigned>(sort.getAxis());
    if (exchange.lanesToo)
      return exchange.spread(l, axis) ? bytesOfTile(sort.getSource().getType()) : 0;
    return layout::sortScratch(l, axis, storageBits(sort.getSource().getType()));
  }
  if (auto gather = dyn_cast<GatherOp>(op))
    return rowsStayInPlace(gather, exchange) ? 0 : bytesOfTile(gather.getSource().getType());
  if (auto histogram = dyn_cast<HistogramOp>(op))
    return bytesOfTile(histogram.getResult().getType());
  if (auto dot = dyn_cast<DotOp>(op))
    return dotScratch(dot);
  if (isa<AtomicRmwOp, AtomicCasOp>(op))
    return atomicScratch(op, exchange, numWarps);
  return 0;
}

bool waitsForAllLanes(Operation *op) {
  if (auto sort = dyn_cast<SortOp>(op))
    return layout::sortScratch(layoutOf(sort.getSource()).getLayout(), static_cast<unsigned>(sort.getAxis()),
                               storageBits(sort.getSource().getType())) != 0;
  if (auto gather = dyn_cast<GatherOp>(op))
    return !rowsStayInPlace(gather, {false});
  if (!isa<ReduceOp, ScanOp>(op))
    return false;
  auto axis = static_cast<unsigned>(isa<ReduceOp>(op) ? cast<ReduceOp>(op).getAxis() : cast<ScanOp>(op).getAxis());
  return llvm::any_of(op->getOperands(), [&](Value source) { return totalsBetweenWarps(op, source, axis) != 0; });
}

std::optional<SharedRange> plannedRange(Operation *op) {
  if (auto alloc = dyn_cast<SharedAllocOp>(op)) {
    if (!alloc.getOffset() || !alloc.getBytes())
      return std::nullopt;
    return SharedRange{*alloc.getOffset(), int64_t(*alloc.getOffset()) + *alloc.getBytes()};
  }
  auto offset = op->getAttrOfType<IntegerAttr>(kScratchOffsetAttr),
       bytes = op->getAttrOfType<IntegerAttr>(kScratchBytesAttr);
  if (!offset || !bytes)
    return std::nullopt;
  return SharedRange{offset.getInt(), offset.getInt() + bytes.getInt()};
}

} // namespace tessera::tile
