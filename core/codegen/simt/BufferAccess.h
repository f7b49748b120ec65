// BufferAccess.h - how a lane's registers meet a buffer in shared memory
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/codegen/simt/AccessVectors.h"
#include "core/codegen/simt/Emitter.h"
#include "core/layout/SharedAccess.h"

#include <map>

namespace tessera::codegen::simt {

// The accesses of a lane's registers in a buffer, and the address of each: the lane's part under the bits that a register
// flips too (one xor for each distinct set of them), plus a constant that becomes the immediate offset of the access.
class BufferAccess {
public:
  BufferAccess(const layout::LinearLayout &l, const layout::LinearLayout &shared, unsigned bytes,
               unsigned maxVectorBits) {
    std::optional<layout::LinearLayout> map = l.followedByInverseOf(shared);
    if (!map)
      throw CannotLower{"a shared tensor does not hold every element of the tile"};
    offsets = std::move(*map);
    layout::SharedMemory memory;
    memory.maxVectorBytes = maxVectorBits / 8;
    int64_t width = layout::analyseAccess(l, shared, 8 * bytes, memory).vectorElements;
    vectors = accessVectors(offsets, 0, width);
    for (std::string_view in : {layout::kLane, layout::kWarp})
      for (uint64_t column : offsets.columnsOf(in))
        elsewhere |= column;
  }
  llvm::Value *address(llvm::IRBuilderBase &b, llvm::Value *base, llvm::Value *part, uint64_t at, unsigned bytes) {
    llvm::Value *&start = starts_[at & elsewhere];
    if (!start) {
      llvm::Value *offset = b.CreateXor(part, llvm::ConstantInt::get(part->getType(), at & elsewhere));
      start = b.CreateGEP(b.getInt8Ty(), base, b.CreateMul(offset, llvm::ConstantInt::get(offset->getType(), bytes)));
    }
    return b.CreateConstInBoundsGEP1_32(b.getInt8Ty(), start, static_cast<unsigned>((at & ~elsewhere) * bytes));
  }

  layout::LinearLayout offsets;
  std::vector<AccessVector> vectors;
  uint64_t elsewhere = 0; // offset bits that depend on lane or warp

private:
  std::map<uint64_t, llvm::Value *> starts_;
};

} // namespace tessera::codegen::simt
