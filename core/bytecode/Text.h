// Text.h - modules as readable text, both ways
//
// SPDX-License-Identifier: Apache-2.0
//
//   kernel @add(%x: ptr<f32> {divisibility = 16, readonly}, %n: i32) {
//     %pid = program_id {axis = 0}
//     %i = arange {start = 0, end = 128}
//     %n_ = splat %n : tensor<128xi32>
//     %m = cmpi %i, %n_ {predicate = 2}                         // slt
//     %p = splat %x : tensor<128xptr<f32>>
//     %q = addptr %p, %i
//     %v = load %q, %m loc("k.py":3:5)
//     %s = reduce %v {axis = 0} {                               // regions: one pair of braces each
//       (%a: f32, %b: f32)
//       %c = addf %a, %b
//       yield %c
//     }
//     return
//   }
//
// An op is `results = name operands {attributes} : result types regions loc(…)`; result types may be left out where they
// follow from the rest (Infer.h). Predicates, kinds and other enumerations may be given by name (`slt`, `fadd`, `acquire`).
// Around the kernels: `level layout`, `producer "…"`, `option num_warps = 4`, and layouts,
// `layout #0 sizes [8, 4] {register = [[1, 0]], lane = [[2, 0], [0, 1]]}`, used as `tensor<8x4xf32, #0>`.
// Names of values are not kept: printing numbers them. `//` starts a comment.
#pragma once

#include "core/bytecode/Module.h"

#include <optional>

namespace tessera::tbc {

struct PrintOptions {
  bool locations = true;
};
std::string print(const Module &module, const PrintOptions &options = {});
std::string printOp(const Module &module, const Op &op); // one op, without its regions
std::string typeText(const Module &module, const Type &type);

struct ParseResult {
  std::optional<Module> module;
  std::string error; // "line 3, column 7: …"
  explicit operator bool() const { return module.has_value(); }
};
// Text to a module; not verified. Safe for any text, up to kMaxDepth nested regions.
ParseResult parse(std::string_view text);

} // namespace tessera::tbc
