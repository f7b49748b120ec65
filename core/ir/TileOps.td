// TileOps.td - ops on whole tiles: products, reductions, scans, sorts
//
// SPDX-License-Identifier: Apache-2.0
include "core/ir/TileDialect.td"

def Tile_DotOp : Tile_Pure<"dot"> {
  let summary = "a @ b + c in c's type";
  let description = [{
    C1: rank 2, or 3 with a batch dim first; one rank. C2: a is [b,] m x k, b is [b,] k x n, c and result [b,] m x n.
    C3: a and b hold one element type, or two fp8 types. C4: i8 (signed) accumulates in i32; floats in a float not narrower
    than f16. C5: max_imprecise is for fp8: products added before rounding to f32; 0 = each. `instruction`: LAYOUT level.
  }];
  let arguments = (ins Tile_Tensor:$a, Tile_Tensor:$b, Tile_Tensor:$c,
                       DefaultValuedAttr<Tile_DotPrecision, "DotPrecision::Default">:$precision,
                       DefaultValuedAttr<Tile_Int, "0">:$max_imprecise, DefaultValuedAttr<Tile_Int, "0">:$instruction);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = [{
    operands (`precision` `=` $precision^)? (`max_imprecise` `=` $max_imprecise^)? (`instruction` `=` $instruction^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$a, "::mlir::Value":$b, "::mlir::Value":$c,
                                 CArg<"DotPrecision", "DotPrecision::Default">:$precision,
                                 CArg<"int32_t", "0">:$maxImprecise), [{
    build($_builder, $_state, c.getType(), a, b, c, precision, maxImprecise, 0);
  }]>];
}

def Tile_DotScaledOp : Tile_Pure<"dot_scaled", [AttrSizedOperandSegments]> {
  let summary = "a product of scaled blocks (microscaling formats), + c";
  let description = [{
    e2m1 operands hold two elements in an i8, low nibble first, packed along k where k_pack is set, else along m (n).
    Scales are e8m0 in i8, one for 32 elements along k: m x k/32 and n x k/32. C1: rank 2 or 3, one rank. C2: shapes agree after unpacking.
    C3: each operand's elements fit its format. C4: c and result have one float type.
  }];
  let arguments = (ins Tile_Tensor:$a, Tile_Tensor:$b, Tile_Tensor:$c, Optional<Tile_Tensor>:$a_scale,
                       Optional<Tile_Tensor>:$b_scale, Tile_ScaledFormat:$lhs_format, Tile_ScaledFormat:$rhs_format,
                       UnitAttr:$lhs_k_pack, UnitAttr:$rhs_k_pack, UnitAttr:$fast_math);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = [{
    $a `as` $lhs_format (`scale` $a_scale^)? `,` $b `as` $rhs_format (`scale` $b_scale^)? `,` $c
    (`lhs_k_pack` $lhs_k_pack^)? (`rhs_k_pack` $rhs_k_pack^)? (`fast_math` $fast_math^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$a, "::mlir::Value":$b, "::mlir::Value":$c, "::mlir::Value":$aScale,
                                 "::mlir::Value":$bScale, "ScaledFormat":$lhsFormat, "ScaledFormat":$rhsFormat,
                                 CArg<"bool", "true">:$lhsKPack, CArg<"bool", "true">:$rhsKPack,
                                 CArg<"bool", "false">:$fastMath)>];
}

// Regions of these see scalars only and nothing from outside: a combiner is a function.
class Tile_RegionOp<string m> : Tile_Op<m, [IsolatedFromAbove, RecursiveMemoryEffects, RecursivelySpeculatable, SingleBlock,
                                            SameVariadicOperandSize]> {
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
}

def Tile_ReduceOp : Tile_RegionOp<"reduce"> {
  let summary = "n tensors of one shape to n without dim `axis` (scalars from rank 1)";
  let description = [{
    The region takes 2n scalars, (accumulated…, next…), and yields n; it is associative and commutative, the order of
    combination is unspecified. C1: n >= 1. C2: one shape. C3: axis is a dim. C4: result types. C5: the region's arguments.
    C6: what it yields.
  }];
  let arguments = (ins Variadic<Tile_Tensor>:$sources, Tile_Int:$axis);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = "$sources `axis` `=` $axis attr-dict `:` functional-type(operands, results) $body";
  // The body is left empty: give it a block with body arguments and a yield (createBody).
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$sources, "int32_t":$axis)>];
  let extraClassDeclaration = [{
    // Makes the body's block with its 2n scalar arguments.
    ::mlir::Block *createBody();
  }];
}

