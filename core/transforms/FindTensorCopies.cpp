// FindTensorCopies.cpp - loads and stores through pointers whose addresses are those of windows on an array become accesses by descriptor
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %p = tile.addptr splat(tile.addptr %a, %moved), (m % M) * row + k ; %v = tile.load %p mask k < K - %i other 0     in a loop, for a dot
// After:  %v = tile.descriptor_load %a shape[M, K] strides[row, 1] offsets[m, %i]
// What a window is, and how it is found: ArrayWindow.h.
// Which loads: those that go straight to a dot of their own loop; all of a loop's, or none; of a loop whose products go into one another, as an attention's, where the copies will be those of roles. Everything that copies need (docs/rationale/descriptors.md) is proven:
// alignment from the parameters' facts, places that are not negative (beyond the array's start a copy would read zeros), an array that no pointer of the kernel
// writes.
// Which stores: of products' results, in a loop over tiles whose loads for dots are all copies: the store has an operand that says whether the arrays overlap, computed in
// front of the loop.
// Requires: addresses as base + scalar + offsets, equal ops merged.  Leaves: dead addresses, for the stages behind.
// Not done here: loads outside of loops; several stores; a store behind the only loop, which is slower as a copy (docs/rationale/descriptors.md).
#include "core/ir/GroupPair.h"
#include "core/transforms/ArrayWindow.h"
#include "core/transforms/CopiedArrays.h"
#include "core/transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILEFINDTENSORCOPIESPASS
#include "core/transforms/Passes.h.inc"

namespace {

// A load and what it becomes.
struct Window : ArrayWindow {
  LoadOp load;
};

struct FindTensorCopies final : impl::TileFindTensorCopiesPassBase<FindTensorCopies> {
  using Base::Base;
  void runOnOperation() override;

private:
  // Finds the loads' windows; false: one of them stays, so all do.
  bool runOn(scf::ForOp loop, MutableArrayRef<LoadOp> loads, std::vector<Window> &windows);
  void replaceAll(ArrayRef<Window> windows);
  // Each empty, or why the load stays.
  std::string whyNot(LoadOp load);
  void replace(const Window &window);
  std::string whyNot(StoreOp store);
  std::string whyNotInLoop(llvm::MapVector<scf::ForOp, SmallVector<LoadOp>> &loops);
  std::string findWindow(StoreOp store, ArrayWindow &window);
  void replace(StoreOp store, const ArrayWindow &window, Value overlaps);

  int64_t largest_ = 0; // tile, in bytes
  size_t kept_ = 0;
  SmallVector<Value> stored_;
  StoreOp
      storeOfTiles_; // the kernel's only write, in a loop over tiles, while it is asked whether that and the loop's loads can all be copies
  std::optional<AxisFacts> facts_;
  std::optional<IntegerRanges> ranges_;
};

} // namespace

// ---- which loads -------------------------------------------------------------------------------------------------------

// Whether a dot of the load's block takes the tile as it is, or transposed.
static bool feedsDot(LoadOp load) {
  return llvm::any_of(load->getUsers(), [&](Operation *user) {
    auto transpose = dyn_cast<TransposeOp>(user);
    if (transpose && transpose->hasOneUse())
      user = *transpose->user_begin();
    return isa<DotOp>(user) && user->getBlock() == load->getBlock();
  });
}

// Whether a product of the loop goes into another one's operand: the lanes work between them, as in an attention.
static bool hasChainedDots(scf::ForOp loop) {
  llvm::DenseSet<Operation *> follows; // what a dot's result goes into
  bool chained = false;
  for (Operation &op : *loop.getBody()) {
    auto fromDot = [&](Value operand) {
      Operation *from = operand.getDefiningOp();
      return from && (isa<DotOp>(from) || follows.contains(from));
    };
    if (auto dot = dyn_cast<DotOp>(op))
      chained |= fromDot(dot.getA()) || fromDot(dot.getB());
    else if (llvm::any_of(op.getOperands(), fromDot))
      follows.insert(&op);
  }
  return chained;
}

