// Plan.h - which loops a block of ops becomes: what is fused into whom, and what needs memory of its own
//
// SPDX-License-Identifier: Apache-2.0
//
// Tensor ops without effects are evaluated inside the loops of their consumers. Roots (stores, reductions, values that need
// memory) make loops; roots over one shape share a loop where no dependence and no memory order forbids it.
#pragma once

#include "core/bytecode/Module.h"

#include <map>
#include <optional>
#include <vector>

namespace tessera::cpu {

// Memory of one tile in the program's scratch. Row-major over the shape.
struct Buffer {
  std::vector<int64_t> shape;
  tbc::Elem elem = tbc::Elem::I32;
  bool pointer = false;
  int64_t bytes = 0;
  int64_t panel = 0; // 0: row-major; else the last dim is cut into panels of this width: [..., n / panel, k, n % panel]
  int first = -1, last = -1; // positions in emission order, for sharing memory
  void *base = nullptr;      // llvm::Instruction: the address, once used
};

struct Root {
  enum Kind : uint8_t { Store, Materialise, Reduce };
  Kind kind = Store;
  int index = 0; // of the op in the block; yields come after every op
  const tbc::Op *op = nullptr;
  tbc::ValueId value = tbc::kNone; // Materialise
  int buffer = -1;                 // Materialise
  bool bind = true;                // Materialise: uses after the loop read the buffer
  std::vector<int> results;        // Reduce: a buffer for each result of rank >= 1
};

struct Item {
  bool loop = false;
  double pos = 0;
  std::vector<int64_t> shape; // loop
  std::vector<Root> roots;    // loop
  const tbc::Op *single = nullptr;
  int index = 0; // of the op in the block (loop: of its first root)
  bool reads = false, writes = false;
  std::vector<int> results; // single: buffers of tensor results
  bool zeroInit = false;    // dot: the accumulator starts at zero
};

// What the block's owner wants with what it yields: a buffer for each tensor operand of the terminator, -1 for none.
struct YieldPlan {
  std::vector<tbc::ValueId> values;
  std::vector<int> buffers;
  std::vector<tbc::ValueId> args; // the carried argument that lives in the same buffer, or kNone
};

struct FunctionFacts {
  const tbc::Module *module = nullptr;
  std::vector<const tbc::Op *> def; // by value; nullptr for parameters and arguments
  std::vector<uint32_t> argRoot;    // offset-carried arguments: their initial value, else kNone
  std::vector<Buffer> buffers;
  int newBuffer(const tbc::Type &t);
};

struct BlockPlan {
  std::vector<Item> items;
  std::map<tbc::ValueId, int> inPlace; // carried buffer that a dot's result shares
};

BlockPlan planBlock(FunctionFacts &facts, const tbc::Region &region, const YieldPlan &yields);

// An op without effects that is evaluated where it is used.
bool isInline(const tbc::Module &m, const tbc::Op &op);
// A region of scalar ops without control flow, memory, assert and print: it may run on vectors, and on lanes that do not count.
bool isStraightLine(const tbc::Region &r);

} // namespace tessera::cpu
