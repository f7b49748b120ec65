// Writer.cpp - tile IR to a bytecode module
//
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/mlir/Convert.h"
#include "core/bytecode/mlir/OpNames.h"
#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace tessera {
namespace {

// The numbers of the dialect's enums are those of the bytecode.
static_assert(int(tile::Cache::WT) == int(tbc::Cache::WT) && int(tile::Cache::CV) == int(tbc::Cache::CV));
static_assert(int(tile::Evict::Last) == int(tbc::Evict::Last) && int(tile::Rmw::Xchg) == int(tbc::Rmw::Xchg));
static_assert(int(tile::Rmw::UMax) == int(tbc::Rmw::UMax) && int(tile::Rmw::Max) == int(tbc::Rmw::Max));
static_assert(int(tile::MemSem::Relaxed) == int(tbc::MemSem::Relaxed) &&
              int(tile::MemScope::Sys) == int(tbc::MemScope::Sys));
static_assert(int(tile::DotPrecision::BF16x6) == int(tbc::DotPrecision::BF16x6));
static_assert(int(tile::ScaledFormat::FP16) == int(tbc::ScaledFormat::FP16));
static_assert(int(arith::CmpIPredicate::uge) == int(tbc::CmpI::Uge) &&
              int(arith::CmpIPredicate::slt) == int(tbc::CmpI::Slt));
static_assert(int(arith::CmpFPredicate::UNO) == int(tbc::CmpF::Uno) &&
              int(arith::CmpFPredicate::OEQ) == int(tbc::CmpF::Oeq));

class ModuleWriter {
public:
  ModuleWriter(DiagnosticList &diagnostics, const tile::SourceFiles &files) : diagnostics_(diagnostics), files_(files) {
    for (const tbc::UpstreamOp &row : tbc::kUpstreamOps)
      codes_[row.name] = row.code;
    for (const tbc::UpstreamOp &row : tbc::kWrittenAs)
      codes_[row.name] = row.code;
  }
  std::optional<tbc::Module> write(ModuleOp module);

private:
  LogicalResult fail(Location loc, std::string message) {
    tile::addDiagnostic(diagnostics_, DiagId::InvalidIr, loc, std::move(message), files_);
    return failure();
  }
  void writeOptions(ModuleOp module);
  LogicalResult writeFunction(func::FuncOp function);
  LogicalResult writeRegion(Region &region, tbc::Region &out);
  LogicalResult writeOp(Operation *op, tbc::Op &out);
  LogicalResult writeConstant(arith::ConstantOp op, tbc::Op &out);
  LogicalResult writeAttrs(Operation *op, tbc::Op &out);
  void writeUpstreamAttrs(Operation *op, tbc::Op &out);
  LogicalResult defineValue(Value value, tbc::ValueId &id);
  std::optional<tbc::TypeId> typeId(Type type);
  std::optional<tbc::Elem> elemOf(Type type);
  tbc::LayoutId layoutId(tile::LinearAttr layout);
  tbc::LocId locId(Location loc);
  uint32_t fileId(StringRef name);
  tbc::Opcode codeOf(Operation *op);

  static void addInt(tbc::Op &out, tbc::AttrId id, int64_t value) { out.attrs.push_back({id, value}); }

