// Reader.cpp - a bytecode module to tile IR
//
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/mlir/Convert.h"
#include "core/bytecode/mlir/OpNames.h"
#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace tessera {
namespace {

class ModuleReader {
public:
  ModuleReader(const tbc::Module &in, MLIRContext &context) : in_(in), context_(context), builder_(&context) {
    for (const tbc::UpstreamOp &row : tbc::kUpstreamOps)
      upstream_[row.code] = row.name;
    values_.resize(in.valueTypes.size());
  }
  OwningOpRef<ModuleOp> read();

private:
  void readFunction(const tbc::Function &function);
  // `terminator` names what Yield is in this region.
  void readRegion(const tbc::Region &region, Region &into, StringRef terminator);
  void readOp(const tbc::Op &op, StringRef terminator);
  void readConstant(const tbc::Op &op, Location loc);
  void addAttrs(const tbc::Op &op, OperationState &state);
  void addUpstreamAttrs(const tbc::Op &op, OperationState &state);
  Type typeOf(tbc::ValueId value);
  Type elemType(tbc::Elem elem);
  Attribute layoutOf(tbc::LayoutId id);
  Location locOf(tbc::LocId id);

  const tbc::Module &in_;
  MLIRContext &context_;
  OpBuilder builder_;
  std::vector<Value> values_;
  std::map<tbc::Opcode, StringRef> upstream_;
  DenseMap<tbc::TypeId, Type> types_;
  DenseMap<tbc::LocId, Location> locs_;
};

Type ModuleReader::elemType(tbc::Elem elem) {
  switch (elem) {
  case tbc::Elem::F8E5M2:
    return Float8E5M2Type::get(&context_);
  case tbc::Elem::F8E4M3FN:
    return Float8E4M3FNType::get(&context_);
  case tbc::Elem::F8E4M3FNUZ:
    return Float8E4M3FNUZType::get(&context_);
  case tbc::Elem::F8E5M2FNUZ:
    return Float8E5M2FNUZType::get(&context_);
  case tbc::Elem::F8E4B15:
    return tile::F8E4B15Type::get(&context_);
  case tbc::Elem::F16:
    return builder_.getF16Type();
  case tbc::Elem::BF16:
    return builder_.getBF16Type();
  case tbc::Elem::F32:
    return builder_.getF32Type();
  case tbc::Elem::F64:
    return builder_.getF64Type();
  case tbc::Elem::I1:
    return builder_.getI1Type();
  default:
    return builder_.getIntegerType(tbc::elemBits(elem));
  }
}

Attribute ModuleReader::layoutOf(tbc::LayoutId id) {
  if (id == tbc::kNone)
    return {};
  const tbc::LayoutData &data = in_.layouts[id];
  return tile::LinearAttr::get(&context_, data.outSizes, data.inDims, data.bases);
}

Type ModuleReader::typeOf(tbc::ValueId value) {
  Type &known = types_[in_.valueTypes[value]];
  if (known)
    return known;
  const tbc::Type &type = in_.typeOf(value);
  Type element = elemType(type.elem);
  if (type.pointer)
    element = tile::PointerType::get(element, type.addressSpace);
  if (type.kind == tbc::Type::Tensor)
    return known = RankedTensorType::get(type.shape, element, layoutOf(type.layout));
  if (type.kind == tbc::Type::Shared)
    return known = tile::SharedType::get(type.shape, element, layoutOf(type.layout));
  return known = element;
}

Location ModuleReader::locOf(tbc::LocId id) {
  if (id == tbc::kNone)
    return builder_.getUnknownLoc();
  if (auto known = locs_.find(id); known != locs_.end())
    return known->second;
  const tbc::Loc &data = in_.locs[id];
  Location loc = builder_.getUnknownLoc();
  if (data.file != tbc::kNone)
    loc = FileLineColLoc::get(&context_, in_.files[data.file], data.line, data.column);
  if (data.caller != tbc::kNone)
    loc = CallSiteLoc::get(loc, locOf(data.caller));
  locs_.try_emplace(id, loc);
  return loc;
}

// ---- ops -----------------------------------------------------------------------------------------------------------

void ModuleReader::readConstant(const tbc::Op &op, Location loc) {
  Type type = typeOf(op.results[0]);
  Value value;
  if (tile::isTilePointer(type)) {
    Value zero = tile::makeConstant(builder_, loc, tile::withElementType(type, builder_.getI64Type()),
                                    op.intAttr(tbc::AttrId::Value));
    value = tile::IntToPtrOp::create(builder_, loc, type, zero);
  } else if (isa<FloatType>(tile::elementTypeOf(type))) {
    value = tile::makeFloatConstant(builder_, loc, type, op.floatAttr(tbc::AttrId::FloatValue));
  } else if (isa<tile::F8E4B15Type>(tile::elementTypeOf(type))) {
    Value wide = tile::makeFloatConstant(builder_, loc, tile::withElementType(type, builder_.getF32Type()),
                                         op.floatAttr(tbc::AttrId::FloatValue));
    value = tile::FpToFpOp::create(builder_, loc, type, wide);
  } else {
    value = tile::makeConstant(builder_, loc, type, op.intAttr(tbc::AttrId::Value));
  }
  values_[op.results[0]] = value;
}

void ModuleReader::addUpstreamAttrs(const tbc::Op &op, OperationState &state) {
  switch (op.code) {
  case tbc::Opcode::CmpI:
    state.addAttribute("predicate", builder_.getI64IntegerAttr(op.intAttr(tbc::AttrId::Predicate)));
    break;
  case tbc::Opcode::CmpF:
    state.addAttribute("predicate", builder_.getI64IntegerAttr(op.intAttr(tbc::AttrId::Predicate)));
    break;
  case tbc::Opcode::DivF:
  case tbc::Opcode::Sqrt:
  case tbc::Opcode::Exp:
    if (op.intAttr(tbc::AttrId::Approx))
      state.addAttribute("fastmath", arith::FastMathFlagsAttr::get(&context_, arith::FastMathFlags::afn));
    break;
  case tbc::Opcode::For:
    for (auto [name, id] : {std::pair{StringRef(tile::kNumStagesAttr), tbc::AttrId::NumStages},
                            {StringRef(tile::kUnrollAttr), tbc::AttrId::Unroll},
                            {StringRef(tile::kLoopFlagsAttr), tbc::AttrId::LoopFlags}})
      if (int64_t value = op.intAttr(id))
        state.addAttribute(name, builder_.getI32IntegerAttr(value));
    if (!op.intAttr(tbc::AttrId::Signed))
      state.addAttribute("unsignedCmp", builder_.getUnitAttr());
    break;
  case tbc::Opcode::While:
    if (int64_t flags = op.intAttr(tbc::AttrId::LoopFlags))
      state.addAttribute(tile::kLoopFlagsAttr, builder_.getI32IntegerAttr(static_cast<int32_t>(flags)));
    break;
  default:
    break;
  }
}

void ModuleReader::addAttrs(const tbc::Op &op, OperationState &state) {
  bool ownsScratch = op.code != tbc::Opcode::SharedAlloc && op.code != tbc::Opcode::CopyExpect,
       isAccess = op.code == tbc::Opcode::Load || op.code == tbc::Opcode::Store || op.code == tbc::Opcode::AtomicRmw ||
                  op.code == tbc::Opcode::AsyncLoad;
  for (const tbc::Attr &attr : op.attrs) {
    // What a pass found or planned is no part of the op in the dialect.
    bool isPlanned = (ownsScratch && (attr.id == tbc::AttrId::Offset || attr.id == tbc::AttrId::Bytes)) ||
                     (isAccess && (attr.id == tbc::AttrId::Axis || attr.id == tbc::AttrId::Width));
    std::string name =
        isPlanned ? "tile." + std::string(tbc::attrInfo(attr.id)->name) : tbc::attrNameInDialect(attr.id).str();
    if (attr.id == tbc::AttrId::HasScales)
      continue; // in the operand segments
    if (const auto *text = std::get_if<std::string>(&attr.value))
      state.addAttribute(name, builder_.getStringAttr(*text));
    else if (const auto *list = std::get_if<std::vector<int64_t>>(&attr.value))
      state.addAttribute(name, builder_.getDenseI64ArrayAttr(*list));
    else if (tbc::isUnitAttr(attr.id)) {
      if (std::get<int64_t>(attr.value))
        state.addAttribute(name, builder_.getUnitAttr());
    } else if (const auto *value = std::get_if<int64_t>(&attr.value))
      state.addAttribute(name, builder_.getI32IntegerAttr(static_cast<int32_t>(*value)));
  }
  int32_t n = static_cast<int32_t>(op.operands.size());
  if (op.code == tbc::Opcode::Load)
    state.addAttribute("operandSegmentSizes", builder_.getDenseI32ArrayAttr({1, n > 1, n > 2}));
  int64_t scales = op.intAttr(tbc::AttrId::HasScales);
  if (op.code == tbc::Opcode::DotScaled)
    state.addAttribute("operandSegmentSizes",
                       builder_.getDenseI32ArrayAttr({1, 1, 1, int32_t(scales & 1), int32_t(scales >> 1 & 1)}));
}

void ModuleReader::readOp(const tbc::Op &op, StringRef terminator) {
  Location loc = locOf(op.loc);
  if (op.code == tbc::Opcode::Constant)
    return readConstant(op, loc);
  auto row = upstream_.find(op.code);
  bool isUpstream = row != upstream_.end();
  std::string name = isUpstream                      ? row->second.str()
                     : op.code == tbc::Opcode::Yield ? terminator.str()
                                                     : "tile." + std::string(tbc::opInfo(op.code)->name);
  OperationState state(loc, name);
  for (tbc::ValueId operand : op.operands)
    state.operands.push_back(values_[operand]);
  for (tbc::ValueId result : op.results)
    state.types.push_back(typeOf(result));
  if (isUpstream)
    addUpstreamAttrs(op, state);
  else
    addAttrs(op, state);
  for (size_t i = 0; i < op.regions.size(); ++i)
    state.addRegion();
  Operation *created = builder_.create(state);
  for (auto [id, result] : llvm::zip_equal(op.results, created->getResults()))
    values_[id] = result;
  StringRef inner = op.code == tbc::Opcode::If || op.code == tbc::Opcode::For || op.code == tbc::Opcode::While
                        ? "scf.yield"
                        : "tile.yield";
  for (auto [i, region] : llvm::enumerate(op.regions)) {
    bool isAbsentElse = op.code == tbc::Opcode::If && i == 1 && op.results.empty() && region.ops.size() == 1;
    if (!isAbsentElse)
      readRegion(region, created->getRegion(i), inner);
  }
}

void ModuleReader::readRegion(const tbc::Region &region, Region &into, StringRef terminator) {
  OpBuilder::InsertionGuard guard(builder_);
  Block *block = into.empty() ? &into.emplaceBlock() : &into.front();
  for (tbc::ValueId id : region.args)
    values_[id] = block->addArgument(typeOf(id), builder_.getUnknownLoc());
  builder_.setInsertionPointToEnd(block);
  for (const tbc::Op &op : region.ops)
    readOp(op, terminator);
}

void ModuleReader::readFunction(const tbc::Function &function) {
  SmallVector<Type> types;
  for (tbc::ValueId id : function.body.args)
    types.push_back(typeOf(id));
  auto op = func::FuncOp::create(builder_, locOf(function.loc), function.name, builder_.getFunctionType(types, {}));
  for (auto [i, param] : llvm::enumerate(function.params)) {
    op.setArgAttr(i, tile::kNameAttr, builder_.getStringAttr(param.name));
    if (param.divisibility != 1)
      op.setArgAttr(i, tile::kDivisibilityAttr, builder_.getI64IntegerAttr(param.divisibility));
    if (param.readOnly)
      op.setArgAttr(i, tile::kReadOnlyAttr, builder_.getUnitAttr());
    if (param.isUnsigned)
      op.setArgAttr(i, tile::kUnsignedAttr, builder_.getUnitAttr());
  }
  readRegion(function.body, op.getBody(), "func.return");
}

OwningOpRef<ModuleOp> ModuleReader::read() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder_.getUnknownLoc());
  builder_.setInsertionPointToEnd(module->getBody());
  (*module)->setAttr(tile::kLevelAttr, builder_.getStringAttr(in_.level == tbc::Level::Layout ? "layout" : "tile"));
  NamedAttrList options;
  for (const auto &[name, value] : in_.options)
    options.set(name, builder_.getI64IntegerAttr(value));
  if (!options.empty())
    (*module)->setAttr(tile::kOptionsAttr, options.getDictionary(&context_));
  for (const tbc::Function &function : in_.functions)
    readFunction(function);
  return module;
}

} // namespace

OwningOpRef<ModuleOp> fromBytecodeModule(const tbc::Module &module, MLIRContext &context, DiagnosticList &diagnostics) {
  tile::SourceFiles files;
  tile::DiagnosticCapture capture(&context, diagnostics, files, DiagId::BadBytecode);
  OwningOpRef<ModuleOp> result = ModuleReader(module, context).read();
  if (failed(verify(*result)))
    return nullptr;
  return result;
}

} // namespace tessera
