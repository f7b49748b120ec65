// Scalar.cpp - the interpreter's scalar functions under the names that the device uses
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/Scalar.h"

#include "core/interpreter/ScalarSemantics.h"

namespace tessera::mock {

bool scalarElementwise(const tbc::Op &op, const tbc::Module &module, std::span<const uint64_t> operands,
                       std::span<uint64_t> results) {
  if (op.code == tbc::Opcode::Philox) {
    scalar::philox(module.typeOf(op.operands[0]).elem, op.intAttr(tbc::AttrId::NumRounds), operands.data(),
                   results.data());
    return true;
  }
  scalar::Context context;
  scalar::Fn fn = scalar::scalarFn(module, op, context);
  if (!fn || results.size() != 1)
    return false;
  auto at = [&](size_t i) { return i < operands.size() ? operands[i] : 0; };
  results[0] = fn(context, at(0), at(1), at(2));
  return true;
}

uint64_t scalarRmw(tbc::Rmw kind, tbc::Elem elem, uint64_t old, uint64_t operand) {
  return scalar::atomicResult(kind, elem, old, operand);
}
double scalarToDouble(tbc::Elem elem, uint64_t bits) { return scalar::decodeFloat(elem, bits); }
uint64_t scalarFromDouble(tbc::Elem elem, double value) { return scalar::encodeFloat(elem, value); }
int64_t scalarToInt(tbc::Elem elem, uint64_t bits) { return scalar::signExtend(bits, scalar::intBits(elem)); }

} // namespace tessera::mock