  DiagnosticList &diagnostics_;
  const tile::SourceFiles &files_;
  tbc::Module out_;
  llvm::StringMap<tbc::Opcode> codes_;
  DenseMap<OperationName, tbc::Opcode> codeOfName_;
  DenseMap<Value, tbc::ValueId> values_;
  DenseMap<Type, tbc::TypeId> types_;
  DenseMap<Attribute, tbc::LayoutId> layouts_;
  DenseMap<Attribute, tbc::LocId> locs_;
  llvm::StringMap<uint32_t> fileIds_;
};

// ---- types, layouts, locations -------------------------------------------------------------------------------------

std::optional<tbc::Elem> ModuleWriter::elemOf(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    switch (integer.getWidth()) {
    case 1:
      return tbc::Elem::I1;
    case 8:
      return tbc::Elem::I8;
    case 16:
      return tbc::Elem::I16;
    case 32:
      return tbc::Elem::I32;
    case 64:
      return tbc::Elem::I64;
    default:
      return std::nullopt;
    }
  return llvm::TypeSwitch<Type, std::optional<tbc::Elem>>(type)
      .Case<Float8E5M2Type>([](Type) { return tbc::Elem::F8E5M2; })
      .Case<Float8E4M3FNType>([](Type) { return tbc::Elem::F8E4M3FN; })
      .Case<Float8E4M3FNUZType>([](Type) { return tbc::Elem::F8E4M3FNUZ; })
      .Case<Float8E5M2FNUZType>([](Type) { return tbc::Elem::F8E5M2FNUZ; })
      .Case<tile::F8E4B15Type>([](Type) { return tbc::Elem::F8E4B15; })
      .Case<Float16Type>([](Type) { return tbc::Elem::F16; })
      .Case<BFloat16Type>([](Type) { return tbc::Elem::BF16; })
      .Case<Float32Type>([](Type) { return tbc::Elem::F32; })
      .Case<Float64Type>([](Type) { return tbc::Elem::F64; })
      .Default([](Type) { return std::nullopt; });
}

tbc::LayoutId ModuleWriter::layoutId(tile::LinearAttr layout) {
  auto [known, isNew] = layouts_.try_emplace(layout, out_.layouts.size());
  if (isNew) {
    tbc::LayoutData data;
    for (StringAttr name : layout.getInDims())
      data.inDims.push_back(name.str());
    data.outSizes = ArrayRef<int64_t>(layout.getOutSizes()).vec();
    data.bases = layout.toBases();
    out_.layouts.push_back(std::move(data));
  }
  return known->second;
}

std::optional<tbc::TypeId> ModuleWriter::typeId(Type type) {
  if (auto known = types_.find(type); known != types_.end())
    return known->second;
  tbc::Type out;
  Type element = type;
  Attribute layout;
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    out.kind = tbc::Type::Tensor;
    out.shape = tensor.getShape().vec();
    element = tensor.getElementType();
    layout = tensor.getEncoding();
  } else if (auto shared = dyn_cast<tile::SharedType>(type)) {
    out.kind = tbc::Type::Shared;
    out.shape = ArrayRef<int64_t>(shared.getShape()).vec();
    element = shared.getElementType();
    layout = shared.getLayout();
  }
  if (auto linear = dyn_cast_or_null<tile::LinearAttr>(layout))
    out.layout = layoutId(linear);
  if (auto pointer = dyn_cast<tile::PointerType>(element)) {
    out.pointer = true;
    out.addressSpace = static_cast<uint8_t>(pointer.getAddressSpace());
    element = pointer.getPointee();
  }
  std::optional<tbc::Elem> elem = elemOf(element);
  if (!elem)
    return std::nullopt;
  out.elem = *elem;
  return types_[type] = out_.internType(out);
}

LogicalResult ModuleWriter::defineValue(Value value, tbc::ValueId &id) {
  std::optional<tbc::TypeId> type = typeId(value.getType());
  if (!type) {
    std::string text;
    llvm::raw_string_ostream(text) << value.getType();
    return fail(value.getLoc(), "a value of type " + text + " cannot be written to bytecode");
  }
  id = static_cast<tbc::ValueId>(out_.valueTypes.size());
  out_.valueTypes.push_back(*type);
  values_[value] = id;
  return success();
}

uint32_t ModuleWriter::fileId(StringRef name) {
  auto [known, isNew] = fileIds_.try_emplace(name, out_.files.size());
  if (isNew)
    out_.files.push_back(name.str());
  return known->second;
}

tbc::LocId ModuleWriter::locId(Location loc) {
  if (auto known = locs_.find(loc); known != locs_.end())
    return known->second;
  tbc::LocId id = tbc::kNone;
  auto add = [&](tbc::Loc data) {
    id = static_cast<tbc::LocId>(out_.locs.size());
    out_.locs.push_back(data);
  };
  if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    add({fileId(file.getFilename()), file.getLine(), file.getColumn(), tbc::kNone});
  } else if (auto name = dyn_cast<NameLoc>(loc)) {
    id = locId(name.getChildLoc());
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      if ((id = locId(part)) != tbc::kNone)
        break;
  } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    tbc::LocId caller = locId(call.getCaller()), callee = locId(call.getCallee());
    if (callee == tbc::kNone) {
      id = caller;
    } else {
      // A callee that is a call itself: the outermost of its chain goes on at the caller.
      std::vector<tbc::Loc> chain;
      for (tbc::LocId at = callee; at != tbc::kNone; at = out_.locs[at].caller)
        chain.push_back(out_.locs[at]);
      tbc::LocId outer = caller;
      for (tbc::Loc &link : llvm::reverse(chain)) {
        link.caller = outer;
        add(link);
        outer = id;
      }
    }
  }
  locs_[loc] = id;
  return id;
}

// ---- ops -----------------------------------------------------------------------------------------------------------