// Whether a unit can read the tile where a copy puts it: of 2 bytes any, of bytes what is contiguous along k.
static bool isTakenAsCopied(LoadOp load, unsigned contiguous) {
  if (bitWidthOf(cast<RankedTensorType>(load.getType()).getElementType()) == 16)
    return true;
  auto takes = [&](DotOp dot, Value operand, unsigned dim) {
    return (dot.getA() != operand || dim == 1) && (dot.getB() != operand || dim == 0) && dot.getC() != operand;
  };
  return llvm::all_of(load->getUsers(), [&](Operation *user) {
    if (auto transpose = dyn_cast<TransposeOp>(user))
      return llvm::all_of(transpose->getUsers(), [&](Operation *next) {
        auto dot = dyn_cast<DotOp>(next);
        return dot && takes(dot, transpose.getResult(), 1 - contiguous);
      });
    auto dot = dyn_cast<DotOp>(user);
    return dot && takes(dot, load.getResult(), contiguous);
  });
}

// Whether the loop, or one around it, asks for roles.
static bool asksForRoles(scf::ForOp loop) {
  constexpr int64_t kWarpSpecialize = 2; // bit 1 of loop_flags
  for (Operation *around = loop; around; around = around->getParentOp())
    if (auto flags = around->getAttrOfType<IntegerAttr>(kLoopFlagsAttr);
        flags && (flags.getInt() & kWarpSpecialize) != 0)
      return true;
  return false;
}

// Whether copies of a loop of chained products will be those of roles (SpecializedLoop::wins, by what is known here): nobody has measured that they are worth it
// otherwise. Two products, of one row of instructions for each of two groups, that leave no second block room beside the queries and three slots.
static bool getsRoles(scf::ForOp loop) {
  if (asksForRoles(loop))
    return true;
  auto pair = loop->getParentOfType<ModuleOp>()->getAttrOfType<DenseI64ArrayAttr>(kGroupPairAttr);
  auto dots = llvm::to_vector(loop.getBody()->getOps<DotOp>());
  if (!pair || dots.size() != 2)
    return false;
  int64_t warps = pair[0], sharedBytes = pair[1];
  constexpr int64_t kRows = 16, kSlots = 3; // rows of an instruction that a subgroup has; slots that loads ahead need
  int64_t bytes = 0;
  for (DotOp dot : dots) {
    auto a = cast<RankedTensorType>(dot.getA().getType()), b = cast<RankedTensorType>(dot.getB().getType());
    if (a.getRank() != 2 || a.getShape()[0] != kRows * warps)
      return false;
    bytes += kSlots * b.getNumElements() * bitWidthOf(b.getElementType()) / 8;
    if (dot == dots.front())
      bytes += a.getNumElements() * bitWidthOf(a.getElementType()) / 8;
  }
  return bytes > sharedBytes / 2;
}

static bool isZero(Value value) {
  TypedAttr constant = splatConstantOf(value);
  if (auto number = dyn_cast_or_null<FloatAttr>(constant))
    return number.getValue().isPosZero();
  auto number = dyn_cast_or_null<IntegerAttr>(constant);
  return number && number.getValue().isZero();
}

// Whether the kernel hears of what other programs store, or may: then its own order of memory counts. A barrier of a kernel that does not orders what its lanes
// store, which comes behind the loads in question (followsStore), with nothing of them.
static bool hearsOfOthers(func::FuncOp function) {
  bool hears = false, meets = false, orders = false;
  function.walk([&](Operation *op) {
    auto load = dyn_cast<LoadOp>(op);
    bool isAtomic = isa<AtomicRmwOp, AtomicCasOp>(op);
    orders |= isAtomic && !op->getResult(0).use_empty();
    hears |= isAtomic || (load && (load.getIsVolatile() || load.getCache() == Cache::CV));
    meets |= isa<BarrierOp>(op);
  });
  return orders || (hears && meets);
}

