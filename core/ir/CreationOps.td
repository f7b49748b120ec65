// CreationOps.td - values out of nothing: program ids, ranges, splats, random bits
//
// SPDX-License-Identifier: Apache-2.0
include "core/ir/TileDialect.td"

class Tile_ProgramOp<string m> : Tile_Pure<m> {
  let arguments = (ins Tile_Int:$axis);
  let results = (outs I32:$result);
  let assemblyFormat = "$axis attr-dict";
  let builders = [OpBuilder<(ins "int32_t":$axis), [{
    build($_builder, $_state, $_builder.getI32Type(), static_cast<uint32_t>(axis));
  }]>];
}
def Tile_ProgramIdOp : Tile_ProgramOp<"program_id"> {
  let summary = "index of this program along a grid axis, i32";
  let description = "C1: axis is 0, 1 or 2.";
}
def Tile_NumProgramsOp : Tile_ProgramOp<"num_programs"> {
  let summary = "number of programs along a grid axis, i32";
  let description = "C1: axis is 0, 1 or 2.";
}

def Tile_ArangeOp : Tile_Pure<"arange"> {
  let summary = "start, start + 1, … end - 1";
  let description = "C1: the result is a tensor of i32 of rank 1. C2: end > start. C3: the result holds end - start elements.";
  let arguments = (ins Tile_Int:$start, Tile_Int:$end);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = "$start `to` $end attr-dict `:` type($result)";
  let builders = [OpBuilder<(ins "int32_t":$start, "int32_t":$end), [{
    build($_builder, $_state, ::mlir::RankedTensorType::get({int64_t(end) - start}, $_builder.getI32Type()), start, end);
  }]>];
  let hasFolder = 1;
}

def Tile_SplatOp : Tile_Pure<"splat"> {
  let summary = "a tensor whose elements are all the operand";
  let description = "C1: the operand is a scalar or pointer of the result's element type.";
  let arguments = (ins AnyType:$source);
  let results = (outs Tile_Tensor:$result);
  let builders = [OpBuilder<(ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Value":$source), [{
    build($_builder, $_state, ::mlir::RankedTensorType::get(shape, source.getType()), source);
  }]>];
  let hasFolder = 1;
}

def Tile_PhiloxOp : Tile_Pure<"philox", [SameOperandsAndResultType]> {
  let summary = "random bits: Philox 4x32 (4x64 where the counters are i64)";
  let description = "C1: all operands and results have one type, i32 or i64 or a tensor of them. C2: num_rounds >= 1.";
  let arguments = (ins AnyType:$keyLow, AnyType:$keyHigh, AnyType:$c0, AnyType:$c1, AnyType:$c2, AnyType:$c3,
                       DefaultValuedAttr<Tile_Int, "10">:$num_rounds);
  let results = (outs AnyType:$r0, AnyType:$r1, AnyType:$r2, AnyType:$r3);
  let assemblyFormat = "operands attr-dict `:` type($keyLow)";
}

def Tile_PoisonOp : Tile_Pure<"poison"> {
  let summary = "a value that no defined program reads";
  let results = (outs AnyType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}
