// ControlHints.td - what a program says beside computing: prints, asserts, promised facts
//
// SPDX-License-Identifier: Apache-2.0
include "core/ir/TileDialect.td"

def Tile_HintOp : Tile_Pure<"hint"> {
  let summary = "the operand itself, with promised facts";
  let description = [{
    One entry a dim (one for a scalar), each >= 1: `divisibility` divides the first element of every run of `contiguity`
    elements (pointers: bytes), `contiguity` elements rise by one, `constancy` neighbouring elements are equal.
    C1: at least one fact. C2: one entry a dim. C3: entries >= 1. C4: the result has the operand's type.
  }];
  let arguments = (ins AnyType:$source, OptionalAttr<DenseI64ArrayAttr>:$divisibility,
                       OptionalAttr<DenseI64ArrayAttr>:$contiguity, OptionalAttr<DenseI64ArrayAttr>:$constancy);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $source (`divisibility` `=` $divisibility^)? (`contiguity` `=` $contiguity^)? (`constancy` `=` $constancy^)? attr-dict
    `:` functional-type(operands, results)
  }];
  // An empty list: nothing promised of that kind.
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "::llvm::ArrayRef<int64_t>":$divisibility,
                                 CArg<"::llvm::ArrayRef<int64_t>", "{}">:$contiguity,
                                 CArg<"::llvm::ArrayRef<int64_t>", "{}">:$constancy)>];
  let hasCanonicalizer = 1;
}

def Tile_AssumeOp : Tile_Op<"assume", [MemoryEffects<[MemWrite<Tile_FactResource>]>]> {
  let summary = "promises that the condition holds";
  let description = "C1: the condition is i1.";
  let arguments = (ins AnyType:$condition);
  let assemblyFormat = "$condition attr-dict `:` type($condition)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Tile_GridStrideOp : Tile_Op<"grid_stride", [MemoryEffects<[MemWrite<Tile_FactResource>]>]> {
  let summary = "more programs than the launch asks for, up to a number, give the same results";
  let description = [{
    Along the grid's axis; beyond `programs` none has anything to do. 0: the arguments allow no others than the launch asks for.
    C1: programs is i64. C2: axis is 0, 1 or 2. C3: it stands in a kernel's body.
  }];
  let arguments = (ins AnyType:$programs, Tile_Int:$axis);
  let assemblyFormat = "$programs `axis` `=` $axis attr-dict `:` type($programs)";
  let hasVerifier = 1;
}

def Tile_PrintOp : Tile_Op<"print", [MemoryEffects<[MemWrite<Tile_PrintResource>]>]> {
  let summary = "one line an element";
  let description = "Bit i of `signed` is set where operand i holds signed integers. C1: operands are scalars or tensors of elements or pointers.";
  let arguments = (ins Variadic<AnyType>:$values, StrAttr:$prefix, UnitAttr:$hex, DefaultValuedAttr<Tile_Int, "0">:$signedMask);
  let assemblyFormat = [{
    $prefix (`hex` $hex^)? (`signed` `=` $signedMask^)? ($values^ `:` type($values)):(`nothing`)? attr-dict
  }];
  let builders = [OpBuilder<(ins "::llvm::StringRef":$prefix, "::mlir::ValueRange":$values, CArg<"bool", "false">:$hex,
                                 CArg<"int32_t", "0">:$signedBits), [{
    build($_builder, $_state, values, $_builder.getStringAttr(prefix),
          hex ? $_builder.getUnitAttr() : ::mlir::UnitAttr(), $_builder.getI32IntegerAttr(signedBits));
  }]>];
  let hasVerifier = 1;
}

def Tile_AssertOp : Tile_Op<"assert", [MemoryEffects<[MemWrite<Tile_PrintResource>]>]> {
  let summary = "a false element fails the launch with the message";
  let description = "C1: the condition is i1, a scalar or a tensor. C2: mask has the condition's type.";
  let arguments = (ins AnyType:$condition, Optional<AnyType>:$mask, StrAttr:$message);
  let assemblyFormat = "$condition `,` $message (`mask` $mask^)? attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$condition, "::llvm::StringRef":$message,
                                 CArg<"::mlir::Value", "{}">:$mask), [{
    build($_builder, $_state, condition, mask, $_builder.getStringAttr(message));
  }]>];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}
