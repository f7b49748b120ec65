// LayoutOps.td - LAYOUT level: changes of layout, shared memory
//
// SPDX-License-Identifier: Apache-2.0
include "core/ir/TileDialect.td"

def Tile_ConvertLayoutOp : Tile_Pure<"convert_layout"> {
  let summary = "the same elements in another layout";
  let description = "C1: shape and element type are equal. C2: both sides carry a layout.";
  let arguments = (ins Tile_Tensor:$source);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
  let hasFolder = 1;
}

def Tile_SharedAllocOp : Tile_Op<"shared_alloc"> {
  let summary = "a tensor in the block's shared memory";
  let description = "`offset` (bytes) is set once shared memory is planned; `bytes` is its size. C1: offset and bytes are not negative.";
  let arguments = (ins OptionalAttr<Tile_Int>:$offset, OptionalAttr<Tile_Int>:$bytes);
  let results = (outs Res<Tile_Shared, "", [MemAlloc]>:$result);
  let assemblyFormat = "(`offset` `=` $offset^)? (`bytes` `=` $bytes^)? attr-dict `:` qualified(type($result))";
  let hasVerifier = 1;
}

def Tile_SharedStoreOp : Tile_Op<"shared_store"> {
  let summary = "writes every element of a shared tensor";
  let description = "C1: value has the shared tensor's shape and element type.";
  let arguments = (ins Arg<Tile_Shared, "", [MemWrite]>:$shared, Tile_Tensor:$value);
  let assemblyFormat = "$shared `,` $value attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tile_SharedLoadOp : Tile_Op<"shared_load"> {
  let summary = "a shared tensor as a tile";
  let description = "C1: the result has the shared tensor's shape and element type.";
  let arguments = (ins Arg<Tile_Shared, "", [MemRead]>:$shared);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = "$shared attr-dict `:` qualified(type($shared)) `to` type($result)";
  let hasVerifier = 1;
}

def Tile_SharedFreeOp : Tile_Op<"shared_free"> {
  let summary = "end of life of a shared tensor";
  let arguments = (ins Arg<Tile_Shared, "", [MemFree]>:$shared);
  let assemblyFormat = "$shared attr-dict `:` qualified(type($shared))";
}
