// TensorMaps.cpp - what tensor maps are made of, followed back to the kernel's parameters
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/TensorMaps.h"

#include "backends/nvidia/codegen/Expressions.h"

namespace tessera::nvidia {

using tbc::AttrId;
using tbc::Op;
using tbc::Opcode;

std::vector<const Op *> tensorMapsOf(const tbc::Function &f) {
  std::vector<const Op *> maps;
  visitOps(f.body, [&](const Op &op) {
    if (op.code == Opcode::TensorMap)
      maps.push_back(&op);
  });
  return maps;
}

std::vector<MapRecipe> recipesOf(const tbc::Module &m, const tbc::Function &f, const Op *&failed) {
  ExpressionWriter expressions(m, f);
  std::vector<MapRecipe> maps;
  for (const Op *op : tensorMapsOf(f)) {
    MapRecipe map;
    map.elem = static_cast<uint8_t>(m.typeOf(op->operands[0]).elem);
    map.box = op->intsAttr(AttrId::Box);
    map.rank = static_cast<uint8_t>(map.box.size());
    map.nanFill = op->intAttr(AttrId::Fill) != 0;
    map.swizzleBytes = static_cast<uint32_t>(op->intAttr(AttrId::Swizzle));
    for (tbc::ValueId operand : op->operands) {
      map.numbers.emplace_back();
      if (!expressions.write(operand, map.numbers.back())) {
        failed = op;
        return {};
      }
    }
    maps.push_back(std::move(map));
  }
  return maps;
}

} // namespace tessera::nvidia
