// Passes.td - the neutral passes over tile IR
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TESSERA_TRANSFORMS_PASSES
#define TESSERA_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

class TilePass<string argument> : Pass<argument, "::mlir::func::FuncOp"> {
  let dependentDialects = ["::tessera::tile::TileDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def TileLowerDescriptorsPass : TilePass<"tile-lower-descriptors"> {
  let summary = "turn accesses by descriptor into block pointers, where they cannot be tensor copies";
  let description = [{
    Before: `%v = tile.descriptor_load %base …`   After: `%b = tile.make_block_ptr %base …`, `%v = tile.load_block %b`.
    Left as they are in a module with the attribute `tile.tensor_copy_bytes` (the largest tile that the target will copy as a whole): those whose
    array follows from the kernel's parameters, with the alignment that copies need, in kernels that do not order memory by themselves.
  }];
  let statistics = [Statistic<"numLowered", "lowered", "Number of loads and stores rewritten">,
                    Statistic<"numKept", "kept", "Number of loads and stores that will be tensor copies">];
}

def TileLowerBlockPointersPass : TilePass<"tile-lower-block-pointers"> {
  let summary = "turn block pointers into tensors of pointers and masks";
  let description = [{
    Before: `%v = tile.load_block %bp boundary_check = [0]`   After: `%v = tile.load %pointers mask %inside other %zero`.
    Carried block pointers become carried offsets. Establishes: no op or value of block pointer type is left.
  }];
  let statistics = [Statistic<"numAccesses", "accesses", "Number of block loads and stores rewritten">];
}

def TileSimplifyPass : TilePass<"tile-simplify"> {
  let summary = "fold constants and apply canonical forms";
  let description = [{
    The canonical forms of tile, arith and scf ops, to a fixpoint, once; dead code goes. Loops keep their shape.
  }];
  let dependentDialects = ["::tessera::tile::TileDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::mlir::math::MathDialect"];
}

def TileMergeEqualOpsPass : TilePass<"tile-merge-equal-ops"> {
  let summary = "compute equal values once";
  let description = "Two loads are equal only where no write lies between them. Constants and splats count as any op.";
}

def TileHoistInvariantsPass : TilePass<"tile-hoist-invariants"> {
  let summary = "move what does not change out of loops";
  let description = [{
    Before: `scf.for … { %y = arith.divsi %a, %b }`   After: `%y = arith.divsi %a, %b ; scf.for … { }`.
    Division never traps in this language, so it moves too. Not done here: loads; loops that say disable_licm.
  }];
  let statistics = [Statistic<"numHoisted", "hoisted", "Number of ops moved">];
}

def TileUniformCarriedPass : TilePass<"tile-uniform-carried"> {
  let summary = "carry one scalar offset where all elements of a carried tile move alike";
  let description = [{
    Before: `for iter_args(%p = %p0) { … yield addptr(%p, splat(%s)) }`
    After:  `for iter_args(%o = 0) { %p = addptr(%p0, splat(%o)) … yield %o + %s }`, for pointers and for integers.
    A carried value whose next one is the computation that its first one is (`%a = arange … ; yield arange`) is read from before the loop.
  }];
  let statistics = [Statistic<"numRewritten", "rewritten", "Number of carried tiles replaced by a scalar">];
}

def TileSimplifyPointersPass : TilePass<"tile-simplify-pointers"> {
  let summary = "make addresses a uniform base plus a varying offset";
  let description = [{
    Before: `addptr(addptr(splat(p), splat(i)), %t)`   After: `addptr(splat(addptr(p, i)), %t)`.
    Chains are combined, uniform terms are added as scalars, so that invariant offsets can leave loops.
  }];
  let statistics = [Statistic<"numRewritten", "rewritten", "Number of address computations rewritten">];
}

def TileSimplifyMasksPass : TilePass<"tile-simplify-masks"> {
  let summary = "decide comparisons that ranges decide";
  let description = [{
    Before: `%m = arith.cmpi slt, %offsets, %n` with every offset below every n   After: `%m = true`, and the accesses lose
    their masks. Facts come from ranges (program ids, aranges, loop bounds, assumptions).
  }];
  let statistics = [Statistic<"numDecided", "decided", "Number of comparisons decided">];
}

def TileFindTensorCopiesPass : TilePass<"tile-find-tensor-copies"> {
  let summary = "let loads and stores through pointers be tensor copies where their addresses are windows on an array";
  let description = [{
    Before: `%v = tile.load addptr(splat(%a), (m % M) * row + k) mask k < K - %i`   After: `%v = tile.descriptor_load %a shape[M, K] …`
    In a module with the attribute `tile.tensor_copy_bytes`, for loads of loops that go straight to a dot, and for a product's store in a loop over tiles.
    Establishes nothing; addresses are left for the stages behind to remove.
  }];
  let options = [Option<"remarks", "remarks", "bool", "false", "Say of each access that might be one why it is none">];
  let statistics = [Statistic<"numFound", "found", "Number of loads that will be tensor copies">,
                    Statistic<"numStores", "stores", "Number of stores that will be tensor copies">];
}

def TileFindGridStridePass : TilePass<"tile-find-grid-stride"> {
  let summary = "say where a launch may have a program for every iteration of a loop over the grid";
  let description = [{
    Before: `scf.for %row = program_id to %rows step num_programs { … }`   After: the same behind `tile.grid_stride %programs axis = 0`
    Where iterations are independent, as is proven or, by %programs, asked of the arguments.
  }];
  let options = [Option<"remarks", "remarks", "bool", "false", "Say of each kernel why its launches have the programs that they ask for">];
  let statistics = [Statistic<"numFound", "found", "Number of kernels whose launches may have more programs">];
}

def TileStepDivisionsPass : TilePass<"tile-step-divisions"> {
  let summary = "step quotients and remainders of a loop's variable instead of dividing";
  let description = [{
    Of scalars in innermost loops, divided by what does not change and is no constant. Exact: dividends that may be
    negative or wrap stay.
  }];
  let statistics = [Statistic<"numStepped", "stepped", "Number of divisions replaced">,
                    Statistic<"numLoops", "carried", "Number of pairs of dividend and divisor that loops now carry">];
}

def TileDropCarriedValuesPass : TilePass<"tile-drop-carried-values"> {
  let summary = "drop loop-carried values that nothing but their own next value uses";
  let statistics = [Statistic<"numDropped", "dropped", "Number of carried values dropped">];
}

def TileMarkReadOnlyPass : TilePass<"tile-mark-read-only"> {
  let summary = "mark the pointer arguments that no store or atomic reaches";
  let description = [{
    Establishes: `tile.read_only` on such arguments. A pointer of unknown origin (from an integer) that is written keeps
    every argument unmarked.
  }];
}

#endif // TESSERA_TRANSFORMS_PASSES
