// VerifyOps.h - the per-op half of the verifier; private to core/bytecode
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include <functional>

namespace tessera::tbc {

using FailFn = std::function<void(std::string)>;

// Counts of operands, results and regions, and the attributes, against the table. False: the types must not be looked at.
bool verifyCounts(const Op &op, const OpInfo &info, const FailFn &fail);
// Types. All value ids are in range and the counts hold; regions have their terminators.
void verifyTypes(const Module &m, const Op &op, const FailFn &fail);

// What operand i of this op is called in messages.
std::string operandName(const Op &op, size_t i);

} // namespace tessera::tbc
