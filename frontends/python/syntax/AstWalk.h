// AstWalk.h - the children of a node, for walks that treat all kinds alike
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/syntax/Ast.h"

#include <functional>

namespace tessera::py {

// Calls `visit` for each non-null child (expressions, statements, patterns) in order of the source.
void forEachChild(const Node *node, const std::function<void(const Node *)> &visit);

// A node more than `limit` levels below `root`, or null. Needs no stack of its own depth.
const Node *findDeeperThan(const Node *root, unsigned limit);

} // namespace tessera::py
