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
  let description = [{
    `offset` (bytes) is set once shared memory is planned; `bytes` is its size. With `slots` it is a ring of that many tensors of the
    result's type, each at a multiple of bytes / slots, reached by `shared_slot`; the accesses of a ring are ordered by whoever made
    it (see pipeline-loops), not by insert-barriers. C1: offset, bytes and slots are not negative.
  }];
  let arguments = (ins OptionalAttr<Tile_Int>:$offset, OptionalAttr<Tile_Int>:$bytes, DefaultValuedAttr<Tile_Int, "0">:$slots);
  let results = (outs Res<Tile_Shared, "", [MemAlloc]>:$result);
  let assemblyFormat = "(`offset` `=` $offset^)? (`bytes` `=` $bytes^)? (`slots` `=` $slots^)? attr-dict `:` qualified(type($result))";
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::IntegerAttr":$offset, "::mlir::IntegerAttr":$bytes), [{
    build($_builder, $_state, result, offset, bytes, $_builder.getI32IntegerAttr(0));
  }]>];
  let hasVerifier = 1;
}

def Tile_SharedSlotOp : Tile_Pure<"shared_slot"> {
  let summary = "one tensor of a ring in shared memory";
  let description = "C1: 0 <= index < slots of the ring at run time; the index is i32. C2: the result has the ring's type.";
  let arguments = (ins Tile_Shared:$ring, I32:$index);
  let results = (outs Tile_Shared:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$ring, "::mlir::Value":$index), [{
    build($_builder, $_state, ring.getType(), ring, index);
  }]>];
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


def Tile_SharedTransposeOp : Tile_Pure<"shared_transpose"> {
  let summary = "the same shared tensor with its dims in another order";
  let description = "Result dim i is source dim order[i]; no byte moves. C1: order is a permutation. C2: the result's shape, elements and layout follow.";
  let arguments = (ins Tile_Shared:$source, DenseI64ArrayAttr:$order);
  let results = (outs Tile_Shared:$result);
  let assemblyFormat = "$source `order` `=` $order attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "::llvm::ArrayRef<int64_t>":$order)>];
  let hasVerifier = 1;
}

// ---- asynchronous copies and matrix products -----------------------------------------------------------------------
// What a lane starts runs on beside it. Copies are put into groups (async_commit) and awaited in order (async_wait); the results of
// a product may be used after a dot_wait.

def Tile_AsyncLoadOp : Tile_Op<"async_load"> {
  let summary = "starts copying a tile of global memory into a shared tensor";
  let description = [{
    Masked-off elements become 0. Written when the group that the copy was committed to has been awaited, and then only for the lane
    that started it: others need a barrier. C1: ptr has the shared tensor's shape, its pointees the element type. C2: mask is i1 in
    ptr's shape.
  }];
  let arguments = (ins Arg<Tile_Shared, "", [MemWrite]>:$shared, Arg<Tile_Tensor, "", [MemRead]>:$ptr, Optional<Tile_Tensor>:$mask,
                       DefaultValuedAttr<Tile_Cache, "::tessera::tile::Cache::None">:$cache,
                       DefaultValuedAttr<Tile_Evict, "::tessera::tile::Evict::Normal">:$evict);
  let assemblyFormat = [{
    $shared `,` $ptr (`mask` $mask^)? (`cache` `=` $cache^)? (`evict` `=` $evict^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Tile_AsyncCommitOp : Tile_Op<"async_commit", [MemoryEffects<[MemWrite]>]> {
  let summary = "the copies started since the last commit are a group";
  let arguments = (ins);
  let assemblyFormat = "attr-dict";
}

def Tile_AsyncWaitOp : Tile_Op<"async_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "until at most `pending` groups of the lane's copies run";
  let description = "C1: pending is not negative.";
  let arguments = (ins Tile_Int:$pending);
  let assemblyFormat = "$pending attr-dict";
  let hasVerifier = 1;
}

def Tile_SharedFenceOp : Tile_Op<"shared_fence", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "what the lane wrote to shared memory becomes visible to matrix units and copy engines";
  let description = "Before the barrier that lets others use it. Targets whose units see ordinary stores do nothing.";
  let arguments = (ins);
  let assemblyFormat = "attr-dict";
}

def Tile_AsyncDotOp : Tile_Op<"async_dot"> {
  let summary = "starts a @ b + c on matrix units that read shared memory";
  let description = [{
    a is a tensor or a shared tensor, b a shared tensor; `instruction` - 1 is the entry of the target's matrix menu. The result may only be
    the c of another async_dot or an operand of dot_wait; the shared operands may be written again after that dot_wait, and a and c are given
    up to the unit until then. C1: shapes and elements as dot. C2: c and the result have one type. C3: instruction >= 1.
  }];
  let arguments = (ins AnyTypeOf<[Tile_Tensor, Tile_Shared]>:$a, Arg<Tile_Shared, "", [MemRead]>:$b, Tile_Tensor:$c,
                       DefaultValuedAttr<Tile_DotPrecision, "::tessera::tile::DotPrecision::Default">:$precision,
                       DefaultValuedAttr<Tile_Int, "0">:$max_imprecise, Tile_Int:$instruction);
  let results = (outs Tile_Tensor:$result);
  let assemblyFormat = [{
    operands (`precision` `=` $precision^)? (`max_imprecise` `=` $max_imprecise^)? `instruction` `=` $instruction attr-dict `:`
    functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Tile_DotWaitOp : Tile_Op<"dot_wait", [MemoryEffects<[MemRead]>]> {
  let summary = "until at most `pending` asynchronous products run";
  let description = "The results are the operands; those of products that still run may only go where async_dot's result may. C1: pending is not negative. C2: types are equal.";
  let arguments = (ins Variadic<Tile_Tensor>:$values, Tile_Int:$pending);
  let results = (outs Variadic<Tile_Tensor>:$results);
  let assemblyFormat = "$values `pending` `=` $pending attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$values, "int32_t":$pending), [{
    build($_builder, $_state, values.getTypes(), values, pending);
  }]>];
  let hasVerifier = 1;
}
