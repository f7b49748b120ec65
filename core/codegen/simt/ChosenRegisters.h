// ChosenRegisters.h - registers whose number depends on the lane and warp
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/Gf2.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"

#include <functional>
#include <map>
#include <vector>

namespace tessera::codegen::simt {

// The number of a lane (or warp) and, for each of its bits, the register bits that it flips.
struct PlaceColumns {
  llvm::Value *index; // i32
  layout::Vectors columns;
};

// at(q) is register q ^ f(lane, warp), f linear. One select for each register and each dimension of f's image, made when
// first asked for and only for what is asked; without dependence on the place it is the register itself.
class ChosenRegisters {
public:
  // registerAt(q): register q, asked at most once for each q.
  ChosenRegisters(llvm::IRBuilderBase &b, std::function<llvm::Value *(uint64_t)> registerAt,
                  llvm::ArrayRef<PlaceColumns> places);
  llvm::Value *at(uint64_t q) { return at(q, static_cast<unsigned>(flips_.size())); }

private:
  struct Flip {
    uint64_t bits;
    llvm::Value *predicate;
  };
  llvm::Value *at(uint64_t q, unsigned level);

  llvm::IRBuilderBase &b_;
  std::function<llvm::Value *(uint64_t)> registerAt_;
  llvm::SmallVector<Flip, 4> flips_;
  std::map<std::pair<unsigned, uint64_t>, llvm::Value *> known_;
};

} // namespace tessera::codegen::simt
