// OpNames.h - which op of the upstream dialects is which opcode; private to core/bytecode/mlir
//
// SPDX-License-Identifier: Apache-2.0
//
// An op of the tile dialect bears the name of its row in Ops.def, and its attributes those of the row (two names
// differ, because C++ reserves them).
#pragma once

#include "core/bytecode/Module.h"
#include "llvm/ADT/StringRef.h"

namespace tessera::tbc {

struct UpstreamOp {
  llvm::StringLiteral name;
  Opcode code;
};

// Elementwise ops, one to one. Constants, control flow and the casts below are converted one by one.
inline constexpr UpstreamOp kUpstreamOps[] = {
    {"arith.addi", Opcode::AddI},
    {"arith.subi", Opcode::SubI},
    {"arith.muli", Opcode::MulI},
    {"arith.divsi", Opcode::DivSI},
    {"arith.divui", Opcode::DivUI},
    {"arith.remsi", Opcode::RemSI},
    {"arith.remui", Opcode::RemUI},
    {"arith.andi", Opcode::AndI},
    {"arith.ori", Opcode::OrI},
    {"arith.xori", Opcode::XorI},
    {"arith.shli", Opcode::ShlI},
    {"arith.shrsi", Opcode::ShrSI},
    {"arith.shrui", Opcode::ShrUI},
    {"arith.minsi", Opcode::MinSI},
    {"arith.maxsi", Opcode::MaxSI},
    {"arith.minui", Opcode::MinUI},
    {"arith.maxui", Opcode::MaxUI},
    {"arith.cmpi", Opcode::CmpI},
    {"arith.addf", Opcode::AddF},
    {"arith.subf", Opcode::SubF},
    {"arith.mulf", Opcode::MulF},
    {"arith.divf", Opcode::DivF},
    {"arith.remf", Opcode::RemF},
    {"arith.negf", Opcode::NegF},
    {"arith.minnumf", Opcode::MinNumF},
    {"arith.maxnumf", Opcode::MaxNumF},
    {"arith.minimumf", Opcode::MinimumF},
    {"arith.maximumf", Opcode::MaximumF},
    {"arith.cmpf", Opcode::CmpF},
    {"arith.select", Opcode::Select},
    {"arith.trunci", Opcode::TruncI},
    {"arith.extsi", Opcode::ExtSI},
    {"arith.extui", Opcode::ExtUI},
    {"arith.sitofp", Opcode::SIToFP},
    {"arith.uitofp", Opcode::UIToFP},
    {"arith.fptosi", Opcode::FPToSI},
    {"arith.fptoui", Opcode::FPToUI},
    {"math.absi", Opcode::AbsI},
    {"math.ctlz", Opcode::CtLz},
    {"math.ctpop", Opcode::CtPop},
    {"math.cttz", Opcode::CtTz},
    {"math.fma", Opcode::Fma},
    {"math.absf", Opcode::AbsF},
    {"math.floor", Opcode::Floor},
    {"math.ceil", Opcode::Ceil},
    {"math.trunc", Opcode::Trunc},
    {"math.round", Opcode::Round},
    {"math.roundeven", Opcode::RoundEven},
    {"math.sqrt", Opcode::Sqrt},
    {"math.rsqrt", Opcode::Rsqrt},
    {"math.exp", Opcode::Exp},
    {"math.exp2", Opcode::Exp2},
    {"math.log", Opcode::Log},
    {"math.log2", Opcode::Log2},
    {"math.sin", Opcode::Sin},
    {"math.cos", Opcode::Cos},
    {"math.erf", Opcode::Erf},
    {"math.tanh", Opcode::Tanh},
    {"math.tan", Opcode::Tan},
    {"math.asin", Opcode::Asin},
    {"math.acos", Opcode::Acos},
    {"math.atan", Opcode::Atan},
    {"math.atan2", Opcode::Atan2},
    {"math.sinh", Opcode::Sinh},
    {"math.cosh", Opcode::Cosh},
    {"math.asinh", Opcode::Asinh},
    {"math.acosh", Opcode::Acosh},
    {"math.atanh", Opcode::Atanh},
    {"math.expm1", Opcode::Expm1},
    {"math.log1p", Opcode::Log1p},
    {"math.log10", Opcode::Log10},
    {"math.cbrt", Opcode::Cbrt},
    {"math.powf", Opcode::Pow},
    {"math.copysign", Opcode::CopySign},
    {"math.erfc", Opcode::Erfc},
    {"scf.if", Opcode::If},
    {"scf.for", Opcode::For},
    {"scf.while", Opcode::While},
    {"scf.condition", Opcode::Condition},
    {"func.return", Opcode::Return},
};
// Several names, one opcode: written only, except the last of each.
inline constexpr UpstreamOp kWrittenAs[] = {
    {"arith.bitcast", Opcode::Bitcast},   {"arith.extf", Opcode::FPToFP}, {"arith.truncf", Opcode::FPToFP},
    {"arith.constant", Opcode::Constant}, {"scf.yield", Opcode::Yield},   {"ub.poison", Opcode::Poison},
};

// The name of a row's attribute on the MLIR op.
inline llvm::StringRef attrNameInDialect(AttrId id) {
  if (id == AttrId::Volatile)
    return "isVolatile";
  if (id == AttrId::Signed)
    return "signedMask";
  return attrInfo(id)->name;
}

// Carried by MLIR as the presence of a unit attribute.
inline bool isUnitAttr(AttrId id) {
  switch (id) {
  case AttrId::AllowReorder:
  case AttrId::Volatile:
  case AttrId::Reverse:
  case AttrId::Descending:
  case AttrId::Hex:
  case AttrId::LhsKPack:
  case AttrId::RhsKPack:
  case AttrId::FastMath:
  case AttrId::Pure:
    return true;
  default:
    return false;
  }
}

} // namespace tessera::tbc
