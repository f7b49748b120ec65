// SlotReaders.cpp - who reads a slot of a ring, for what and until when
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/SlotReaders.h"

#include "core/ir/Tile.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tessera::tile {

void collectReaders(Value buffer, SmallVector<Operation *> &readers) {
  for (Operation *user : buffer.getUsers()) {
    readers.push_back(user);
    if (isa<SharedTransposeOp>(user))
      collectReaders(user->getResult(0), readers);
  }
}

Operation *endOfRead(Operation *reader) {
  while (auto dot = dyn_cast<AsyncDotOp>(reader))
    reader = *dot->user_begin();
  return reader;
}

Operation *userOf(Operation *reader) {
  if (!isa<SharedLoadOp>(reader))
    return reader;
  Operation *product = nullptr, *first = nullptr;
  llvm::SetVector<Operation *> reached;
  auto reach = [&](Value value) {
    for (Operation *user : value.getUsers())
      if (user->getBlock() == reader->getBlock())
        reached.insert(user);
  };
  auto earlier = [](Operation *a, Operation *b) { return !a || b->isBeforeInBlock(a) ? b : a; };
  reach(reader->getResult(0));
  for (Operation *user : reached)
    first = earlier(first, user);
  for (size_t i = 0; i < reached.size(); ++i) {
    Operation *op = reached[i];
    if (isa<DotOp, AsyncDotOp>(op))
      product = earlier(product, op);
    else if (auto store = dyn_cast<SharedStoreOp>(op))
      reach(store.getShared());
    else if (op->getNumResults() == 1)
      reach(op->getResult(0));
  }
  return product ? product : first ? first : reader;
}

} // namespace tessera::tile
