// AllocateSharedMemory.cpp - give every shared buffer its place by liveness
//
// Before: %s = tile.shared_alloc : …          After: %s = tile.shared_alloc offset = 4096 bytes = 8192 : …
//         tile.reduce %x axis = 1 …                  tile.reduce … {tile.offset = 0 : i32, tile.bytes = 512 : i32} …
// and the module option "shared_bytes". Two buffers share bytes where their lives do not meet: a shared tensor lives from
// its alloc to its last use, a whole loop where it is used inside of one that it was allocated outside of; scratch lives
// during its op, and where that waits for all lanes to the next op that does: the two need no barrier between them then, because
// whoever writes the third has seen all lanes behind the second. Largest first, each at the lowest place that is free (first fit by size).
// Requires: no conversion crosses warps.  Establishes: offsets; total within the target's limit, or one error with a
// breakdown by buffer.  Not done here: order among accesses that share bytes (InsertBarriers).
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/Passes.h"
#include "core/transforms/layout/SharedUse.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tessera::tile {
namespace {

struct Buffer {
  Operation *op; // shared_alloc, or the op with scratch
  uint64_t bytes;
  unsigned start, end; // positions of the first and the last op of its life
  int64_t offset = 0;
};

// By size, then by time: no two buffers start at one op.
bool largerFirst(const Buffer &a, const Buffer &b) {
  return a.bytes != b.bytes ? a.bytes > b.bytes : a.start < b.start;
}

class Allocator {
public:
  Allocator(func::FuncOp function, const target::Target &target, unsigned numWarps)
      : function_(function), target_(target), numWarps_(numWarps) {}
  // Bytes in use at most.
  uint64_t plan();
  // Writes the places down; after plan().
  void write();
  const std::vector<Buffer> &buffers() const { return buffers_; }

private:
  void number();
  void addLife(SharedAllocOp alloc);
  void keepApart();
  uint64_t place(); // bytes in use at most

  func::FuncOp function_;
  const target::Target &target_;
  unsigned numWarps_;
  DenseMap<Operation *, std::pair<unsigned, unsigned>> position_; // of the op and of the last op inside of it
  std::vector<Buffer> buffers_;
};

} // namespace

void Allocator::number() {
  unsigned next = 0;
  std::function<void(Operation *)> visit = [&](Operation *op) {
    unsigned own = next++;
    for (Region &region : op->getRegions())
      for (Operation &inner : region.getOps())
        visit(&inner);
    position_[op] = {own, next - 1};
  };
  visit(function_);
}

// Scratch of one exchange is read while faster lanes write that of the next one. In a loop the last is followed by the first: an even number alternates, of an
// odd number the first has a place of its own, and one alone has only its own barrier to wait at.
// Not for lanes that hold many values: an assembler that may move work across what was a barrier is short of registers then (layer norm backward, 32 values a
// lane of each tile: a quarter slower, docs/rationale/layouts.md). Outside of loops nothing is carried around them, and twice as many may be held.
void Allocator::keepApart() {
  constexpr uint64_t kFew = 1024;         // bytes that a barrier is worth
  constexpr unsigned kFewValues = 1 << 4; // of a lane
  auto loopOf = [](const Buffer &buffer) -> Operation * {
    return buffer.op->getParentOfType<LoopLikeOpInterface>().getOperation();
  };
  auto follows = [&](const Buffer &buffer) {
    uint64_t few = loopOf(buffer) ? kFewValues : 2 * kFewValues;
    return waitsForAllLanes(buffer.op) && buffer.bytes <= kFew &&
           llvm::all_of(buffer.op->getOperands(), [&](Value source) {
             return uint64_t(1) << layoutOf(source).getLayout().inBits(layout::kRegister) <= few;
           });
  };
  std::vector<Buffer *> exchanges;
  for (Buffer &buffer : buffers_)
    if (follows(buffer))
      exchanges.push_back(&buffer);
  llvm::sort(exchanges, [](const Buffer *a, const Buffer *b) { return a->start < b->start; });
  for (size_t i = 0; i < exchanges.size(); ++i) {
    Buffer &buffer = *exchanges[i];
    Operation *loop = loopOf(buffer);
    if (i + 1 < exchanges.size())
      buffer.end = std::max(buffer.end, exchanges[i + 1]->start);
    if (!loop || (i && loopOf(*exchanges[i - 1]) == loop))
      continue;
    size_t last = i;
    while (last + 1 < exchanges.size() && loopOf(*exchanges[last + 1]) == loop)
      ++last;
    if ((last - i) % 2 == 0)
      buffer.end = std::max(buffer.end, exchanges[last]->start);
  }
}

