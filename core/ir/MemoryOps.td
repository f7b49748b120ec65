// MemoryOps.td - loads, stores, atomics and the barrier
//
// SPDX-License-Identifier: Apache-2.0
include "core/ir/TileDialect.td"

def Tile_LoadOp : Tile_Op<"load", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "reads an element for each pointer";
  let description = [{
    Masked-off elements are `other`, or unspecified without it; their addresses are not touched.
    C1: ptr is a pointer or a tensor of pointers. C2: the result holds pointees in ptr's shape. C3: mask is i1 in that shape.
    C4: other has the result's type. C5: other needs a mask. C6: cache is none, ca, cg or cv.
  }];
  let arguments = (ins AnyType:$ptr, Optional<AnyType>:$mask, Optional<AnyType>:$other,
                       DefaultValuedAttr<Tile_Cache, "Cache::None">:$cache,
                       DefaultValuedAttr<Tile_Evict, "Evict::Normal">:$evict, UnitAttr:$isVolatile);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $ptr (`mask` $mask^)? (`other` $other^)? (`cache` `=` $cache^)? (`evict` `=` $evict^)? (`volatile` $isVolatile^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$ptr, CArg<"::mlir::Value", "{}">:$mask, CArg<"::mlir::Value", "{}">:$other,
                                 CArg<"Cache", "Cache::None">:$cache, CArg<"Evict", "Evict::Normal">:$evict,
                                 CArg<"bool", "false">:$isVolatile)>];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Tile_StoreOp : Tile_Op<"store", [MemoryEffects<[MemWrite]>]> {
  let summary = "writes an element for each pointer";
  let description = [{
    Two elements that write one address: either wins. C1: ptr as in load. C2: value holds pointees in ptr's shape.
    C3: mask is i1 in that shape. C4: cache is none, wb, cg, cs or wt.
  }];
  let arguments = (ins AnyType:$ptr, AnyType:$value, Optional<AnyType>:$mask,
                       DefaultValuedAttr<Tile_Cache, "Cache::None">:$cache,
                       DefaultValuedAttr<Tile_Evict, "Evict::Normal">:$evict);
  let assemblyFormat = [{
    $ptr `,` $value (`mask` $mask^)? (`cache` `=` $cache^)? (`evict` `=` $evict^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$ptr, "::mlir::Value":$value), [{
    build($_builder, $_state, ptr, value, ::mlir::Value(), Cache::None, Evict::Normal);
  }]>];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Tile_AtomicRmwOp : Tile_Op<"atomic_rmw", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "one atomic read-modify-write an element; the result is the old value";
  let description = [{
    The result is unspecified where masked off. C1: ptr as in load. C2: value and result hold pointees in ptr's shape.
    C3: mask is i1 in that shape. C4: fadd takes floats; and, or, xor, add, umax, umin integers; max, min integers and
    floats (the other number where one is NaN); xchg anything.
  }];
  let arguments = (ins Tile_Rmw:$kind, AnyType:$ptr, AnyType:$value, Optional<AnyType>:$mask,
                       DefaultValuedAttr<Tile_MemSem, "MemSem::AcqRel">:$sem,
                       DefaultValuedAttr<Tile_MemScope, "MemScope::Gpu">:$scope);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $kind `,` $ptr `,` $value (`mask` $mask^)? (`sem` `=` $sem^)? (`scope` `=` $scope^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let builders = [OpBuilder<(ins "Rmw":$kind, "::mlir::Value":$ptr, "::mlir::Value":$value,
                                 CArg<"::mlir::Value", "{}">:$mask, CArg<"MemSem", "MemSem::AcqRel">:$sem,
                                 CArg<"MemScope", "MemScope::Gpu">:$scope)>];
  let hasVerifier = 1;
}

def Tile_AtomicCasOp : Tile_Op<"atomic_cas", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "stores value where memory equals compare, bit for bit; the result is the old value";
  let description = "C1: ptr as in load. C2: compare, value and result hold pointees in ptr's shape. C3: elements of 8 to 64 bits.";
  let arguments = (ins AnyType:$ptr, AnyType:$compare, AnyType:$value,
                       DefaultValuedAttr<Tile_MemSem, "MemSem::AcqRel">:$sem,
                       DefaultValuedAttr<Tile_MemScope, "MemScope::Gpu">:$scope);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $ptr `,` $compare `,` $value (`sem` `=` $sem^)? (`scope` `=` $scope^)? attr-dict `:` functional-type(operands, results)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$ptr, "::mlir::Value":$compare, "::mlir::Value":$value,
                                 CArg<"MemSem", "MemSem::AcqRel">:$sem, CArg<"MemScope", "MemScope::Gpu">:$scope)>];
  let hasVerifier = 1;
}

def Tile_BarrierOp : Tile_Op<"barrier", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "all threads of the program; memory effects before it are visible after it";
  let assemblyFormat = "attr-dict";
}
