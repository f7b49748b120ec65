// Program.h - one program of a launch: all its threads, registers and shared bytes, op by op
//
// SPDX-License-Identifier: Apache-2.0
//
// Every tile value lives in the registers that its layout names. An op reads, in each thread, only what that thread (or its
// warp, where hardware shuffles) holds; anything else is an error with the op's place. All threads run in step; control flow
// is by scalars, which are uniform.
#pragma once

#include "core/bytecode/Module.h"
#include "core/interpreter/TensorArray.h"
#include "core/interpreter/Turns.h"
#include "plugins/mock/device/GlobalRaces.h"
#include "plugins/mock/device/RegisterMap.h"
#include "plugins/mock/device/SharedMemory.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace tessera::mock {

// Global memory of the device, as far as a kernel may touch it.
class GlobalMemory {
public:
  virtual ~GlobalMemory() = default;
  // Whether [address, address + bytes) lies inside one allocation.
  virtual bool holds(uint64_t address, uint64_t bytes) const = 0;
};

// What went wrong, with the place in the kernel's source. Thrown inside the device, never across the ABI.
struct Fault : std::runtime_error {
  Fault(const std::string &message, tbc::LocId loc, bool isAssert = false)
      : std::runtime_error(message), loc(loc), isAssert(isAssert) {}
  tbc::LocId loc;
  bool isAssert;
};

enum class CellState : uint8_t { Unwritten = 0, Defined = 1, Unspecified = 2 };

// A value: one cell (scalars, pointers, shared tensors: the byte offset) or a cell for each register of each thread.
struct TileValue {
  const tbc::Type *type = nullptr;
  const RegisterMap *map = nullptr; // null: uniform, one cell
  std::vector<uint64_t> bits;
  std::vector<CellState> states;
  uint64_t product = 0; // number of the product that makes it; 0: it is there
};

// What a lane copies beside itself: one element.
struct Copy {
  unsigned thread = 0;
  unsigned bytes = 0;
  uint64_t from = 0, to = 0,
           bits = 0; // from: global address, 0 masked off; to: shared byte; bits: seen when it started
};

// A product of a matrix unit that was not awaited, and the elements in shared memory that it reads.
struct Product {
  std::vector<std::pair<uint64_t, unsigned>> reads; // offset, bytes
};

// One element that a copy engine moves.
struct EngineElement {
  uint64_t global = 0, shared = 0, bits = 0; // global: 0 outside of the array
  unsigned bytes = 0;
};

// What tensor_map made: the array, and how its copies lie in shared memory.
struct MappedArray {
  scalar::TensorArray array;
  std::vector<int64_t> box;
  unsigned swizzleBytes = 0;
};

// 8 bytes of shared memory that tensor loads complete on.
struct CopyBarrier {
  int64_t arrivals = 1, arrivalsLeft = 1; // of the phase that runs
  int64_t bytesLeft = 0;                  // announced and not started yet
  uint64_t phase = 0;
  std::vector<EngineElement> inFlight;
  RoleClock arrived,
      passed; // what the roles had done when they arrived: in the phase that runs, in those that are over
};

// Register maps of a module's layouts, made once a kernel.
class LayoutTables {
public:
  // Throws Fault for a layout that this device cannot hold.
  LayoutTables(const tbc::Module &module, unsigned warps);
  const RegisterMap *of(const tbc::Type &type) const { return type.isTensor() ? maps_.at(type.layout).get() : nullptr; }
  // Shared tensors: offset (in elements) of an element.
  const std::vector<uint32_t> &sharedOffsets(const tbc::Type &type) const { return offsets_.at(type.layout); }
  const layout::LinearLayout &sharedLayout(const tbc::Type &type) const { return shared_.at(type.layout); }

private:
  std::vector<std::shared_ptr<const RegisterMap>> maps_;
  std::vector<std::vector<uint32_t>> offsets_;
  std::vector<layout::LinearLayout> shared_;
};

struct LaunchState {
  const tbc::Module &module;
  const tbc::Function &function;
  const LayoutTables &tables;
  GlobalMemory &memory;
  int32_t grid[3];
  unsigned warps;
  std::function<void(const std::string &line)> print;
  std::function<bool()> cancelled;
};

class Program {
public:
  Program(LaunchState &launch, const int32_t id[3]);
  // Runs to the end. Throws Fault.
  void run(const std::vector<uint64_t> &args);
  // Instead of run, up to the op grid_stride of the kernel's body, in front of which nothing is stored: how many programs it allows.
  int64_t programsAllowed(const std::vector<uint64_t> &args, const tbc::Op &gridStride);

private:
  using Env = std::vector<TileValue>;
  // Control flow (Program.cpp).
  void takeArguments(const std::vector<uint64_t> &args);
  void runOps(const tbc::Region &region);
  std::vector<TileValue> runRegion(const tbc::Region &region, const std::vector<TileValue> &args);
  void execute(const tbc::Op &op);
  void executeFor(const tbc::Op &op);
  void executeWhile(const tbc::Op &op);
  void executeIf(const tbc::Op &op);
  void executeRoles(const tbc::Op &op);

