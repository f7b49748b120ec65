// Shrink.h - removes ops from a failing module as long as it keeps failing
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include <functional>
#include <set>

namespace tessera::cpu {

inline void countUses(const tbc::Region &r, std::set<tbc::ValueId> &used) {
  for (const tbc::Op &op : r.ops) {
    used.insert(op.operands.begin(), op.operands.end());
    for (const tbc::Region &s : op.regions)
      countUses(s, used);
  }
}

// Calls try(op list, index) for each op without used results, last first; also replaces a loop's body by nothing but its yield.
inline bool shrinkRegion(tbc::Module &m, tbc::Region &r, const std::function<bool()> &fails) {
  bool any = false;
  for (size_t i = r.ops.size(); i-- > 0;) {
    tbc::Op &op = r.ops[i];
    if (op.code == tbc::Opcode::Return || op.code == tbc::Opcode::Yield || op.code == tbc::Opcode::Condition)
      continue;
    std::set<tbc::ValueId> used;
    countUses(m.functions[0].body, used);
    bool free = true;
    for (tbc::ValueId v : op.results)
      free &= !used.count(v);
    if (free) {
      tbc::Op saved = op;
      r.ops.erase(r.ops.begin() + long(i));
      if (fails()) {
        any = true;
        continue;
      }
      r.ops.insert(r.ops.begin() + long(i), saved);
    }
    if (r.ops[i].code == tbc::Opcode::For || r.ops[i].code == tbc::Opcode::If || r.ops[i].code == tbc::Opcode::While)
      for (tbc::Region &s : r.ops[i].regions)
        any |= shrinkRegion(m, s, fails);
    // A value replaced by an operand or an earlier value of its type.
    if (r.ops[i].results.size() == 1 && r.ops[i].regions.empty()) {
      tbc::ValueId v = r.ops[i].results[0];
      for (tbc::ValueId o : r.ops[i].operands)
        if (m.valueTypes[o] == m.valueTypes[v]) {
          tbc::Function saved = m.functions[0];
          std::function<void(tbc::Region &)> replace = [&](tbc::Region &x) {
            for (tbc::Op &p : x.ops) {
              for (tbc::ValueId &q : p.operands)
                q = q == v ? o : q;
              for (tbc::Region &s : p.regions)
                replace(s);
            }
          };
          tbc::Op keep = r.ops[i];
          std::vector<tbc::Op> before = r.ops;
          replace(m.functions[0].body);
          r.ops[i].operands = keep.operands;
          if (fails()) {
            any = true;
            break;
          }
          // Regions in `before` are copies: restore op by op.
          r.ops = before;
          std::function<void(tbc::Region &, const tbc::Region &)> restore = [&](tbc::Region &x, const tbc::Region &y) {
            for (size_t k = 0; k < x.ops.size(); ++k) {
              x.ops[k].operands = y.ops[k].operands;
              for (size_t s = 0; s < x.ops[k].regions.size(); ++s)
                restore(x.ops[k].regions[s], y.ops[k].regions[s]);
            }
          };
          restore(m.functions[0].body, saved.body);
        }
    }
  }
  return any;
}

inline void shrink(tbc::Module &m, const std::function<bool()> &fails) {
  while (shrinkRegion(m, m.functions[0].body, fails)) {
  }
}

} // namespace tessera::cpu
