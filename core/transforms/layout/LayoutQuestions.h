// LayoutQuestions.h - ask a target for layouts, check the answers, fall back to the defaults
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/ModuleOptions.h"
#include "core/layout/MatrixLayouts.h"
#include "core/target/Target.h"
#include "core/transforms/layout/LayoutRules.h"

#include "mlir/IR/BuiltinOps.h"

namespace tessera::tile {

// How a dot is computed: by an instruction of the menu, or by multiply-adds of each lane.
struct DotPlan {
  int32_t instruction = 0; // index into the menu + 1, as the op has it
  LinearAttr a, b, accumulator;
  // Operands that the instruction takes from shared memory: the buffer's layout; a is then null, and b is null or how lanes hold it that turn it round on
  // its way there. All four null: a plain dot whose operands go through scratch, from any layout.
  LinearAttr aShared, bShared;
  bool aPasses = false; // a lies in its buffer as it came, and lanes take fragments of it from there to the unit
};

// What decides how a dot's operand should lie in shared memory.
struct OperandSource {
  bool fromMemory = false; // loaded, perhaps transposed: it can be copied there without passing through registers
  bool byEngine = false;   // as a tensor copy
  bool isOrdered = true;   // false: no dim is known along which neighbours are neighbours in memory
  unsigned fastest = 0;    // that dim
  int64_t width = 1;       // elements along it that one access may take
};

class LayoutQuestions {
public:
  LayoutQuestions(const target::Target &target, unsigned numWarps) : target_(target), numWarps_(numWarps) {}
  // A distributed layout for a tile; never null. An illegal answer of the target is replaced by the default and reported
  // as a warning at `at`.
  LinearAttr ask(target::LayoutRequest request, mlir::Operation *at);
  // For values that no memory access or dot shapes.
  LinearAttr compute(mlir::RankedTensorType type, mlir::Operation *at);
  // sourceOf: asked about the dot's a and b.
  DotPlan planDot(DotOp dot, llvm::function_ref<OperandSource(mlir::Value)> sourceOf);
  // Where instruction `index` of the menu finds the dot's a (0) or b (1) in shared memory if neighbours along dim `fastest` are neighbours there; null where
  // it does not take them that way.
  LinearAttr sharedOperand(DotOp dot, uint32_t index, unsigned operand, unsigned fastest);
  // Whether the dot, of matrices from memory, is better computed as (b^T a^T)^T: no unit reads b as it lies, and one reads a^T from shared memory that takes
  // b^T from registers.
  bool winsExchanged(DotOp dot, llvm::function_ref<OperandSource(mlir::Value)> sourceOf);
  unsigned numWarps() const { return numWarps_; }
  const target::Target &target() const { return target_; }

private:
  std::optional<layout::LinearLayout> fragment(unsigned entry, unsigned operand, int64_t rows, int64_t columns,
                                               mlir::Operation *at);
  std::optional<DotPlan> byInstruction(DotOp dot, llvm::function_ref<OperandSource(mlir::Value)> sourceOf);
  std::optional<DotPlan> byGroupInstruction(DotOp dot, uint32_t index, const target::MatrixProblem &problem,
                                            llvm::function_ref<OperandSource(mlir::Value)> sourceOf);
  LinearAttr sharedOperand(mlir::RankedTensorType type, uint32_t index, unsigned operand, unsigned fastest);
  LinearAttr passingBuffer(mlir::RankedTensorType type, OperandSource source, const layout::LinearLayout &reader,
                           mlir::Operation *at);
  bool pairRows(layout::DotLayouts &layouts, unsigned elementBits) const;

  const target::Target &target_;
  unsigned numWarps_;
};

// The dot as a question to a target's matrix menu.
target::MatrixProblem problemOf(DotOp dot);

} // namespace tessera::tile
