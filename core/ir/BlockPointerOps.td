// BlockPointerOps.td - windows on strided arrays; lowered by tile-lower-descriptors and tile-lower-block-pointers before bytecode
//
// SPDX-License-Identifier: Apache-2.0
include "core/ir/TileDialect.td"

def Tile_MakeBlockPtrOp : Tile_Op<"make_block_ptr", [Pure, AttrSizedOperandSegments]> {
  let summary = "a block of the array at base with these extents and strides, at these offsets";
  let description = [{
    shape and strides are i64, in elements; offsets are i32 or i64, in elements.
    C1: base points to the block's element type. C2: one extent, stride and offset a dim of the block. C3: their types.
    `order` is a hint: dims from the fastest varying to the slowest. C4: it is a permutation, or empty.
  }];
  let arguments = (ins AnyType:$base, Variadic<AnyType>:$shape, Variadic<AnyType>:$strides, Variadic<AnyType>:$offsets,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$order);
  let results = (outs Tile_BlockPointer:$result);
  let assemblyFormat = [{
    $base `shape` `[` $shape `]` `strides` `[` $strides `]` `offsets` `[` $offsets `]` (`order` `=` $order^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$base, "::mlir::ValueRange":$shape, "::mlir::ValueRange":$strides,
                                 "::mlir::ValueRange":$offsets, "::llvm::ArrayRef<int64_t>":$blockShape,
                                 CArg<"::llvm::ArrayRef<int64_t>", "{}">:$order)>];
  let hasVerifier = 1;
}

def Tile_AdvanceOp : Tile_Op<"advance", [Pure]> {
  let summary = "the block moved by these offsets, in elements";
  let description = "C1: one offset a dim, i32 or i64. C2: the result has the operand's type.";
  let arguments = (ins Tile_BlockPointer:$ptr, Variadic<AnyType>:$offsets);
  let results = (outs Tile_BlockPointer:$result);
  let assemblyFormat = "$ptr `,` `[` $offsets `]` attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$ptr, "::mlir::ValueRange":$offsets), [{
    build($_builder, $_state, ptr.getType(), ptr, offsets);
  }]>];
  let hasVerifier = 1;
}

def Tile_LoadBlockOp : Tile_Op<"load_block", [MemoryEffects<[MemRead]>]> {
  let summary = "reads the block; dims in boundary_check give `padding` outside the array";
  let description = [{
    Outside the array in a dim that is not checked the program is undefined. C1: the result is the block type.
    C2: boundary_check holds distinct dims of the block. C3: padding nan needs floats. C4: cache as in load.
  }];
  let arguments = (ins Tile_BlockPointer:$ptr, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$boundary_check,
                       DefaultValuedAttr<Tile_Padding, "Padding::None">:$padding,
                       DefaultValuedAttr<Tile_Cache, "Cache::None">:$cache,
                       DefaultValuedAttr<Tile_Evict, "Evict::Normal">:$evict, UnitAttr:$isVolatile);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = [{
    $ptr (`boundary_check` `=` $boundary_check^)? (`padding` `=` $padding^)? (`cache` `=` $cache^)? (`evict` `=` $evict^)?
    (`volatile` $isVolatile^)? attr-dict `:` functional-type(operands, results)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$ptr, "::llvm::ArrayRef<int64_t>":$boundaryCheck,
                                 CArg<"Padding", "Padding::None">:$padding, CArg<"Cache", "Cache::None">:$cache,
                                 CArg<"Evict", "Evict::Normal">:$evict, CArg<"bool", "false">:$isVolatile)>];
  let hasVerifier = 1;
}

def Tile_StoreBlockOp : Tile_Op<"store_block", [MemoryEffects<[MemWrite]>]> {
  let summary = "writes the block; elements outside the array in a checked dim are dropped";
  let description = "C1: value has the block type. C2: boundary_check holds distinct dims of the block. C3: cache as in store.";
  let arguments = (ins Tile_BlockPointer:$ptr, Tile_Tensor:$value,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$boundary_check,
                       DefaultValuedAttr<Tile_Cache, "Cache::None">:$cache,
                       DefaultValuedAttr<Tile_Evict, "Evict::Normal">:$evict);
  let assemblyFormat = [{
    $ptr `,` $value (`boundary_check` `=` $boundary_check^)? (`cache` `=` $cache^)? (`evict` `=` $evict^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

// ---- by descriptor ----------------------------------------------------------------------------------------------------
// The same windows where the program said that the array is one: bounds are always checked, the last stride is 1, base and the other
// strides' bytes are multiples of 16. Targets with tensor copies get them as such (tile-lower-descriptors).

def Tile_DescriptorLoadOp : Tile_Op<"descriptor_load", [MemoryEffects<[MemRead]>, AttrSizedOperandSegments]> {
  let summary = "reads a block of the array at base";
  let description = [{
    shape and strides are i64, offsets i32, all in elements, one a dim. What lies outside of the array is zero, or NaN. C1: base points to the
    result's elements. C2: one extent, stride and offset a dim of the result, of these types; before them those of outer dims, 5 dims in all at most, in which
    the block has one element (what lower-descriptors has not seen, and stays). C3: padding is zero, or nan for floats.
  }];
  let arguments = (ins AnyType:$base, Variadic<AnyType>:$shape, Variadic<AnyType>:$strides, Variadic<AnyType>:$offsets,
                       DefaultValuedAttr<Tile_Padding, "Padding::Zero">:$padding);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = [{
    $base `shape` `[` $shape `]` `strides` `[` $strides `]` `offsets` `[` $offsets `]` (`padding` `=` $padding^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Tile_DescriptorStoreOp : Tile_Op<"descriptor_store", [MemoryEffects<[MemWrite]>, AttrSizedOperandSegments]> {
  let summary = "writes a block of the array at base; what lies outside of the array is dropped";
  let description = "C1: base points to the value's elements. C2: extents, strides and offsets as of descriptor_load, outer dims too. "
                    "overlaps: whether later loads may read what is written; then they come after it.";
  let arguments = (ins Tile_Tensor:$value, AnyType:$base, Variadic<AnyType>:$shape, Variadic<AnyType>:$strides,
                       Variadic<AnyType>:$offsets, Optional<I1>:$overlaps);
  let builders = [OpBuilder<(ins "::mlir::Value":$value, "::mlir::Value":$base, "::mlir::ValueRange":$shape,
                                 "::mlir::ValueRange":$strides, "::mlir::ValueRange":$offsets), [{
    build($_builder, $_state, value, base, shape, strides, offsets, ::mlir::Value());
  }]>];
  let assemblyFormat = [{
    $value `,` $base `shape` `[` $shape `]` `strides` `[` $strides `]` `offsets` `[` $offsets `]` (`overlaps` $overlaps^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}