// Every op that reaches the buffer's bytes: its users, those of its slots and transposes, and for a product that reads it the waits behind it.
static void collectUsers(Value buffer, llvm::SetVector<Operation *> &users) {
  for (Operation *user : buffer.getUsers()) {
    if (!users.insert(user))
      continue;
    if (isa<SharedSlotOp, SharedTransposeOp>(user))
      collectUsers(user->getResult(0), users);
    if (isa<AsyncDotOp>(user))
      for (Operation *wait : user->getResult(0).getUsers())
        users.insert(wait);
  }
}

void Allocator::addLife(SharedAllocOp alloc) {
  auto [start, end] = position_[alloc];
  llvm::SetVector<Operation *> users;
  collectUsers(alloc.getResult(), users);
  // Copy barriers that nothing ends are copy barriers until the kernel ends.
  auto has = [&](auto isKind) { return llvm::any_of(users, isKind); };
  if (has([](Operation *op) { return isa<CopyBarrierInitOp>(op); }) &&
      !has([](Operation *op) { return isa<CopyBarrierEndOp>(op); }))
    end = position_[function_].second;
  for (Operation *user : users) {
    // A use inside of a loop around which the buffer lives keeps it alive to the loop's end.
    Operation *inBlock = alloc->getBlock()->findAncestorOpInBlock(*user);
    // What both roles use lives until the work, which is numbered last, is done with it: by then the copies into it are over.
    if (auto roles = dyn_cast_or_null<RolesOp>(inBlock))
      for (Region &role : roles->getRegions())
        if (Operation *inRole = role.front().findAncestorOpInBlock(*user))
          inBlock = inRole;
    end = std::max(end, position_[inBlock ? inBlock : function_.getOperation()].second);
    bool known = isa<SharedStoreOp, SharedLoadOp, SharedFreeOp, SharedSlotOp, SharedTransposeOp, AsyncLoadOp,
                     AsyncDotOp, DotWaitOp, TensorLoadOp, TensorStoreOp, CopyBarrierInitOp, CopyExpectOp,
                     CopyBarrierWaitOp, CopyBarrierEndOp, CopyArriveOp>(user);
    if (!known) // carried on under another name: alive throughout
      start = 0, end = position_[function_].second;
  }
  uint64_t slots = std::max<uint64_t>(static_cast<uint64_t>(alloc.getSlots()), 1);
  buffers_.push_back({alloc, bytesOf(alloc.getType()) * slots, start, end});
}

// Bytes between which a buffer may start: matrix units and copy engines see swizzles that repeat at their own size, at most the slot's.
static uint64_t alignmentOf(const Buffer &buffer) {
  auto alloc = dyn_cast<SharedAllocOp>(buffer.op);
  if (!alloc)
    return 16; // the widest vector
  uint64_t slot = bytesOf(alloc.getType());
  return std::clamp<uint64_t>(slot & ~(slot - 1), 16, kBufferAlignment);
}

uint64_t Allocator::place() {
  std::vector<Buffer *> order;
  uint64_t total = 0;
  for (Buffer &buffer : buffers_)
    order.push_back(&buffer);
  llvm::sort(order, [](const Buffer *a, const Buffer *b) { return largerFirst(*a, *b); });
  for (size_t i = 0; i < order.size(); ++i) {
    Buffer &buffer = *order[i];
    buffer.offset = 0;
    bool moved = true;
    while (moved) { // raise it over every neighbour in time that it meets in space
      moved = false;
      for (size_t j = 0; j < i; ++j) {
        const Buffer &other = *order[j];
        bool sameTime = buffer.start <= other.end && other.start <= buffer.end;
        SharedRange mine{buffer.offset, buffer.offset + static_cast<int64_t>(buffer.bytes)};
        SharedRange theirs{other.offset, other.offset + static_cast<int64_t>(other.bytes)};
        if (sameTime && mine.meets(theirs)) {
          buffer.offset = static_cast<int64_t>(llvm::alignTo(static_cast<uint64_t>(theirs.end), alignmentOf(buffer)));
          moved = true;
        }
      }
    }
    total = std::max(total, static_cast<uint64_t>(buffer.offset) + buffer.bytes);
  }
  return total;
}