tbc::Opcode ModuleWriter::codeOf(Operation *op) {
  auto [known, isNew] = codeOfName_.try_emplace(op->getName(), tbc::Opcode(0));
  if (isNew) {
    StringRef name = op->getName().getStringRef();
    if (name.consume_front("tile.")) {
      if (const tbc::OpInfo *info = tbc::opInfoByName(std::string_view(name)))
        known->second = info->code;
    } else if (auto row = codes_.find(name); row != codes_.end()) {
      known->second = row->second;
    }
  }
  return known->second;
}

LogicalResult ModuleWriter::writeConstant(arith::ConstantOp op, tbc::Op &out) {
  TypedAttr value = tile::splatConstantOf(op.getResult());
  if (auto integer = dyn_cast_or_null<IntegerAttr>(value)) {
    bool isBool = integer.getType().isInteger(1);
    addInt(out, tbc::AttrId::Value, isBool ? integer.getValue().getZExtValue() : integer.getValue().getSExtValue());
    return success();
  }
  auto number = dyn_cast_or_null<FloatAttr>(value);
  if (!number)
    return fail(op.getLoc(), "a constant whose elements differ cannot be written to bytecode");
  APFloat wide = number.getValue();
  bool losesInfo = false;
  wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  out.attrs.push_back({tbc::AttrId::FloatValue, wide.convertToDouble()});
  return success();
}

// What upstream dialects keep in attributes of their own.
void ModuleWriter::writeUpstreamAttrs(Operation *op, tbc::Op &out) {
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    addInt(out, tbc::AttrId::Predicate, static_cast<int64_t>(compare.getPredicate()));
  else if (auto compare = dyn_cast<arith::CmpFOp>(op))
    addInt(out, tbc::AttrId::Predicate, static_cast<int64_t>(compare.getPredicate()));
  else if (auto truncate = dyn_cast<arith::TruncFOp>(op);
           truncate && truncate.getRoundingmode() == arith::RoundingMode::toward_zero)
    addInt(out, tbc::AttrId::Rounding, 1);
  else if (out.code == tbc::Opcode::DivF || out.code == tbc::Opcode::Sqrt || out.code == tbc::Opcode::Exp) {
    if (bitEnumContainsAll(cast<arith::ArithFastMathInterface>(op).getFastMathFlagsAttr().getValue(),
                           arith::FastMathFlags::afn))
      addInt(out, tbc::AttrId::Approx, 1);
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    static constexpr std::pair<llvm::StringLiteral, tbc::AttrId> options[] = {
        {tile::kNumStagesAttr, tbc::AttrId::NumStages},
        {tile::kUnrollAttr, tbc::AttrId::Unroll},
        {tile::kLoopFlagsAttr, tbc::AttrId::LoopFlags}};
    for (const auto &[name, id] : options)
      if (auto value = loop->getAttrOfType<IntegerAttr>(name); value && value.getInt() != 0)
        addInt(out, id, value.getInt());
    if (!loop.getUnsignedCmp())
      addInt(out, tbc::AttrId::Signed, 1);
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    if (auto flags = loop->getAttrOfType<IntegerAttr>(tile::kLoopFlagsAttr); flags && flags.getInt() != 0)
      addInt(out, tbc::AttrId::LoopFlags, flags.getInt());
  }
}

// An op of the tile dialect has the attributes of its row, under their names.
LogicalResult ModuleWriter::writeAttrs(Operation *op, tbc::Op &out) {
  SmallVector<StringRef> names;
  StringRef(tbc::opInfo(out.code)->attributes).split(names, ' ', -1, /*KeepEmpty=*/false);
  for (StringRef name : names) {
    bool optional = name.consume_back("?");
    const tbc::AttrInfo *info = tbc::attrInfoByName(std::string_view(name));
    if (!info)
      continue;
    StringRef nameHere = tbc::attrNameInDialect(info->id);
    std::optional<Attribute> inherent = op->getInherentAttr(nameHere);
    Attribute value = inherent && *inherent ? *inherent : op->getDiscardableAttr(("tile." + name).str());
    if (auto scaled = dyn_cast<tile::DotScaledOp>(op); scaled && info->id == tbc::AttrId::HasScales) {
      addInt(out, info->id, (scaled.getAScale() ? 1 : 0) | (scaled.getBScale() ? 2 : 0));
    } else if (auto integer = dyn_cast_or_null<IntegerAttr>(value)) {
      bool isPlace = isa<tile::SharedAllocOp>(op) && info->id != tbc::AttrId::Slots;
      bool isDefault = integer.getInt() == 0 && !isPlace;
      if (!optional || !isDefault)
        addInt(out, info->id, integer.getInt());
    } else if (isa_and_nonnull<UnitAttr>(value)) {
      addInt(out, info->id, 1);
    } else if (auto text = dyn_cast_or_null<StringAttr>(value)) {
      if (!optional || !text.empty())
        out.attrs.push_back({info->id, text.str()});
    } else if (auto list = dyn_cast_or_null<DenseI64ArrayAttr>(value)) {
      out.attrs.push_back({info->id, list.asArrayRef().vec()});
    } else if (!optional) {
      return fail(op->getLoc(), ("op '" + op->getName().getStringRef() + "' lacks attribute '" + name + "'").str());
    }
  }
  return success();
}

