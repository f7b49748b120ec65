// TileTypes.cpp - types of the dialect: text form, rules, questions
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Tile.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#define GET_TYPEDEF_CLASSES
#include "core/ir/TileTypes.cpp.inc"

using namespace mlir;

namespace tessera::tile {

void TileDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "core/ir/TileTypes.cpp.inc"
      >();
}

LogicalResult PointerType::verify(function_ref<InFlightDiagnostic()> emitError, Type pointee, unsigned addressSpace) {
  if (!isTileInteger(pointee) && !isTileFloat(pointee)) // a pointer in memory is an i64 and tile.inttoptr
    return emitError() << "a pointer must point to integers or floats, got " << pointee;
  if (addressSpace != 1 && addressSpace != 3)
    return emitError() << "the address space of a pointer must be 1 (global) or 3 (shared), got " << addressSpace;
  return success();
}

LogicalResult SharedType::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int64_t> shape,
                                 Type elementType, Attribute layout) {
  if (shape.empty() || llvm::any_of(shape, [](int64_t d) { return d < 1; }))
    return emitError() << "a shared tensor must have extents of at least 1";
  if (!isTileElement(elementType))
    return emitError() << "a shared tensor must hold integers, floats or pointers, got " << elementType;
  auto linear = dyn_cast_or_null<LinearAttr>(layout);
  if (layout && !linear)
    return emitError() << "the layout of a shared tensor must be a #tile.linear, got " << layout;
  if (linear && linear.getOutSizes() != shape)
    return emitError() << "the layout of a shared tensor must have its shape, got " << layout;
  return success();
}

Type SharedType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  Attribute layout;
  if (parser.parseLess() || parser.parseDimensionList(shape, /*allowDynamic=*/false) || parser.parseType(element))
    return {};
  if (succeeded(parser.parseOptionalComma()) && parser.parseAttribute(layout))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<SharedType>(parser.getContext(), shape, element, layout);
}

void SharedType::print(AsmPrinter &printer) const {
  printer << '<';
  for (int64_t extent : getShape())
    printer << extent << 'x';
  printer << getElementType();
  if (getLayout())
    printer << ", " << getLayout();
  printer << '>';
}

// ---- questions about types -----------------------------------------------------------------------------------------

bool isTileInteger(Type scalar) {
  auto integer = dyn_cast<IntegerType>(scalar);
  return integer && integer.isSignless() && llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth());
}

bool isTileFp8(Type scalar) {
  return isa<Float8E5M2Type, Float8E4M3FNType, Float8E4M3FNUZType, Float8E5M2FNUZType, F8E4B15Type>(scalar);
}

bool isTileFloat(Type scalar) {
  return isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(scalar) || isTileFp8(scalar);
}

bool isTileElement(Type scalar) { return isTileInteger(scalar) || isTileFloat(scalar) || isa<PointerType>(scalar); }

unsigned bitWidthOf(Type scalar) {
  if (isa<PointerType>(scalar))
    return 64;
  if (isa<F8E4B15Type>(scalar))
    return 8;
  return scalar.isIntOrFloat() ? scalar.getIntOrFloatBitWidth() : 0;
}

} // namespace tessera::tile
