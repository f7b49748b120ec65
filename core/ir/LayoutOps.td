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
  let description = [{
    Before the barrier that lets others use it. What the lane read before has its value: where only a copy_arrive gives the bytes back to a copy
    engine, the fence stands before it. Targets whose units see ordinary stores, and whose arrivals wait for reads, do nothing.
  }];
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

// ---- tensor copies ----------------------------------------------------------------------------------------------------
// Boxes of an array move between global and shared memory by themselves; one lane starts them. Loads complete on copy barriers,
// 8 bytes of shared memory each: a phase is over when it has got its arrivals and the bytes that these announced; phases are told apart
// by their parity. Stores are awaited in order.

def Tile_TensorMapOp : Tile_Pure<"tensor_map"> {
  let summary = "what tensor copies need to know of an array in global memory";
  let description = [{
    A target may make it on the host when the kernel is launched, so all operands follow from the kernel's parameters. Extents and strides are
    i64, in elements; the last dim has no stride, it is 1. base and the strides' bytes are multiples of 16; an extent below 1 counts as 1. `box` is
    what one copy moves at most, `swizzle` how it lies in shared memory: pieces of 16 bytes exchanged within 32, 64 or 128 bytes by the
    number of the 128 bytes. C1: 1 to 5 extents of i64, a stride of i64 less. C2: box has an entry a dim, each 1 to 256. C3: swizzle is 0, 32, 64 or
    128. C4: fill is 0, or 1 (NaN) for floats. C5: the result is ptr<i8>.
  }];
  let arguments = (ins AnyType:$base, Variadic<I64>:$numbers, DenseI64ArrayAttr:$box, DefaultValuedAttr<Tile_Int, "0">:$swizzle,
                       DefaultValuedAttr<Tile_Int, "0">:$fill);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    operands `box` `=` $box (`swizzle` `=` $swizzle^)? (`fill` `=` $fill^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Tile_CopyBarrierInitOp : Tile_Op<"copy_barrier_init"> {
  let summary = "makes a ring of copy barriers, each at phase 0";
  let description = "Others may use it after a barrier. C1: barrier is a shared tensor of 1 x i64. C2: arrivals is at least 1.";
  let arguments = (ins Arg<Tile_Shared, "", [MemWrite]>:$barrier, Tile_Int:$arrivals);
  let assemblyFormat = "$barrier `arrivals` `=` $arrivals attr-dict `:` qualified(type($barrier))";
  let hasVerifier = 1;
}

def Tile_CopyExpectOp : Tile_Op<"copy_expect"> {
  let summary = "one arrival, which announces the bytes of the copies that follow";
  let description = "Where the predicate does not hold, nothing happens. C1: barrier is a shared tensor of 1 x i64. C2: bytes is at least 1.";
  let arguments = (ins Arg<Tile_Shared, "", [MemRead, MemWrite]>:$barrier, I1:$predicate, Tile_Int:$bytes);
  let assemblyFormat = "$barrier `,` $predicate `bytes` `=` $bytes attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tile_TensorLoadOp : Tile_Op<"tensor_load"> {
  let summary = "starts copying a tile of an array into a shared tensor";
  let description = [{
    There when the barrier's phase is over, for every lane that waited for it. Until then nobody may touch the shared tensor; ordinary stores to
    its bytes lie before a shared_fence and a barrier. C1: barrier is a shared tensor of 1 x i64. C2: map is ptr<i8>. C3: a coordinate a
    dim; before them those of the array's outer dims, in which the tile has one element.
  }];
  let arguments = (ins Arg<Tile_Shared, "", [MemWrite]>:$shared, Arg<AnyType, "", [MemRead]>:$map,
                       Arg<Tile_Shared, "", [MemRead, MemWrite]>:$barrier, I1:$predicate, Variadic<I32>:$coordinates);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tile_CopyBarrierWaitOp : Tile_Op<"copy_barrier_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "until a phase of this parity is over";
  let description = "C1: barrier is a shared tensor of 1 x i64. At once where the phase that runs has the other parity.";
  let arguments = (ins Tile_Shared:$barrier, I32:$parity);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tile_CopyBarrierEndOp : Tile_Op<"copy_barrier_end"> {
  let summary = "the bytes of a ring of copy barriers are ordinary ones again";
  let description = "Nothing waits for it any more. C1: barrier is a shared tensor of 1 x i64.";
  let arguments = (ins Arg<Tile_Shared, "", [MemRead, MemWrite]>:$barrier);
  let assemblyFormat = "$barrier attr-dict `:` qualified(type($barrier))";
  let hasVerifier = 1;
}

def Tile_TensorStoreOp : Tile_Op<"tensor_store"> {
  let summary = "starts copying a shared tensor to a tile of an array";
  let description = "Nobody writes the shared tensor before tensor_store_wait and a barrier. C1: map is ptr<i8>. C2: coordinates as of tensor_load.";
  let arguments = (ins Arg<Tile_Shared, "", [MemRead]>:$shared, Arg<AnyType, "", [MemWrite]>:$map, Variadic<I32>:$coordinates);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tile_TensorStoreWaitOp : Tile_Op<"tensor_store_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "until at most `pending` tensor_stores of the program run";
  let description = "complete 1: global memory has the bytes; 0: shared memory was read. C1: pending is not negative, complete 0 or 1.";
  let arguments = (ins Tile_Int:$pending, DefaultValuedAttr<Tile_Int, "0">:$complete);
  let assemblyFormat = "$pending (`complete` `=` $complete^)? attr-dict";
  let hasVerifier = 1;
}

// ---- roles ----------------------------------------------------------------------------------------------------------------

def Tile_RolesOp : Tile_Op<"roles", [RecursiveMemoryEffects,
                                     SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "subgroups of a block that do different things at the same time";
  let description = [{
    The block has `warps` subgroups beside its num_warps. One lane of these runs `copies`: scalars, copies by descriptor and waits for copy
    barriers; it sees no tile. The num_warps run `work`; barriers in it are among them. Only copy barriers order accesses of one with those of the other:
    copy_expect and tensor_load towards the work, copy_arrive back. `registers` are what a lane has in copies and in work, where roles
    trade registers. C1: warps is at least 1. C2: registers are absent or two, each at least 1. C3: only ops of the copying role in copies.
    C4: right before the end of a kernel, behind nothing but what every lane of the block can do.
  }];
  let arguments = (ins Tile_Int:$warps, OptionalAttr<DenseI64ArrayAttr>:$registers);
  let regions = (region SizedRegion<1>:$copies, SizedRegion<1>:$work);
  let assemblyFormat = "`warps` `=` $warps (`registers` `=` $registers^)? attr-dict-with-keyword `copies` $copies `work` $work";
  let hasVerifier = 1;
}

def Tile_CopyArriveOp : Tile_Op<"copy_arrive", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one arrival of each subgroup of the working role";
  let description = [{
    Behind everything that the subgroup's lanes did before. Where the predicate does not hold, nothing happens. C1: barrier is a shared tensor of
    1 x i64. C2: stands in the work of tile.roles.
  }];
  let arguments = (ins Tile_Shared:$barrier, I1:$predicate);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
