// Passes.td - the passes that give tiles layouts and plan shared memory
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TESSERA_LAYOUT_PASSES
#define TESSERA_LAYOUT_PASSES

include "mlir/Pass/PassBase.td"

// In a compile the target comes from the pipeline (runLayoutPipeline). From tessera-opt each pass makes a generic SIMT
// target out of its options.
class LayoutPass<string flag> : Pass<flag, "::mlir::ModuleOp"> {
  list<Option> targetOptions = [
    Option<"lanes", "lanes", "unsigned", "32", "lanes of a subgroup of the generic target">,
    Option<"sharedBytes", "shared-bytes", "unsigned", "65536", "shared memory of a block of the generic target, bytes">,
    Option<"matrix", "matrix", "bool", "false", "the generic target has a 16x16x16 f16 instruction">,
    Option<"matrixShared", "matrix-shared", "bool", "false",
           "the generic target has a 64xNx16 f16 instruction of four subgroups that reads b, and perhaps a, from shared memory, and a 64xNx8 one of f32 that reads them along k only">,
    Option<"asyncCopies", "async-copies", "bool", "false",
           "the generic target copies 4, 8 and 16 bytes a lane into shared memory beside its lanes">,
    Option<"tensorCopies", "tensor-copies", "bool", "false",
           "the generic target copies tiles of up to five dims by descriptor, with swizzles of 32, 64 and 128 bytes">,
    Option<"roles", "roles", "bool", "false",
           "subgroups of the generic target take roles, which trade 65536 registers in steps of 8 by groups of four">,
  ];
  let options = targetOptions;
  let dependentDialects = ["::tessera::tile::TileDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def MarkLastReadsPass : LayoutPass<"tile-mark-last-reads"> {
  let summary = "say that what a loop reads for the last time need not stay in the caches";
  let description = [{
    Before: `scf.for { load %p } ; scf.for { load %p ; store %q }`
    After:  `scf.for { load %p } ; scf.for { load %p evict = first ; store %q evict = first }`
    where both loads read the same rows of the program's own. Requires and keeps: TILE level.
  }];
  let statistics = [Statistic<"numMarked", "marked", "Number of loads and stores that were marked">];
}

def UnrollLoopsPass : LayoutPass<"tile-unroll-loops"> {
  let summary = "do several iterations of a loop in one";
  let description = [{
    Before: `scf.for { f } {tile.unroll = 2 : i32}`   After: `scf.for { f ; f }`, and a loop of the iterations that are left.
    A loop of up to four iterations, known when compiled, with loads and without products, wishes or inner loops, goes as a whole.
    Requires and keeps: TILE level. Establishes: no loop says unroll, except by a factor below 2.
  }];
  let statistics = [Statistic<"numUnrolled", "unrolled", "Number of loops unrolled">];
}

def LoopLargeTilesPass : LayoutPass<"tile-loop-large-tiles"> {
  let summary = "do what happens to each element of a large tile slice by slice";
  let description = [{
    Before: `tile.store %q, f(tile.load %p)` of tiles of more than 64 elements a lane   After: an `scf.for` over slices of 32 elements a lane.
    A reduction along the axis that is cut carries a slice of what it has combined.
    Requires and keeps: TILE level.
  }];
  let statistics = [Statistic<"numLooped", "looped", "Number of loops made">];
}

def LoadRunsOncePass : LayoutPass<"tile-load-runs-once"> {
  let summary = "load once what a loop loads ahead from runs of equal addresses";
  let description = [{
    Before: `tile.load %p : tensor<64x128xi32>`, rows of eight at one address
    After:  `tile.load %q : tensor<8x128xi32>`, `tile.expand_dims`, `tile.broadcast` to 8x8x128, `tile.reshape` to 64x128
    in loops with products. Requires and keeps: TILE level.
  }];
  let statistics = [Statistic<"numShrunk", "shrunk", "Number of loads of smaller tiles">];
}

def ExpandDotsPass : LayoutPass<"tile-expand-dots"> {
  let summary = "write products that matrix units do not have as products that they have";
  let description = [{
    Before: `tile.dot_scaled %a as e2m1 scale %s, …`   After: the elements times their scales as bf16 (fp16 where one side is), `tile.dot`.
    Requires: TILE level. Establishes: no dot_scaled.
  }];
  let statistics = [Statistic<"numExpanded", "expanded", "Number of products written out">];
}

def ExchangeOperandsPass : LayoutPass<"tile-exchange-operands"> {
  let summary = "exchange a product's operands where units then take them as they lie";
  let description = [{
    Before: `%d = tile.dot %a, %b, %c`   After: `tile.dot` of b, a and c transposed, and `%d` its transpose; a loop carries the sum transposed.
    Where no unit reads b as it lies, and one that reads a^T from shared memory takes b^T from registers. Requires and keeps: TILE level.
  }];
  let statistics = [Statistic<"numExchanged", "exchanged", "Number of products whose operands changed places">];
}

def AssignLayoutsPass : LayoutPass<"tile-assign-layouts"> {
  let summary = "give every tile a layout";
  let description = [{
    Before: `%x = tile.load %p : … -> tensor<1024xf32>`
    After:  `%x = tile.load %p : … -> tensor<1024xf32, #tile.linear<…>>`, with tile.convert_layout where two ops disagree.
    Requires: TILE level, no block pointers. Establishes: LAYOUT level; every op finds its operands locally.
  }];
  let statistics = [Statistic<"numConversions", "conversions", "Number of layout conversions inserted">];
}

def RemoveLayoutConversionsPass : LayoutPass<"tile-remove-layout-conversions"> {
  let summary = "remove layout conversions where computing a value again is cheaper";
  let description = [{
    Before: `%r = tile.arange …, #A ; %c = tile.convert_layout %r : #A to #B`   After: `%c = tile.arange …, #B`
    Requires and keeps: LAYOUT level.
  }];
  let statistics = [Statistic<"numRemoved", "removed", "Number of layout conversions removed">];
}

def SpecializeRolesPass : LayoutPass<"tile-specialize-roles"> {
  let summary = "give the loads of loops that say warp_specialize to subgroups of their own";
  let description = [{
    Before: `scf.for { %a = tile.descriptor_load ; … dot } {warp_specialize}`
    After:  `tile.roles copies { scf.for { copy_barrier_wait empty ; copy_expect ; tensor_load } }
                        work   { scf.for { copy_barrier_wait full ; … dot ; copy_arrive } }`
    Loops that are not of this form stay as they are, with a remark that says why. Requires and keeps: LAYOUT level.
  }];
  let statistics = [Statistic<"numSpecialized", "specialized", "Number of loops whose loads have a role of their own">];
}

def PipelineLoopsPass : LayoutPass<"tile-pipeline-loops"> {
  let summary = "load what a loop will need while it works on what it has";
  let description = [{
    Before: `scf.for { %a = tile.load ; … dot }`   After: a ring in shared memory, filled num_stages - 1 iterations ahead by async_load;
    async_wait and one barrier an iteration. Where the target has asynchronous copies. A loop without a dot that has tile.num_stages: each lane for
    itself, without barriers, or a tile carried in registers. In a nest that says flatten the next tile's loads start before the epilogue.
    Requires and keeps: LAYOUT level.
  }];
  let statistics = [Statistic<"numPipelined", "pipelined", "Number of loops pipelined">];
}

def LowerTensorCopiesPass : LayoutPass<"tile-lower-tensor-copies"> {
  let summary = "make tensor copies of the accesses by descriptor that no loop starts ahead";
  let description = [{
    Before: `%v = tile.descriptor_load`   After: copy_barrier_init, copy_expect, tensor_load, copy_barrier_wait, shared_load.
    Before: `tile.descriptor_store`       After: shared_store, shared_fence, barrier, tensor_store, tensor_store_wait.
    Requires: LAYOUT level. Establishes: no access by descriptor is left.
  }];
  let statistics = [Statistic<"numLowered", "lowered", "Number of loads and stores">];
}

def HoistLoadsPass : LayoutPass<"tile-hoist-loads"> {
  let summary = "load in front of a conversion through shared memory what does not depend on it";
  let description = [{
    Before: `%zb = tile.convert_layout %z ; %s = tile.load %q`   After: `%s = tile.load %q ; %zb = tile.convert_layout %z`
    for loads of at most 16 elements a lane, outside of loops. Requires and keeps: LAYOUT level.
  }];
  let statistics = [Statistic<"numHoisted", "hoisted", "Number of loads in front of a conversion">];
}

def LowerConversionsToSharedPass : LayoutPass<"tile-lower-conversions-to-shared"> {
  let summary = "move tiles between warps through shared memory";
  let description = [{
    Before: `%b = tile.convert_layout %a`   After: shared_alloc, shared_store, shared_load, shared_free with a swizzled layout.
    Conversions within a warp stay. Requires: LAYOUT level. Establishes: no conversion crosses warps.
  }];
  let statistics = [Statistic<"numLowered", "lowered", "Number of conversions through shared memory">];
}

def CopyLargeLoadsPass : LayoutPass<"tile-copy-large-loads"> {
  let summary = "copy to shared memory what a loop loads for it and has no registers for";
  let description = [{
    Before: `%x = tile.load %p ; shared_store %s, %x`   After: async_load, async_commit, async_wait. In loops whose carried tiles leave the value no room.
    Requires: LAYOUT level, before there are barriers between the lanes' accesses. Keeps: LAYOUT level.
  }];
  let statistics = [Statistic<"numCopied", "copied", "Number of loads that became copies">];
}

def DelayStoreWaitsPass : LayoutPass<"tile-delay-store-waits"> {
  let summary = "let tensor stores of a loop run on beside its next iteration";
  let description = [{
    Before: `scf.for { … shared_store %s ; … tensor_store %s ; tensor_store_wait 0 }`
    After:  `scf.for { … tensor_store_wait 0 ; shared_store %s ; … tensor_store %s } ; tensor_store_wait 0`, where the buffer, which then lives around the
    loops, costs no block. Requires: no conversion crosses warps. Keeps: LAYOUT level.
  }];
  let statistics = [Statistic<"numDelayed", "delayed", "Number of stores that run on">];
}

def AllocateSharedMemoryPass : LayoutPass<"tile-allocate-shared-memory"> {
  let summary = "give every shared buffer its place by liveness";
  let description = [{
    Sets offset and bytes of shared_alloc, tile.offset and tile.bytes of ops with scratch, and the module option
    "shared_bytes". Fails with a breakdown by buffer where the target has less. Requires: no conversion crosses warps.
  }];
  let statistics = [Statistic<"numBuffers", "buffers", "Number of shared buffers">];
}

def InsertBarriersPass : LayoutPass<"tile-insert-barriers"> {
  let summary = "order accesses of memory that lanes share where a hazard needs it";
  let description = [{
    Before: `tile.shared_store %s, %x ; %y = tile.shared_load %s`   After: a tile.barrier between them.
    Requires: offsets. Establishes: between two accesses of one byte of shared memory, at least one of them a write, there is a barrier; of global memory, where
    another lane may have made the earlier one (GlobalOrder.h says which places are known to differ, and which arrays are not asked about).
  }];
  let statistics = [Statistic<"numBarriers", "barriers", "Number of barriers inserted">];
}

def AnnotateAccessesPass : LayoutPass<"tile-annotate-accesses"> {
  let summary = "say how many neighbours one access of memory may take";
  let description = [{
    Before: `tile.store %p, %v`   After: `tile.store %p, %v {tile.axis = 1 : i32, tile.width = 8 : i32}`
    Aligned runs of `width` elements along dim `axis` are contiguous in memory, aligned together and equally masked. The dim is
    the one along which a lane holds most of such neighbours. Requires and keeps: LAYOUT level.
  }];
  let statistics = [Statistic<"numAnnotated", "annotated", "Number of loads and stores that got a width">];
}

def CompareRunsOncePass : LayoutPass<"tile-compare-runs-once"> {
  let summary = "compare the first element of a run where the comparison is equal on all of it";
  let description = [{
    Before: `arith.cmpi slt, %lane, %n`   After: `arith.cmpi slt, (arith.andi %lane, -8), %n`
    where the comparison has one truth on aligned runs of 8 that a lane holds, and selects values: eight equal comparisons are one. Requires
    and keeps: LAYOUT level.
  }];
  let statistics = [Statistic<"numCompared", "compared", "Number of comparisons that look at the first of a run">];
}

def SinkIntoBranchesPass : LayoutPass<"tile-sink-into-branches"> {
  let summary = "compute what only one side of a branch uses on that side";
  let description = [{
    Before: `%w = math.exp2 %e ; scf.if %c { … %w … }`   After: `scf.if %c { %w = math.exp2 %e ; … %w … }`
    for what is computed for each element, in the branch's own block. Requires and keeps: LAYOUT level.
  }];
  let statistics = [Statistic<"numSunk", "sunk", "Number of values that are computed in a branch">];
}

def SinkMasksPass : LayoutPass<"tile-sink-masks"> {
  let summary = "make the masks of whole tiles where they select";
  let description = [{
    Before: `arith.andi %rows, %columns ; tile.dot … ; arith.select`   After: `tile.dot … ; arith.andi %rows, %columns ; arith.select`
    where a product, a branch or a barrier stands between a mask and its first use, and what it is made of is smaller. Requires and keeps:
    LAYOUT level.
  }];
  let statistics = [Statistic<"numSunk", "sunk", "Number of masks that are made later">];
}

def CheckLayoutsPass : LayoutPass<"tile-check-layouts"> {
  let summary = "fail where an op does not find its operands in its own registers";
  let description = "For tests and between stages: changes nothing. Reports the op and the operand.";
}

def RunLayoutPipelinePass : LayoutPass<"tile-layout-pipeline"> {
  let summary = "TILE to LAYOUT: all of the above in order, with clean-up in between";
  let description = "What a compile for a LAYOUT target runs (layoutSteps).";
}

#endif // TESSERA_LAYOUT_PASSES