// Whether the program may store something, to whatever array, before it comes to the load: another parameter may be the same array.
static bool followsStore(LoadOp load, StoreOp butThis) {
  auto stores = [&](Operation *op) {
    return op
        ->walk([&](Operation *inner) {
          bool stores = isa<StoreOp, AtomicRmwOp, AtomicCasOp, DescriptorStoreOp>(inner) && inner != butThis;
          return stores ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  };
  for (Operation *op = load; !isa<func::FuncOp>(op); op = op->getParentOp()) {
    if (isa<LoopLikeOpInterface>(op) && stores(op))
      return true;
    for (Operation *before = op->getPrevNode(); before; before = before->getPrevNode())
      if (stores(before))
        return true;
  }
  return false;
}

std::string FindTensorCopies::whyNot(LoadOp load) {
  auto type = cast<RankedTensorType>(load.getType());
  unsigned bits = bitWidthOf(type.getElementType());
  if (!type.getElementType().isIntOrFloat() || bits < 8 || bits > 16)
    return "its elements are not of 1 or 2 bytes";
  int64_t bytes = type.getNumElements() * bits / 8;
  if (type.getRank() != 2 || bytes > largest_ || bytes < kMinCopiedBytes)
    return "no tile of this shape is copied as a whole";
  // Copies go past the first cache as CG does.
  if (load.getIsVolatile() || !llvm::is_contained({Cache::None, Cache::CG}, load.getCache()) ||
      load.getEvict() != Evict::Normal)
    return "it is volatile, or says how to cache";
  if (load.getOther() && !isZero(load.getOther()))
    return "its `other` is not zero";
  Value array = arrayParameter(load.getPtr());
  if (!array)
    return "its array is no parameter";
  if (llvm::any_of(stored_, [&](Value other) { return !other || other == array; }))
    return "the kernel stores to its array, or to one that is not known";
  if (followsStore(load, storeOfTiles_))
    return "stores come before it, perhaps to the same memory";
  return {};
}

// ---- which stores ------------------------------------------------------------------------------------------------------

// Whether a product goes into the value, element by element.
static bool isOfProducts(Value value) {
  constexpr size_t kMost = 64;
  llvm::SetVector<Value> seen;
  seen.insert(value);
  for (size_t i = 0; i < seen.size() && seen.size() < kMost; ++i) {
    Operation *op = seen[i].getDefiningOp();
    if (!op)
      continue;
    if (isa<DotOp>(op))
      return true;
    if (auto loop = dyn_cast<scf::ForOp>(op))
      seen.insert(loop.getTiedLoopYieldedValue(loop.getTiedLoopRegionIterArg(cast<OpResult>(seen[i])))->get());
    else if (op->getNumRegions() == 0 && (isa<arith::ArithDialect>(op->getDialect()) || isa<FpToFpOp, HintOp>(op) ||
                                          op->getDialect()->getNamespace() == "math"))
      for (Value operand : op->getOperands())
        if (isa<RankedTensorType>(operand.getType()))
          seen.insert(operand);
  }
  return false;
}

// Whether the program comes to `other` when it has passed the op, which stands in no loop.
static bool comesBehind(Operation *op, Operation *other) {
  for (Operation *own = op; !isa<func::FuncOp>(own); own = own->getParentOp())
    if (Operation *there = own->getBlock()->findAncestorOpInBlock(*other))
      return there != own && own->isBeforeInBlock(there);
  return false;
}

std::string FindTensorCopies::whyNot(StoreOp store) {
  constexpr int64_t kLeastBytes = 8 << 10, kLeastRowBytes = 64; // of what pays for a buffer, a barrier and a wait
  auto type = dyn_cast<RankedTensorType>(store.getValue().getType());
  if (!type || type.getRank() != 2 || !isOfProducts(store.getValue()))
    return "it stores no product";
  unsigned bits = bitWidthOf(type.getElementType());
  if (!type.getElementType().isIntOrFloat() || bits < 8 || bits > 16)
    return "its elements are not of 1 or 2 bytes";
  int64_t bytes = type.getNumElements() * bits / 8;
  if (bytes > largest_ || bytes < kLeastBytes || type.getShape().back() * bits / 8 < kLeastRowBytes)
    return "no tile of this shape is stored as a whole";
  if (store.getCache() != Cache::None || store.getEvict() != Evict::Normal)
    return "it says how to cache";
  return kept_ >= kMaxCopiedArrays ? "the kernel has too many tensor copies" : "";
}

std::string FindTensorCopies::findWindow(StoreOp store, ArrayWindow &window) {
  std::string why = WindowFinder(*facts_, *ranges_).find(store, window);
  return why.empty() && window.contiguous + 1 != window.dims.size() ? "its rows are not contiguous" : why;
}

void FindTensorCopies::replace(StoreOp store, const ArrayWindow &window, Value overlaps) {
  OpBuilder b(store);
  WindowOperands operands = makeOperands(b, store.getLoc(), window);
  DescriptorStoreOp::create(b, store.getLoc(), store.getValue(), operands.base, operands.shape, operands.strides,
                            operands.offsets, overlaps);
  store.erase();
  ++kept_;
  ++numStores;
}

// ---- loops over tiles --------------------------------------------------------------------------------------------------

// The kernel's only write, if it is a tile's in a loop that stands in none.
static StoreOp storeInLoop(func::FuncOp function) {
  StoreOp only;
  bool isOnly = true;
  function.walk([&](Operation *op) {
    if (isa<AtomicRmwOp, AtomicCasOp, DescriptorStoreOp>(op) || (isa<StoreOp>(op) && only))
      isOnly = false;
    else if (auto store = dyn_cast<StoreOp>(op))
      only = store;
  });
  bool isInLoop =
      only && isOnly && isa<scf::ForOp>(only->getParentOp()) && isa<func::FuncOp>(only->getParentOp()->getParentOp());
  return isInLoop && isa<RankedTensorType>(only.getValue().getType()) ? only : StoreOp();
}

// Whether what is loaded goes nowhere but to what a tile's store, in a loop over tiles, needs: then it is there before the store starts.
static bool isUsedBefore(LoadOp load, StoreOp store) {
  constexpr size_t kMost = 128;
  Operation *outer = store->getParentOp();
  llvm::SetVector<Value> seen;
  seen.insert(load.getResult());
  for (size_t i = 0; i < seen.size(); ++i)
    for (Operation *user : seen[i].getUsers()) {
      Operation *there = store->getBlock()->findAncestorOpInBlock(*user);
      if (seen.size() > kMost || (there ? store->isBeforeInBlock(there) : comesBehind(outer, user)))
        return false;
      Operation *holder = isa<scf::YieldOp>(user) ? user->getParentOp() : user;
      seen.insert(holder->getResults().begin(), holder->getResults().end());
      if (auto loop = dyn_cast<scf::ForOp>(holder); loop && holder != outer)
        seen.insert(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
    }
  return true;
}

// The loop over tiles around storeOfTiles_: all of its accesses become copies, or none. What a copy engine loads for a tile it may load before the last one is stored: in order where
// the arrays overlap (SpecializeRoles, LowerTensorCopies), which the program asks once.
std::string FindTensorCopies::whyNotInLoop(llvm::MapVector<scf::ForOp, SmallVector<LoadOp>> &loops) {
  auto outer = cast<scf::ForOp>(storeOfTiles_->getParentOp());
  auto function = outer->getParentOfType<func::FuncOp>();
  ArrayWindow stored;
  std::string why = whyNot(storeOfTiles_);
  if (why.empty())
    why = findWindow(storeOfTiles_, stored);
  if (!why.empty())
    return why;
  std::vector<Window> windows;
  size_t inLoop = 0;
  for (auto &[loop, loads] : loops) {
    if (!outer->isProperAncestor(loop))
      continue;
    inLoop += loads.size();
    if (!runOn(loop, loads, windows))
      return "a load of its loop stays by pointer";
  }
  if (!inLoop || kept_ + windows.size() >= kMaxCopiedArrays)
    return "its loop loads nothing that can be copied";
  auto isCopied = [&](Operation *load) {
    return llvm::any_of(windows, [&](Window &window) { return window.load.getOperation() == load; });
  };
  // Also loads by lanes come behind the store of the tile before where they may overlap it; and before this tile's, which a lane stores behind what it made of them.
  std::vector<ArrayWindow> read(windows.begin(), windows.end());
  function.walk([&](Operation *op) {
    auto load = dyn_cast<LoadOp>(op);
    if (isa<DescriptorLoadOp>(op) || (load && !isCopied(load) && comesBehind(outer, load)))
      why = "the program loads something else too";
    if (!load || isCopied(load))
      return;
    if (!isUsedBefore(load, storeOfTiles_))
      why = "what lanes load is used behind the store";
    else if (outer->isProperAncestor(load) &&
             !WindowFinder(*facts_, *ranges_).findReach(load, read.emplace_back()).empty())
      why = "how far the accesses of its loop reach is not known before the launch";
  });
  if (!why.empty())
    return why;
  Value overlaps;
  for (const ArrayWindow &window : read) {
    Value own = makeOverlap(outer, *facts_, stored, window);
    if (!own)
      return "how far the accesses of its loop reach is not known before the launch";
    OpBuilder b(outer);
    overlaps = overlaps ? arith::OrIOp::create(b, outer.getLoc(), overlaps, own) : own;
  }
  replaceAll(windows);
  replace(storeOfTiles_, stored, overlaps);
  return {};
}

// ---- the change --------------------------------------------------------------------------------------------------------

void FindTensorCopies::replace(const Window &window) {
  LoadOp load = window.load;
  OpBuilder b(load);
  WindowOperands operands = makeOperands(b, load.getLoc(), window);
  SmallVector<int64_t> extents, back(operands.order.size());
  for (auto [at, d] : llvm::enumerate(operands.order)) {
    extents.push_back(window.type.getShape()[d]);
    back[d] = static_cast<int64_t>(at);
  }
  Value tile =
      DescriptorLoadOp::create(b, load.getLoc(), RankedTensorType::get(extents, window.type.getElementType()),
                               operands.base, operands.shape, operands.strides, operands.offsets, Padding::Zero);
  if (!llvm::is_sorted(operands.order))
    tile = TransposeOp::create(b, load.getLoc(), tile, back);
  load.getResult().replaceAllUsesWith(tile);
  load.erase();
}

void FindTensorCopies::replaceAll(ArrayRef<Window> windows) {
  for (const Window &window : windows)
    replace(window);
  kept_ += windows.size();
  numFound += static_cast<unsigned>(windows.size());
}

bool FindTensorCopies::runOn(scf::ForOp loop, MutableArrayRef<LoadOp> loads, std::vector<Window> &windows) {
  bool meets = loop->walk([](BarrierOp) { return WalkResult::interrupt(); }).wasInterrupted();
  bool all = kept_ + loads.size() <= kMaxCopiedArrays, chained = hasChainedDots(loop) && !getsRoles(loop);
  for (LoadOp load : loads) {
    Window window;
    window.load = load;
    std::string why = chained ? "products of its loop go into one another"
                      : meets ? "its loop has a barrier"
                              : whyNot(load);
    if (why.empty())
      why = WindowFinder(*facts_, *ranges_).find(load, window);
    if (why.empty() && !isTakenAsCopied(load, window.contiguous))
      why = "the matrix unit cannot read it as it lies";
    if (why.empty()) {
      windows.push_back(std::move(window));
      continue;
    }
    all = false;
    if (remarks && !storeOfTiles_)
      load.emitRemark() << "the load stays by pointer: " << why;
  }
  return all;
}

void FindTensorCopies::runOnOperation() {
  func::FuncOp function = getOperation();
  auto bytes = function->getParentOfType<ModuleOp>()->getAttrOfType<IntegerAttr>(kTensorCopyBytesAttr);
  if (!bytes || function.isExternal())
    return markAllAnalysesPreserved();
  llvm::MapVector<scf::ForOp, SmallVector<LoadOp>> loops;
  bool hasCode = false; // of the target, that may do anything
  kept_ = 0;
  function.walk([&](Operation *op) {
    kept_ += isa<DescriptorLoadOp, DescriptorStoreOp>(op);
    hasCode |= isa<InlineAsmOp>(op) && !isPure(op);
    auto load = dyn_cast<LoadOp>(op);
    auto loop = load ? dyn_cast<scf::ForOp>(load->getParentOp()) : scf::ForOp();
    if (loop && isa<RankedTensorType>(load.getType()) && feedsDot(load))
      loops[loop].push_back(load);
  });
  if (loops.empty() || hasCode || hearsOfOthers(function))
    return markAllAnalysesPreserved();
  largest_ = bytes.getInt();
  stored_ = storedByPointers(function);
  facts_.emplace(function);
  ranges_.emplace(function);
  storeOfTiles_ = ordersMemory(function) ? StoreOp() : storeInLoop(function);
  if (storeOfTiles_) {
    Operation *outer = storeOfTiles_->getParentOp();
    std::string why = whyNotInLoop(loops);
    if (why.empty())
      loops.remove_if([&](const auto &entry) { return outer->isProperAncestor(entry.first); });
    else if (remarks)
      storeOfTiles_.emitRemark() << "the loop over tiles keeps its pointers: " << why;
    storeOfTiles_ = nullptr;
  }
  for (auto &[loop, loads] : loops)
    if (std::vector<Window> windows; runOn(loop, loads, windows))
      replaceAll(windows);
  facts_.reset();
  ranges_.reset();
}

} // namespace tessera::tile
