// Parser.h - from source text to a syntax tree, with as many errors a run as there are broken statements
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/syntax/Ast.h"

#include <memory>
#include <string>
#include <string_view>

namespace tessera::py {

// Parses a whole module. Never null; after an error (see `out`) the tree holds the statements that could be read. Any
// bytes are accepted as input: what is not Python gives diagnostics, never a crash. The tree points into `file->text`,
// which must live as long as the arena's tree is used.
Module *parseModule(const std::shared_ptr<const SourceFile> &file, Arena &arena, DiagnosticList &out);

// Parses one function, decorators included, that was cut out of a file: `file->text` may be indented as a whole and
// `file->firstLine` is the line number of its first line. Null after an error or if there is no function in it.
FunctionDef *parseFunction(const std::shared_ptr<const SourceFile> &file, Arena &arena, DiagnosticList &out);

// Parses one expression (command-line values, tests). Null after an error.
Expr *parseExpression(const std::shared_ptr<const SourceFile> &file, Arena &arena, DiagnosticList &out);

} // namespace tessera::py
