// AstDump.h - a tree as text, equal to CPython 3.11's ast.dump(tree)
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/syntax/Ast.h"

#include <string>

namespace tessera::py {

// Without attributes (places). Syntax that 3.11 lacks is written as 3.12's ast.dump does (type_params only where there
// are any).
std::string dump(const Module &module);
std::string dump(const Node *node);

} // namespace tessera::py