uint64_t Allocator::plan() {
  number();
  function_.walk([&](Operation *op) {
    if (auto alloc = dyn_cast<SharedAllocOp>(op))
      addLife(alloc);
    else if (uint64_t bytes = scratchBytes(op, target_.info(), numWarps_))
      buffers_.push_back({op, bytes, position_[op].first, position_[op].second});
  });
  std::vector<Buffer> together = buffers_;
  keepApart();
  uint64_t total = place();
  if (total > target_.info().sharedBytes()) { // a barrier more is better than no kernel
    buffers_ = std::move(together);
    total = place();
  }
  return llvm::alignTo(total, 16);
}

void Allocator::write() {
  Builder builder(function_.getContext());
  for (Buffer &buffer : buffers_) {
    auto offset = builder.getI32IntegerAttr(static_cast<int32_t>(buffer.offset));
    auto bytes = builder.getI32IntegerAttr(static_cast<int32_t>(buffer.bytes));
    if (auto alloc = dyn_cast<SharedAllocOp>(buffer.op)) {
      alloc.setOffsetAttr(offset);
      alloc.setBytesAttr(bytes);
    } else {
      buffer.op->setAttr(kScratchOffsetAttr, offset);
      buffer.op->setAttr(kScratchBytesAttr, bytes);
    }
  }
}

uint64_t sharedBytesNeeded(func::FuncOp function, const target::Target &target, unsigned numWarps) {
  return Allocator(function, target, numWarps).plan();
}

static std::string describe(const Buffer &buffer) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << buffer.bytes << " bytes at offset " << buffer.offset << ": ";
  if (auto alloc = dyn_cast<SharedAllocOp>(buffer.op)) {
    SharedType type = alloc.getType();
    out << "a tile of ";
    for (int64_t size : type.getShape())
      out << size << 'x';
    out << type.getElementType();
    if (alloc.getSlots())
      out << ", " << alloc.getSlots() << " of them, loaded ahead of the loop that uses them";
    else
      out << " that changes its layout between warps";
  } else {
    out << "scratch of " << buffer.op->getName();
  }
  return text;
}

static void reportOverUse(func::FuncOp function, uint64_t total, uint64_t limit, StringRef target,
                          std::vector<Buffer> buffers) {
  llvm::sort(buffers, largerFirst);
  InFlightDiagnostic error = buffers.front().op->emitError();
  error << "kernel " << function.getName() << " needs " << total << " bytes of shared memory, target " << target
        << " has " << limit << " for a block";
  for (const Buffer &buffer : ArrayRef(buffers).take_front(8))
    error.attachNote(buffer.op->getLoc()) << describe(buffer);
  if (buffers.size() > 8)
    error.attachNote(function.getLoc()) << "and " << buffers.size() - 8 << " smaller buffers";
}

StepResult allocateSharedMemory(ModuleOp module, const target::Target &target) {
  StepResult result;
  unsigned numWarps = static_cast<unsigned>(moduleOption(module, "num_warps", 4));
  uint64_t most = 0, limit = target.info().sharedBytes();
  module.walk([&](func::FuncOp function) {
    Allocator allocator(function, target, numWarps);
    uint64_t total = allocator.plan();
    allocator.write();
    most = std::max(most, total);
    result.count += static_cast<unsigned>(allocator.buffers().size());
    if (total > limit) {
      reportOverUse(function, total, limit, target.info().name, allocator.buffers());
      result.status = failure();
    }
  });
  setModuleOption(module, "shared_bytes", static_cast<int64_t>(most));
  return result;
}

} // namespace tessera::tile
