// TileDialect.cpp - registration, constants, and the attributes that live on ops of other dialects
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/GroupPair.h"
#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/Matchers.h"

#include "core/ir/TileDialect.cpp.inc"
#include "core/ir/TileEnums.cpp.inc"

using namespace mlir;

namespace tessera::tile {

void TileDialect::initialize() {
  registerTypes();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "core/ir/CreationOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "core/ir/ElementOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "core/ir/ShapeOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "core/ir/MemoryOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "core/ir/BlockPointerOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "core/ir/TileOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "core/ir/ControlHints.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "core/ir/LayoutOps.cpp.inc"
      >();
}

Operation *TileDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  if (isa<ub::PoisonAttr>(value))
    return PoisonOp::create(builder, loc, type);
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

static LogicalResult checkOptions(Operation *op, Attribute value) {
  auto options = dyn_cast<DictionaryAttr>(value);
  if (!options)
    return op->emitOpError() << "attribute 'tile.options' must be a dictionary of integers, got " << value;
  for (NamedAttribute option : options)
    if (!isa<IntegerAttr>(option.getValue()))
      return op->emitOpError() << "option '" << option.getName().getValue()
                               << "' of 'tile.options' must be an integer, got " << option.getValue();
  return success();
}

LogicalResult TileDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  if (name == kOptionsAttr)
    return checkOptions(op, value);
  if (name == kLevelAttr) {
    auto level = dyn_cast<StringAttr>(value);
    if (!level || (level != "tile" && level != "layout"))
      return op->emitOpError() << "attribute 'tile.level' must be \"tile\" or \"layout\", got " << value;
    return success();
  }
  if (name == kGroupPairAttr) {
    auto numbers = dyn_cast<DenseI64ArrayAttr>(value);
    if (!numbers || numbers.size() != 2 || numbers[0] < 1 || numbers[1] < 0)
      return op->emitOpError() << "attribute 'tile.group_pair' must be the number of subgroups and of bytes, got "
                               << value;
    return success();
  }
  if (name == kTensorCopyBytesAttr) {
    auto number = dyn_cast<IntegerAttr>(value);
    if (!number || !number.getType().isInteger(64) || number.getInt() < 0)
      return op->emitOpError() << "attribute '" << name << "' must be an i64 of at least 0, got " << value;
    return success();
  }
  if (llvm::is_contained({StringRef(kNumStagesAttr), StringRef(kUnrollAttr), StringRef(kLoopFlagsAttr),
                          StringRef(kScratchOffsetAttr), StringRef(kScratchBytesAttr), StringRef(kAccessAxisAttr),
                          StringRef(kAccessWidthAttr)},
                         name)) {
    auto number = dyn_cast<IntegerAttr>(value);
    if (!number || !number.getType().isInteger(32) || number.getInt() < 0)
      return op->emitOpError() << "attribute '" << name << "' must be an i32 of at least 0, got " << value;
    return success();
  }
  return op->emitOpError() << "has an attribute '" << name << "' that the tile dialect does not know";
}

LogicalResult TileDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned argIndex,
                                                    NamedAttribute attribute) {
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  if (name == kDivisibilityAttr) {
    auto number = dyn_cast<IntegerAttr>(value);
    if (!number || number.getInt() < 1)
      return op->emitOpError() << "argument " << argIndex
                               << ": 'tile.divisibility' must be an integer of at least 1, got " << value;
    return success();
  }
  if (name == kNameAttr && isa<StringAttr>(value))
    return success();
  if ((name == kReadOnlyAttr || name == kUnsignedAttr) && isa<UnitAttr>(value))
    return success();
  return op->emitOpError() << "argument " << argIndex << ": '" << name
                           << "' is unknown or has the wrong kind of value, " << value;
}

// ---- constants -----------------------------------------------------------------------------------------------------

TypedAttr splatConstantOf(Value value) {
  TypedAttr attr;
  if (!value || !matchPattern(value, m_Constant(&attr)))
    return {};
  if (auto splat = dyn_cast<SplatElementsAttr>(attr))
    return cast<TypedAttr>(splat.getSplatValue<Attribute>());
  return isa<IntegerAttr, FloatAttr>(attr) ? attr : TypedAttr();
}

std::optional<int64_t> splatIntegerOf(Value value) {
  auto attr = dyn_cast_or_null<IntegerAttr>(splatConstantOf(value));
  return attr ? std::optional<int64_t>(attr.getValue().getSExtValue()) : std::nullopt;
}

static Value makeConstantOf(OpBuilder &builder, Location loc, Type type, TypedAttr element) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(tensor, Attribute(element)));
  return arith::ConstantOp::create(builder, loc, element);
}

Value makeConstant(OpBuilder &builder, Location loc, Type type, int64_t value) {
  Type element = elementTypeOf(type);
  if (auto integer = dyn_cast<IntegerType>(element)) {
    APInt bits = APInt(64, static_cast<uint64_t>(value)).sextOrTrunc(integer.getWidth());
    return makeConstantOf(builder, loc, type, IntegerAttr::get(element, bits));
  }
  return makeFloatConstant(builder, loc, type, static_cast<double>(value));
}

Value makeFloatConstant(OpBuilder &builder, Location loc, Type type, double value) {
  Type element = elementTypeOf(type);
  if (!isa<FloatType>(element))
    return {};
  return makeConstantOf(builder, loc, type, FloatAttr::get(element, value));
}

} // namespace tessera::tile
