// SameComputation.cpp - see SameComputation.h
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/SameComputation.h"

#include "core/ir/Tile.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace tessera::tile {

// Of elements and shape; a truncation to another width is another value.
static bool haveSameType(Value a, Value b) {
  auto x = dyn_cast<RankedTensorType>(a.getType()), y = dyn_cast<RankedTensorType>(b.getType());
  return x && y ? x.getElementType() == y.getElementType() && x.getShape() == y.getShape() : a.getType() == b.getType();
}

static bool computeTheSame(Value a, Value b, unsigned depth) {
  auto skip = [](Value value) {
    while (auto convert = value.getDefiningOp<ConvertLayoutOp>())
      value = convert.getSource();
    return value;
  };
  a = skip(a), b = skip(b);
  if (a == b)
    return true;
  Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
  constexpr unsigned kDeep = 32;
  if (!x || !y || depth > kDeep || !haveSameType(a, b) || x->getName() != y->getName() || x->getNumRegions() ||
      !isMemoryEffectFree(x) || cast<OpResult>(a).getResultNumber() != cast<OpResult>(b).getResultNumber() ||
      x->getNumOperands() != y->getNumOperands())
    return false;
  Attribute one, other; // of constants, the layout is in the type of the attribute too
  if (matchPattern(x, m_Constant(&one)) && matchPattern(y, m_Constant(&other))) {
    auto dense = dyn_cast<SplatElementsAttr>(one), second = dyn_cast<SplatElementsAttr>(other);
    return one == other || (dense && second && dense.getSplatValue<Attribute>() == second.getSplatValue<Attribute>());
  }
  return x->getPropertiesAsAttribute() == y->getPropertiesAsAttribute() &&
         llvm::all_of(llvm::zip(x->getOperands(), y->getOperands()),
                      [&](auto pair) { return computeTheSame(std::get<0>(pair), std::get<1>(pair), depth + 1); });
}

bool computeTheSame(Value a, Value b) { return computeTheSame(a, b, 0); }

} // namespace tessera::tile
