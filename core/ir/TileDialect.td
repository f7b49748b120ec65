// TileDialect.td - the dialect, its types, and the constraints that the op families share
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TESSERA_TILE_DIALECT
#define TESSERA_TILE_DIALECT

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::tessera::tile";
  let summary = "tiles of elements and of pointers, and what one program of a grid does with them";
  let description = [{
    What upstream dialects lack for tile kernels. Arithmetic, comparison and selection are `arith`, functions are `math`,
    control flow is `scf.if`, `scf.for`, `scf.while`; a kernel is a `func.func` whose arguments carry `tile.name`,
    `tile.divisibility`, `tile.read_only` and `tile.unsigned`. Scalars have scalar types, tiles are ranked tensors of
    static shape. TILE level: tensors without encoding. LAYOUT level: every tensor carries a `#tile.linear`.

    Discardable attributes: on `builtin.module` `tile.level` ("tile" or "layout") and `tile.options` (a dictionary of
    integers); on `scf.for` `tile.num_stages`, `tile.unroll`, `tile.loop_flags`. The fast forms
    of division and square root are `arith.divf` and `math.sqrt` with `fastmath<afn>`.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerTypes();
    void registerAttributes();
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::ub::UBDialect"];
}

// ---- types ---------------------------------------------------------------------------------------------------------

class Tile_Type<string name, string typeMnemonic, list<Trait> traits = []> : TypeDef<Tile_Dialect, name, traits> {
  let mnemonic = typeMnemonic;
}

def Tile_PointerType : Tile_Type<"Pointer", "ptr"> {
  let summary = "a pointer to elements";
  let description = "`!tile.ptr<f32>`: address space 1, global memory; `!tile.ptr<f32, 3>`: shared memory. 64 bits.";
  let parameters = (ins "::mlir::Type":$pointee, DefaultValuedParameter<"unsigned", "1">:$addressSpace);
  let builders = [TypeBuilderWithInferredContext<(ins "::mlir::Type":$pointee, CArg<"unsigned", "1">:$addressSpace), [{
    return $_get(pointee.getContext(), pointee, addressSpace);
  }]>];
  let skipDefaultBuilders = 1;
  let assemblyFormat = "`<` $pointee (`,` $addressSpace^)? `>`";
  let genVerifyDecl = 1;
}

def Tile_F8E4B15Type : Tile_Type<"F8E4B15", "f8e4b15"> {
  let summary = "8-bit float: 4 exponent bits, bias 15, no infinity, no NaN";
  let description = "Storage only: converted with `tile.fptofp`; arithmetic on it does not exist.";
}

def Tile_BlockPointerType : Tile_Type<"BlockPointer", "block_ptr"> {
  let summary = "a window of fixed shape on a strided array in memory";
  let description = [{
    `!tile.block_ptr<tensor<64x32xf16>>`: base, extents, strides and the current offsets of a block of that shape. Lowered
    to tensors of pointers and masks by `tile-lower-block-pointers`; never reaches the bytecode.
  }];
  let parameters = (ins "::mlir::RankedTensorType":$blockType);
  let builders = [TypeBuilderWithInferredContext<(ins "::mlir::RankedTensorType":$blockType), [{
    return $_get(blockType.getContext(), blockType);
  }]>];
  let assemblyFormat = "`<` $blockType `>`";
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<int64_t> getShape() const { return getBlockType().getShape(); }
    ::mlir::Type getElementType() const { return getBlockType().getElementType(); }
    int64_t getRank() const { return getBlockType().getRank(); }
  }];
}

def Tile_SharedType : Tile_Type<"Shared", "shared"> {
  let summary = "a tensor in the shared memory of a block; LAYOUT level";
  let description = "`!tile.shared<64x32xf16, #tile.linear<…>>`: the layout maps an offset (in elements) to tensor indices.";
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType, "::mlir::Attribute":$layout);
  let builders = [TypeBuilderWithInferredContext<(ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType,
                                                     CArg<"::mlir::Attribute", "{}">:$layout), [{
    return $_get(elementType.getContext(), shape, elementType, layout);
  }]>];
  let skipDefaultBuilders = 1;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Tile_Tensor : Type<CPred<"::llvm::isa<::mlir::RankedTensorType>($_self)">, "a tensor", "::mlir::RankedTensorType">;
def Tile_BlockPointer : Type<CPred<"::llvm::isa<::tessera::tile::BlockPointerType>($_self)">, "a block pointer",
                            "::tessera::tile::BlockPointerType">;
def Tile_Shared : Type<CPred<"::llvm::isa<::tessera::tile::SharedType>($_self)">, "a shared tensor",
                       "::tessera::tile::SharedType">;

// ---- attributes ----------------------------------------------------------------------------------------------------

