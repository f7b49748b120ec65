// Expressions.h - values of a kernel that follow from its parameters, as expressions of the driver role
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/image/Expressions.h"
#include "core/bytecode/Module.h"

#include <functional>
#include <map>

namespace tessera::nvidia {

// Every op of the region, also of inner ones, in order.
void visitOps(const tbc::Region &region, const std::function<void(const tbc::Op &)> &visit);

// Of one kernel; the module and the function outlive it.
class ExpressionWriter {
public:
  ExpressionWriter(const tbc::Module &m, const tbc::Function &f);
  // Appends the code of the value; false where it does not follow from parameters by ops that expressions have.
  bool write(tbc::ValueId value, Expression &code, unsigned depth = 1) const;

private:
  const tbc::Module &m_;
  std::map<tbc::ValueId, uint64_t> arguments_; // bytes << 8 | offset << 16
  std::map<tbc::ValueId, const tbc::Op *> definition_;
};

} // namespace tessera::nvidia
