// ElementOps.td - elementwise ops that upstream dialects lack: pointers, conversions, high products
//
// SPDX-License-Identifier: Apache-2.0
include "core/ir/TileDialect.td"

// Shapes and layouts of operands and result are equal in all of these.

def Tile_AddPtrOp : Tile_Pure<"addptr"> {
  let summary = "pointer + offset, in elements of the pointee; the offset is signed";
  let description = [{
    C1: ptr is a pointer or a tensor of pointers. C2: offset is i32 or i64 (i8 and i16 are widened before). C3: one shape.
    C4: the result has ptr's type.
  }];
  let arguments = (ins AnyType:$ptr, AnyType:$offset);
  let results = (outs AnyType:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$ptr, "::mlir::Value":$offset), [{
    build($_builder, $_state, ptr.getType(), ptr, offset);
  }]>];
  let hasFolder = 1;
}

class Tile_CastOp<string m> : Tile_Pure<m> {
  let arguments = (ins AnyType:$source);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
}

def Tile_PtrToIntOp : Tile_CastOp<"ptrtoint"> {
  let summary = "the address as i64";
  let description = "C1: source holds pointers. C2: the result is i64 of the same shape.";
  let builders = [OpBuilder<(ins "::mlir::Value":$source), [{
    build($_builder, $_state, withElementType(source.getType(), $_builder.getI64Type()), source);
  }]>];
  let hasFolder = 1;
}
def Tile_IntToPtrOp : Tile_CastOp<"inttoptr"> {
  let summary = "an i64 as an address";
  let description = "C1: source holds i64. C2: the result holds pointers, same shape.";
  let hasFolder = 1;
}
def Tile_BitcastOp : Tile_CastOp<"bitcast"> {
  let summary = "the same bits as another type";
  let description = "C1: equal widths, or pointer to pointer. C2: one shape.";
  let hasFolder = 1;
}
def Tile_FpToFpOp : Tile_Pure<"fptofp"> {
  let summary = "any float type to any other";
  let description = [{
    Narrowing rounds; what overflows becomes infinity where the type has one, else NaN (e4m3fn, fnuz) or 1.75 (e4b15, which has no
    NaN either and takes it as 1.75, too, and whose ties go away from zero). With nearest_saturating it becomes the largest number with its sign, infinity too. C1: both sides hold floats. C2: one
    shape. C3: rounding other than nearest_even only where the result is narrower. C4: nearest_saturating only to 8-bit floats.
  }];
  let arguments = (ins AnyType:$source, DefaultValuedAttr<Tile_Rounding, "Rounding::NearestEven">:$rounding);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$source (`rounding` `=` $rounding^)? attr-dict `:` type($source) `to` type($result)";
  let hasFolder = 1;
}

class Tile_MulHiOp<string m> : Tile_Pure<m, [Commutative, SameOperandsAndResultType]> {
  let description = "C1: i32 or i64 (also i8, i16), scalar or tensor; one type.";
  let arguments = (ins AnyType:$lhs, AnyType:$rhs);
  let results = (outs AnyType:$result);
  let assemblyFormat = "operands attr-dict `:` type($result)";
}
def Tile_MulHiUIOp : Tile_MulHiOp<"mulhiui"> { let summary = "high half of the unsigned product"; }
def Tile_MulHiSIOp : Tile_MulHiOp<"mulhisi"> { let summary = "high half of the signed product"; }

// ---- code of the target: its assembly, its libraries -----------------------------------------------------------------

class Tile_TargetCodeOp<string m> : Tile_Op<m, [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
                                                DeclareOpInterfaceMethods<ConditionallySpeculatable>]> {
  let hasVerifier = 1;
}

def Tile_InlineAsmOp : Tile_TargetCodeOp<"inline_asm"> {
  let summary = "assembly of the target on every element";
  let description = [{
    One instance of `text` handles `pack` elements of each operand; which ones is unspecified. `constraints` names a register
    for every word of results and operands, results first. Without `pure` the op may read and write any memory.
    C1: at least one result. C2: operands have one shape. C3: results have it, too; without operands they are scalars.
    C4: pack is at least 1 and divides the number of elements of tiles.
  }];
  let arguments = (ins Variadic<AnyType>:$sources, StrAttr:$text, StrAttr:$constraints, UnitAttr:$pure,
                       DefaultValuedAttr<Tile_Int, "1">:$pack);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = [{
    $text `,` $constraints (`pure` $pure^)? (`pack` `=` $pack^)? (`of` $sources^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

def Tile_ExternElementwiseOp : Tile_TargetCodeOp<"extern_elementwise"> {
  let summary = "a function of a library for the target on every element";
  let description = [{
    `library` is the library's name and `library_path` its file; both may be empty where the target knows the symbol. Without
    `pure` the op may read and write any memory.
    C1: there is an operand. C2: operands have one shape. C3: the result has it, too. C4: the symbol has a name.
  }];
  let arguments = (ins Variadic<AnyType>:$sources, StrAttr:$symbol, DefaultValuedStrAttr<StrAttr, "">:$library,
                       DefaultValuedStrAttr<StrAttr, "">:$library_path, UnitAttr:$pure);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $symbol (`library` `=` $library^)? (`path` `=` $library_path^)? (`pure` $pure^)? `of` $sources attr-dict
    `:` functional-type(operands, results)
  }];
}
