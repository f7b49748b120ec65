// GridStride.cpp - see GridStride.h
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/GridStride.h"

#include "backends/nvidia/codegen/Expressions.h"

namespace tessera::nvidia {

std::optional<GridStride> gridStrideOf(const tbc::Module &m, const tbc::Function &f) {
  std::optional<GridStride> stride;
  for (const tbc::Op &op : f.body.ops)
    if (op.code == tbc::Opcode::GridStride) {
      stride.emplace();
      stride->axis = static_cast<uint32_t>(op.intAttr(tbc::AttrId::Axis));
      if (!ExpressionWriter(m, f).write(op.operands[0], stride->programs))
        stride.reset();
    }
  return stride;
}

} // namespace tessera::nvidia
