// Divisions.cpp - see Divisions.h
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/Divisions.h"
#include "backends/nvidia/codegen/NvLaneTarget.h"

#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;
using tessera::tbc::Opcode;

namespace tessera::nvidia {

static std::string divisionText(bool isSigned, unsigned bits) {
  return std::string("div.") + (isSigned ? "s" : "u") + std::to_string(bits) + " $0, $1, $2;";
}

// Where a divisor is at most a power of two, as the height of a group of tiles is (min(rows left, GROUP)): its logarithm.
static std::optional<unsigned> mostlyPowerOfTwo(Value *divisor, bool isSigned) {
  const APInt *most = nullptr;
  bool isMin =
      isSigned ? match(divisor, m_SMin(m_Value(), m_APInt(most))) : match(divisor, m_UMin(m_Value(), m_APInt(most)));
  return isMin && most->isPowerOf2() && most->getActiveBits() < 32 ? std::optional(most->logBase2()) : std::nullopt;
}

// The division of a scalar, mostly of a program id or a tile's number, behind which a kernel's first copies wait: 200 clocks each by the instruction (H200,
// docs/rationale/integer-division.md). Dividends below 2^20 and positive divisors d take the quotient of floats instead: (a + 1/2) / d lies at least 1/(2d) away from
// whole numbers, and is off by half of that at most, since its relative error is about 2^-22 (1 ulp of rcp.approx, PTX ISA, "rcp"; half an ulp each of cvt.rn and mul.rn) and a + 1/2 below 2^20.
static std::string scalarDivision(bool isSigned, unsigned bits, Value *divisor) {
  std::string t = std::to_string(bits),
              text = "{\n.reg .pred p;\n.reg .b" + t + " t;\n.reg .b32 a, d;\n.reg .f32 x, y;\n";
  auto add = [&](const std::string &line) { text += line + "\n"; };
  if (std::optional<unsigned> log = mostlyPowerOfTwo(divisor, isSigned)) {
    add("setp.eq.u" + t + " p, $2, " + std::to_string(uint64_t(1) << *log) + ";");
    if (isSigned)
      add("setp.ge.and.s" + t + " p, $1, 0, p;");
    add("shr.u" + t + " $0, $1, " + std::to_string(*log) + ";");
    add("@p bra done_${:uid};");
  }
  // No bit of the divisor that makes it negative or takes more than 32 bits, none of the dividend from 2^20 on.
  uint64_t wide = bits == 64 ? (isSigned ? ~uint64_t(0x7fffffff) : ~uint64_t(0xffffffff)) : isSigned ? 0x80000000 : 0;
  add("and.b" + t + " t, $2, " + std::to_string(static_cast<int64_t>(wide)) + ";");
  add("or.b" + t + " t, t, $1;");
  add("setp.lt.u" + t + " p, t, 1048576;");
  add(bits == 64 ? "cvt.u32.u64 a, $1;\ncvt.u32.u64 d, $2;" : "mov.b32 a, $1;\nmov.b32 d, $2;");
  add("cvt.rn.f32.u32 y, d;\nrcp.approx.ftz.f32 y, y;\ncvt.rn.f32.u32 x, a;\nadd.rn.f32 x, x, 0f3F000000;");
  add("mul.rn.f32 x, x, y;\ncvt.rzi.u32.f32 a, x;");
  add(bits == 64 ? "cvt.u64.u32 $0, a;" : "mov.b32 $0, a;");
  add("@p bra done_${:uid};");
  add(divisionText(isSigned, bits));
  return text + "done_${:uid}:\n}";
}

SmallVector<Value *> divideIntegers(IRBuilderBase &b, Opcode code, ArrayRef<ArrayRef<Value *>> operands,
                                    bool isScalar) {
  Type *type = operands[0][0]->getType();
  unsigned bits = type->getIntegerBitWidth();
  if (bits < 32 || any_of(operands[1], [](Value *divisor) { return isa<Constant>(divisor); }))
    return {};
  bool isSigned = code == Opcode::DivSI || code == Opcode::RemSI;
  bool isRemainder = code == Opcode::RemSI || code == Opcode::RemUI;
  std::string letter = bits == 64 ? "l" : "r",
              constraints = (isScalar ? "=&" : "=") + letter + "," + letter + "," + letter;
  SmallVector<Value *> results;
  for (auto [a, d] : zip(operands[0], operands[1])) {
    std::string text = isScalar ? scalarDivision(isSigned, bits, d) : divisionText(isSigned, bits);
    auto *quotient = cast<CallInst>(inlinePtx(b, type, text, constraints, {a, d}, false));
    quotient->setDoesNotAccessMemory();
    quotient->setDoesNotThrow();
    quotient->addFnAttr(Attribute::WillReturn);
    results.push_back(isRemainder ? b.CreateSub(a, b.CreateMul(quotient, d)) : quotient);
  }
  return results;
}

} // namespace tessera::nvidia