  // Elementwise (Elementwise.cpp).
  bool executeElementwise(const tbc::Op &op);
  void executeCreation(const tbc::Op &op);
  // Data movement between registers (Movement.cpp).
  bool executeMovement(const tbc::Op &op);
  // Memory (MemoryOps.cpp).
  bool executeMemory(const tbc::Op &op);
  void checkRuns(const tbc::Op &op, const TileValue &pointer, const TileValue *mask);
  void executeLoad(const tbc::Op &op);
  void executeStore(const tbc::Op &op);
  void executeAtomic(const tbc::Op &op);
  void executePrint(const tbc::Op &op);
  void executeAssert(const tbc::Op &op);
  void executeShared(const tbc::Op &op);
  // Beside the lanes (Async.cpp).
  bool executeAsync(const tbc::Op &op);
  void startCopies(const tbc::Op &op);
  void awaitCopies(const tbc::Op &op);
  void startProduct(const tbc::Op &op);
  void awaitProducts(const tbc::Op &op);
  std::vector<uint64_t> operandInShared(const TileValue &v, const tbc::Op &op, Product &product);
  void checkNothingRuns(const tbc::Op &last);
  // Tensor copies (TensorCopies.cpp).
  bool executeTensorCopy(const tbc::Op &op);
  std::vector<EngineElement> elementsOf(const tbc::Op &op, size_t firstCoordinate);
  void makeMap(const tbc::Op &op);
  CopyBarrier &copyBarrier(const tbc::Op &op, size_t operand);
  void makeCopyBarriers(const tbc::Op &op);
  void startTensorLoad(const tbc::Op &op);
  void awaitCopyBarrier(const tbc::Op &op);
  void arrive(const tbc::Op &op, CopyBarrier &barrier, int64_t arrivals);
  // Lands what the phase still has in flight. `why` it cannot be over yet; empty: it is.
  std::string finishPhase(CopyBarrier &barrier);
  // The first thread of the role that runs, and how many it has.
  unsigned firstThread() const { return turns_ && turns_->current() == 0 ? launch_.warps * kLanes : 0; }
  unsigned threads() const { return turns_ && turns_->current() == 0 ? 1 : launch_.warps * kLanes; }
  void startTensorStore(const tbc::Op &op);
  void awaitTensorStores(size_t pending, bool complete);
  void refuseCopyBarriers(const tbc::Op &op, uint64_t start, uint64_t bytes) const;
  // Whole tiles (TileOps.cpp).
  bool executeTile(const tbc::Op &op);
  void executeDot(const tbc::Op &op);
  void executeReduce(const tbc::Op &op);
  void executeScan(const tbc::Op &op);
  void executeMapElementwise(const tbc::Op &op);
  void executeRearranging(const tbc::Op &op); // sort, gather, histogram
  void useScratch(const tbc::Op &op, bool needed);

  // A fresh, unwritten value of the type.
  TileValue make(const tbc::Type &type) const;
  TileValue &value(tbc::ValueId id);
  void set(tbc::ValueId id, TileValue v) { values_[id] = std::move(v); }
  // A cell that an op reads; throws for one that nothing wrote.
  uint64_t read(const TileValue &v, unsigned thread, unsigned reg, const tbc::Op &op, CellState &state) const;
  uint64_t scalar(tbc::ValueId id, const tbc::Op &op);
  // The whole tensor in row-major order; all copies of an element must agree.
  void gatherTile(const TileValue &v, const tbc::Op &op, std::vector<uint64_t> &bits,
                  std::vector<CellState> &states) const;
  void scatterTile(TileValue &v, const std::vector<uint64_t> &bits, const std::vector<CellState> &states) const;
  [[noreturn]] void fail(const tbc::Op &op, const std::string &message) const;

  LaunchState &launch_;
  const tbc::Module &module_;
  int32_t id_[3];
  Env values_;
  SharedMemory shared_;
  GlobalRaces global_;
  uint64_t globalStores_ = 0;
  std::map<tbc::ValueId, std::pair<uint64_t, uint64_t>> buffers_; // of shared_alloc: slots, bytes of all
  std::vector<Copy> openGroup_;
  std::deque<std::vector<Copy>> groups_;
  std::deque<Product> products_;
  std::vector<MappedArray> arrays_;               // of tensor_map, whose value is the index + 1
  std::map<uint64_t, CopyBarrier> copyBarriers_;  // by shared byte
  std::deque<std::vector<EngineElement>> stores_; // that read shared memory
  std::vector<EngineElement> unwritten_;          // of stores that have read it
  uint64_t startedProducts_ = 0, startedLoads_ = 0;
  scalar::Turns *turns_ = nullptr; // while roles run
  std::vector<TileValue> yielded_;
  bool condition_ = false;
  uint64_t steps_ = 0;
};

} // namespace tessera::mock
