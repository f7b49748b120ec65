// ConstantValue.h - what a constant of the source is worth at compile time
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/evaluator/HostValue.h"
#include "frontends/python/syntax/AstExpr.h"

#include <optional>

namespace tessera::py {

// Null for what has no host value: complex numbers and bytes.
std::optional<HostValue> constantValue(const Constant &constant);

} // namespace tessera::py
