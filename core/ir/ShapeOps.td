// ShapeOps.td - ops that move elements without changing them
//
// SPDX-License-Identifier: Apache-2.0
include "core/ir/TileDialect.td"

// The builders without a result type give a result without a layout (TILE level).

def Tile_ExpandDimsOp : Tile_Pure<"expand_dims"> {
  let summary = "inserts a dim of 1 at `axis` of the result";
  let description = "C1: 0 <= axis <= rank of source. C2: the result's shape is source's with a 1 at axis; one element type.";
  let arguments = (ins Tile_Tensor:$source, Tile_Int:$axis);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = "$source `axis` `=` $axis attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "int32_t":$axis)>];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def Tile_BroadcastOp : Tile_Pure<"broadcast"> {
  let summary = "dims of 1 grow";
  let description = "C1: one rank and element type. C2: each dim of source is 1 or the result's.";
  let arguments = (ins Tile_Tensor:$source);
  let results = (outs Tile_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "::llvm::ArrayRef<int64_t>":$shape)>];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def Tile_ReshapeOp : Tile_Pure<"reshape"> {
  let summary = "another shape of the same number of elements";
  let description = [{
    Row-major order is kept unless `allow_reorder`. C1: equal numbers of elements, one element type.
  }];
  let arguments = (ins Tile_Tensor:$source, UnitAttr:$allow_reorder);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = "$source (`allow_reorder` $allow_reorder^)? attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "::llvm::ArrayRef<int64_t>":$shape,
                                 CArg<"bool", "false">:$allowReorder)>];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def Tile_TransposeOp : Tile_Pure<"transpose"> {
  let summary = "result dim i is source dim order[i]";
  let description = "C1: order is a permutation of source's dims. C2: the result's shape follows it; one element type.";
  let arguments = (ins Tile_Tensor:$source, DenseI64ArrayAttr:$order);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = "$source `order` `=` $order attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "::llvm::ArrayRef<int64_t>":$order)>];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def Tile_JoinOp : Tile_Pure<"join"> {
  let summary = "two tiles as one with a new minor dim of 2; two scalars as a tile of 2";
  let description = "C1: one operand type. C2: the result's shape is theirs followed by 2.";
  let arguments = (ins AnyType:$lhs, AnyType:$rhs);
  let results = (outs Tile_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs)>];
}
def Tile_SplitOp : Tile_Pure<"split"> {
  let summary = "the two halves along a minor dim of 2";
  let description = "C1: source's last dim is 2. C2: both results have source's shape without it (scalars from rank 1).";
  let arguments = (ins Tile_Tensor:$source);
  let results = (outs AnyType:$lhs, AnyType:$rhs);
  let builders = [OpBuilder<(ins "::mlir::Value":$source)>];
  let hasFolder = 1;
}
def Tile_CatOp : Tile_Pure<"cat"> {
  let summary = "the elements of lhs, then those of rhs; rank 1";
  let description = "C1: operands of one type and rank 1. C2: the result holds twice as many elements.";
  let arguments = (ins Tile_Tensor:$lhs, Tile_Tensor:$rhs);
  let results = (outs Tile_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs)>];
}
def Tile_ExtractScalarOp : Tile_Pure<"extract_scalar"> {
  let summary = "the scalar of a tensor of one element";
  let description = "C1: source holds one element. C2: the result is of its element type.";
  let arguments = (ins Tile_Tensor:$source);
  let results = (outs AnyType:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$source)>];
  let hasFolder = 1;
}