def Tile_ScanOp : Tile_RegionOp<"scan"> {
  let summary = "n tensors to n of the same shape: inclusive scan along `axis`";
  let description = [{
    The region as in reduce, (accumulated…, next…); it is associative. `reverse` scans from the end. With 2n results the others are totals,
    what the scan ends with, without the axis: a scan of what follows goes on from there.
    C1: n >= 1. C2: one shape. C3: axis is a dim. C4: result types are operand types, then reduce's. C5: the region's arguments. C6: what it yields.
  }];
  let arguments = (ins Variadic<Tile_Tensor>:$sources, Tile_Int:$axis, UnitAttr:$reverse);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = [{
    $sources `axis` `=` $axis (`reverse` $reverse^)? attr-dict `:` functional-type(operands, results) $body
  }];
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$sources, "int32_t":$axis, CArg<"bool", "false">:$reverse)>];
  let extraClassDeclaration = [{
    ::mlir::Block *createBody();
  }];
}

def Tile_MapElementwiseOp : Tile_Op<"map_elementwise", [IsolatedFromAbove, RecursiveMemoryEffects, SingleBlock]> {
  let summary = "a scalar function on every element, with real control flow";
  let description = [{
    One call handles `pack` neighbouring elements (row-major): n operands and m results make pack * n arguments (the first
    operand's elements, then the second's) and pack * m yields. C1: n >= 1. C2: one shape. C3: pack >= 1 divides the number
    of elements. C4: results have the operands' shape. C5: the region's arguments. C6: what it yields.
  }];
  let arguments = (ins Variadic<Tile_Tensor>:$sources, DefaultValuedAttr<Tile_Int, "1">:$pack);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sources (`pack` `=` $pack^)? attr-dict `:` functional-type(operands, results) $body";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *createBody();
  }];
}

def Tile_YieldOp : Tile_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["ReduceOp", "ScanOp", "MapElementwiseOp", "RolesOp"]>]> {
  let summary = "what a region of an op of this dialect gives";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

def Tile_SortOp : Tile_Pure<"sort"> {
  let summary = "sorted along `axis`; floats by value, NaN last";
  let description = "Integers compare as signed. C1: axis is a dim. C2: the result has source's type.";
  let arguments = (ins Tile_Tensor:$source, Tile_Int:$axis, UnitAttr:$descending);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = "$source `axis` `=` $axis (`descending` $descending^)? attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "int32_t":$axis, CArg<"bool", "false">:$descending), [{
    build($_builder, $_state, source.getType(), source, axis, descending);
  }]>];
}

def Tile_GatherOp : Tile_Pure<"gather"> {
  let summary = "result[i…] = source[… index[i…] at `axis` …]";
  let description = [{
    C1: index holds integers. C2: one rank; dims other than axis are equal. C3: axis is a dim. C4: the result has
    index's shape and source's elements.
  }];
  let arguments = (ins Tile_Tensor:$source, Tile_Tensor:$index, Tile_Int:$axis);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = "operands `axis` `=` $axis attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "::mlir::Value":$index, "int32_t":$axis)>];
}

def Tile_HistogramOp : Tile_Pure<"histogram"> {
  let summary = "how often each of 0 … bins - 1 occurs; other values are not counted";
  let description = "C1: source is a tensor of integers, rank 1. C2: mask is i1 in its shape. C3: the result is a tensor of i32, rank 1.";
  let arguments = (ins Tile_Tensor:$source, Optional<Tile_Tensor>:$mask);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = "$source (`mask` $mask^)? attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "int64_t":$bins, CArg<"::mlir::Value", "{}">:$mask)>];
}
