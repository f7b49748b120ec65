// Tile.h - the `tile` dialect: its types, attributes and ops (namespace tessera::tile)
//
// SPDX-License-Identifier: Apache-2.0
//
// The ops are declared by family; include this one header. Ops are built with `Op::create(builder, loc, …)`; the
// builders of the .td files that name no result type infer it at TILE level, without a layout.
#pragma once

#include "core/layout/LinearLayout.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <string>
#include <vector>

#include "core/ir/TileDialect.h.inc"
#include "core/ir/TileEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "core/ir/TileAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "core/ir/TileTypes.h.inc"

namespace tessera::tile {

// Prints and asserts keep their order among themselves; they touch no memory that a kernel sees.
struct PrintResource : mlir::SideEffects::Resource::Base<PrintResource> {
  llvm::StringRef getName() final { return "tile.print"; }
};
// An assumption only has to survive until it has been used.
struct FactResource : mlir::SideEffects::Resource::Base<FactResource> {
  llvm::StringRef getName() final { return "tile.fact"; }
};

// ---- questions about types -----------------------------------------------------------------------------------------

// The element type of a tensor, or the type itself.
inline mlir::Type elementTypeOf(mlir::Type type) {
  auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
  return tensor ? tensor.getElementType() : type;
}
// The shape of a tensor; empty for a scalar (a tensor of rank 0 does not exist).
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Type type) {
  auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
  return tensor ? tensor.getShape() : llvm::ArrayRef<int64_t>();
}
// The same shape and layout with other elements; a scalar becomes `element`.
inline mlir::Type withElementType(mlir::Type type, mlir::Type element) {
  auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
  return tensor ? mlir::Type(mlir::RankedTensorType::get(tensor.getShape(), element, tensor.getEncoding())) : element;
}
inline bool isTilePointer(mlir::Type type) { return llvm::isa<PointerType>(elementTypeOf(type)); }
// Bits of a scalar type as a value: i1 is 1, a pointer 64.
unsigned bitWidthOf(mlir::Type scalar);
// i1, i8 … i64.
bool isTileInteger(mlir::Type scalar);
// The builtin floats of f8 to f64 that the language has, and !tile.f8e4b15.
bool isTileFloat(mlir::Type scalar);
bool isTileFp8(mlir::Type scalar);
// Integer, float or pointer: what may be a scalar value or an element of a tile.
bool isTileElement(mlir::Type scalar);

// ---- constants -----------------------------------------------------------------------------------------------------

// The one value that every element of a constant has (scalar or splat); null where `value` is not such a constant.
mlir::TypedAttr splatConstantOf(mlir::Value value);
// The same, of an integer, sign-extended.
std::optional<int64_t> splatIntegerOf(mlir::Value value);
// A scalar or splat constant of this type (integers and floats); null where there is none (pointers, f8e4b15).
mlir::Value makeConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, int64_t value);
mlir::Value makeFloatConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, double value);

// ---- names of attributes that are not part of an op -----------------------------------------------------------------

inline constexpr llvm::StringLiteral kNameAttr = "tile.name";                 // kernel argument: string
inline constexpr llvm::StringLiteral kDivisibilityAttr = "tile.divisibility"; // kernel argument: integer, >= 1
inline constexpr llvm::StringLiteral kReadOnlyAttr = "tile.read_only";        // kernel argument: unit
inline constexpr llvm::StringLiteral kUnsignedAttr = "tile.unsigned";         // kernel argument: unit
inline constexpr llvm::StringLiteral kLevelAttr = "tile.level";               // module: "tile" or "layout"
inline constexpr llvm::StringLiteral kOptionsAttr = "tile.options";           // module: dictionary of integers
inline constexpr llvm::StringLiteral kTensorCopyBytesAttr =
    "tile.tensor_copy_bytes";                                            // module: i64, see tile-lower-descriptors
inline constexpr llvm::StringLiteral kNumStagesAttr = "tile.num_stages"; // scf.for: i32
inline constexpr llvm::StringLiteral kUnrollAttr = "tile.unroll";        // scf.for: i32
inline constexpr llvm::StringLiteral kLoopFlagsAttr = "tile.loop_flags"; // scf.for: i32, bits as in Ops.def
// LAYOUT level, on whole-tile ops and atomics that own planned scratch in shared memory: i32
inline constexpr llvm::StringLiteral kScratchOffsetAttr = "tile.offset", kScratchBytesAttr = "tile.bytes";
// LAYOUT level, on loads and stores of tiles: i32, see `width` in Ops.def
inline constexpr llvm::StringLiteral kAccessAxisAttr = "tile.axis", kAccessWidthAttr = "tile.width";

class RolesOp; // whose regions yield too

} // namespace tessera::tile

#define GET_OP_CLASSES
#include "core/ir/CreationOps.h.inc"
#define GET_OP_CLASSES
#include "core/ir/ElementOps.h.inc"
#define GET_OP_CLASSES
#include "core/ir/ShapeOps.h.inc"
#define GET_OP_CLASSES
#include "core/ir/MemoryOps.h.inc"
#define GET_OP_CLASSES
#include "core/ir/BlockPointerOps.h.inc"
#define GET_OP_CLASSES
#include "core/ir/TileOps.h.inc"
#define GET_OP_CLASSES
#include "core/ir/ControlHints.h.inc"
#define GET_OP_CLASSES
#include "core/ir/LayoutOps.h.inc"
