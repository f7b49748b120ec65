// Advice.h - what a kernel says instead of what it cannot say
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/syntax/AstExpr.h"

#include <string>
#include <string_view>

namespace tessera::py {

// Each gives the text of a diagnostic's help, empty where there is nothing to say that helps.

// Instead of a function of Python's that kernels have not, such as `enumerate`.
std::string_view insteadOfBuiltin(std::string_view name);

// Instead of an expression that kernels have not, such as a lambda.
std::string_view insteadOfExpression(NodeKind kind);

// Instead of a method of a tensor's that other libraries have, such as `x.float()`. PRE: tensors of the language have none of that name.
std::string_view insteadOfMethod(std::string_view name);

// Instead of a function that `triton.language` has not and other libraries have, such as `tl.tanh`. PRE: `triton.language` has none of that name.
std::string insteadOfFunction(std::string_view name);

} // namespace tessera::py