def Tile_LinearAttr : AttrDef<Tile_Dialect, "Linear",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding, ["verifyEncoding"]>]> {
  let mnemonic = "linear";
  let summary = "a linear layout over GF(2)";
  let description = [{
    `#tile.linear<[32, 64], register = [[0, 1], [0, 2]], lane = [[1, 0], …]>`: the tensor's extents, then for each input dim
    (register, lane, warp, block; offset for shared memory) and each of its bits, the index that the bit toggles in every
    tensor dim. An input dim without bits is written `warp = []`. The same data as tbc::LayoutData.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$outSizes, ArrayRefParameter<"::mlir::StringAttr">:$inDims,
                        ArrayRefParameter<"int32_t">:$bitCounts, ArrayRefParameter<"int32_t">:$bases);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    // bases[in][bit][out], as tbc::LayoutData has it.
    using Bases = std::vector<std::vector<std::vector<int32_t>>>;
    static LinearAttr get(::mlir::MLIRContext *context, ::llvm::ArrayRef<int64_t> outSizes,
                          ::llvm::ArrayRef<std::string> inDims, const Bases &bases);
    static LinearAttr get(::mlir::MLIRContext *context, const ::tessera::layout::LinearLayout &layout);
    ::tessera::layout::LinearLayout getLayout() const;
    unsigned getRank() const { return getOutSizes().size(); }
    unsigned getNumInDims() const { return getInDims().size(); }
    ::llvm::StringRef getInDimName(unsigned in) const { return getInDims()[in].getValue(); }
    unsigned getNumBits(unsigned in) const { return getBitCounts()[in]; }
    // Number of bits of the input dim named; 0 where the layout has no such dim.
    unsigned getNumBits(::llvm::StringRef inDim) const;
    // The output index that `bit` of input dim `in` toggles: one entry a tensor dim.
    ::llvm::ArrayRef<int32_t> getBasis(unsigned in, unsigned bit) const;
    Bases toBases() const;
  }];
}

class Tile_Enum<string name, string text, list<I32EnumAttrCase> cases> : I32EnumAttr<name, text, cases> {
  let cppNamespace = "::tessera::tile";
}
class Case<string sym, int val, string str> : I32EnumAttrCase<sym, val, str>;

// The numbers are those of the bytecode (tbc::Cache and so on); core/bytecode/mlir checks it at compile time.
def Tile_Cache : Tile_Enum<"Cache", "cache modifier", [
  Case<"None", 0, "none">, Case<"CA", 1, "ca">, Case<"CG", 2, "cg">, Case<"CV", 3, "cv">, Case<"WB", 4, "wb">,
  Case<"CS", 5, "cs">, Case<"WT", 6, "wt">]>;
def Tile_Evict : Tile_Enum<"Evict", "eviction policy", [
  Case<"Normal", 0, "normal">, Case<"First", 1, "first">, Case<"Last", 2, "last">]>;
def Tile_Rmw : Tile_Enum<"Rmw", "read-modify-write operation", [
  Case<"Add", 0, "add">, Case<"FAdd", 1, "fadd">, Case<"Max", 2, "max">, Case<"Min", 3, "min">, Case<"UMax", 4, "umax">,
  Case<"UMin", 5, "umin">, Case<"And", 6, "and">, Case<"Or", 7, "or">, Case<"Xor", 8, "xor">, Case<"Xchg", 9, "xchg">]>;
def Tile_MemSem : Tile_Enum<"MemSem", "memory order", [
  Case<"AcqRel", 0, "acq_rel">, Case<"Acquire", 1, "acquire">, Case<"Release", 2, "release">,
  Case<"Relaxed", 3, "relaxed">]>;
def Tile_MemScope : Tile_Enum<"MemScope", "who takes part in the order", [
  Case<"Gpu", 0, "gpu">, Case<"Cta", 1, "cta">, Case<"Sys", 2, "sys">]>;
def Tile_DotPrecision : Tile_Enum<"DotPrecision", "how a product of f32 is computed", [
  Case<"Default", 0, "default">, Case<"TF32", 1, "tf32">, Case<"TF32x3", 2, "tf32x3">, Case<"IEEE", 3, "ieee">,
  Case<"BF16x3", 4, "bf16x3">, Case<"BF16x6", 5, "bf16x6">]>;
def Tile_ScaledFormat : Tile_Enum<"ScaledFormat", "element format of a scaled product", [
  Case<"E2M1", 0, "e2m1">, Case<"E4M3", 1, "e4m3">, Case<"E5M2", 2, "e5m2">, Case<"BF16", 3, "bf16">,
  Case<"FP16", 4, "fp16">]>;
def Tile_Rounding : Tile_Enum<"Rounding", "rounding of a narrowing conversion", [
  Case<"NearestEven", 0, "nearest_even">, Case<"TowardsZero", 1, "towards_zero">, Case<"NearestSaturating", 2, "nearest_saturating">]>;
// What a load of a block pointer gives outside the array. None: unspecified.
def Tile_Padding : Tile_Enum<"Padding", "value outside the array", [
  Case<"None", 0, "none">, Case<"Zero", 1, "zero">, Case<"NaN", 2, "nan">]>;

// Every integer attribute of the dialect: 32 bits, signed.
def Tile_Int : TypedSignlessIntegerAttrBase<I32, "int32_t", "32-bit integer attribute"> {
  let convertFromStorage = "static_cast<int32_t>($_self.getInt())";
}

// ---- ops -----------------------------------------------------------------------------------------------------------

class Tile_Op<string opMnemonic, list<Trait> traits = []> : Op<Tile_Dialect, opMnemonic, traits>;

// Result types are written out: an op is readable and checkable on its own, also with layouts.
class Tile_Pure<string opMnemonic, list<Trait> traits = []> : Tile_Op<opMnemonic, !listconcat([Pure], traits)> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tile_PrintResource : Resource<"::tessera::tile::PrintResource">;
def Tile_FactResource : Resource<"::tessera::tile::FactResource">;

#endif // TESSERA_TILE_DIALECT