LogicalResult ModuleWriter::writeOp(Operation *op, tbc::Op &out) {
  out.code = codeOf(op);
  out.loc = locId(op->getLoc());
  if (out.code == tbc::Opcode(0))
    return fail(op->getLoc(), ("op '" + op->getName().getStringRef() + "' has no place in the bytecode").str());
  for (Value operand : op->getOperands())
    out.operands.push_back(values_.lookup(operand));
  out.results.resize(op->getNumResults());
  for (auto [result, id] : llvm::zip_equal(op->getResults(), out.results))
    if (failed(defineValue(result, id)))
      return failure();
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return writeConstant(constant, out);
  if (isa<tile::TileDialect>(op->getDialect())) {
    if (failed(writeAttrs(op, out)))
      return failure();
  } else {
    writeUpstreamAttrs(op, out);
  }
  out.regions.resize(op->getNumRegions());
  for (auto [region, outRegion] : llvm::zip_equal(op->getRegions(), out.regions))
    if (failed(writeRegion(region, outRegion)))
      return failure();
  return success();
}

LogicalResult ModuleWriter::writeRegion(Region &region, tbc::Region &out) {
  if (region.empty()) { // an absent else
    tbc::Op yield;
    yield.code = tbc::Opcode::Yield;
    out.ops.push_back(std::move(yield));
    return success();
  }
  if (!region.hasOneBlock())
    return fail(region.getLoc(), "unstructured control flow cannot be written to bytecode");
  for (BlockArgument argument : region.getArguments())
    if (failed(defineValue(argument, out.args.emplace_back())))
      return failure();
  for (Operation &op : region.front()) {
    tbc::Op written;
    if (failed(writeOp(&op, written)))
      return failure();
    out.ops.push_back(std::move(written));
  }
  return success();
}

LogicalResult ModuleWriter::writeFunction(func::FuncOp function) {
  tbc::Function out;
  out.name = function.getSymName().str();
  out.loc = locId(function.getLoc());
  if (function.isExternal() || function.getNumResults() != 0)
    return fail(function.getLoc(), "kernel '" + out.name + "' must have a body and return nothing");
  if (failed(writeRegion(function.getBody(), out.body)))
    return failure();
  for (auto [i, value] : llvm::enumerate(out.body.args)) {
    tbc::Param param;
    auto name = function.getArgAttrOfType<StringAttr>(i, tile::kNameAttr);
    param.name = name ? name.str() : "arg" + std::to_string(i);
    param.value = value;
    if (auto divisibility = function.getArgAttrOfType<IntegerAttr>(i, tile::kDivisibilityAttr))
      param.divisibility = divisibility.getInt();
    param.readOnly = function.getArgAttr(i, tile::kReadOnlyAttr) != nullptr;
    param.isUnsigned = function.getArgAttr(i, tile::kUnsignedAttr) != nullptr;
    out.params.push_back(std::move(param));
  }
  out_.functions.push_back(std::move(out));
  return success();
}

void ModuleWriter::writeOptions(ModuleOp module) {
  if (auto level = module->getAttrOfType<StringAttr>(tile::kLevelAttr); level && level == "layout")
    out_.level = tbc::Level::Layout;
  if (auto options = module->getAttrOfType<DictionaryAttr>(tile::kOptionsAttr))
    for (NamedAttribute option : options)
      if (auto value = dyn_cast<IntegerAttr>(option.getValue()))
        out_.options.emplace_back(option.getName().str(), value.getInt());
}

std::optional<tbc::Module> ModuleWriter::write(ModuleOp module) {
  writeOptions(module);
  for (Operation &op : *module.getBody()) {
    auto function = dyn_cast<func::FuncOp>(op);
    if (!function) {
      (void)fail(op.getLoc(), "a module holds functions only");
      return std::nullopt;
    }
    if (failed(writeFunction(function)))
      return std::nullopt;
  }
  return std::move(out_);
}

} // namespace

std::optional<tbc::Module> toBytecodeModule(ModuleOp module, DiagnosticList &diagnostics,
                                            const tile::SourceFiles &files) {
  return ModuleWriter(diagnostics, files).write(module);
}

} // namespace tessera
