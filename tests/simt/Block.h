// Block.h - runs the lanes of one block after the other on one thread, each on a stack of its own, and watches them
//
// SPDX-License-Identifier: Apache-2.0
//
// A lane runs until it waits for others (a barrier, an exchange, a phase of a copy barrier) or ends. When all lanes of a warp stand still the exchange
// they wait in is done; when all warps, or all of a part of the block, stand at their barrier it is passed. Errors, each with the kernel's line: lanes of
// a warp in different exchanges, a lane that ended while others wait, races and unwritten bytes in shared memory, accesses outside of
// every allocation or less aligned than the code says. The first error ends the block. Not thread-safe.
#pragma once

#include "core/target/MatrixMenu.h"
#include "tests/simt/CopyEngine.h"
#include "tests/simt/Fiber.h"
#include "tests/simt/Lane.h"
#include "tests/simt/Products.h"
#include "tests/simt/SharedBytes.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tessera::simt {

// The matrix instructions of the device: the entries and what of a fragment each register of a lane holds.
const std::vector<target::MatrixEntry> &matrixMenu();
// These and those of groups of four warps, which read b, and perhaps a, from shared memory beside the lanes: 64 x N of f16, f32, i8, f8e5 and f8e4nv, of which only f16 may have its k
// across rows.
const std::vector<target::MatrixEntry> &groupMenu();

struct BlockError {
  std::string message;        // empty: none
  std::string file, function; // of a failed assert
  uint32_t line = 0;
  bool isAssert = false;
};

struct BlockOptions {
  unsigned threads = 128, lanes = 32;
  uint64_t sharedBytes = 0;
  std::function<bool(const void *address, uint64_t bytes)> holds; // inside one allocation of global memory?
  std::function<void(const std::string &line)> print;
};

class Block {
public:
  explicit Block(BlockOptions options);
  ~Block();
  // args: packed as the entry takes them.
  BlockError run(KernelEntry kernel, const void *args, const int32_t program[3], const int32_t numPrograms[3]);

private:
  enum class At : uint8_t {
    Running,
    Exchange,
    Reduce,
    Matrix,
    GroupMatrix,
    WarpBarrier,
    BlockBarrier,
    PartBarrier,
    CopyBarrier,
    Ended
  };
  struct AsyncCopy {
    uint8_t *to = nullptr;
    const void *from = nullptr; // null: zeros
    uint32_t bytes = 0;
  };
  struct State : Lane {
    Block *block = nullptr;
    std::unique_ptr<Fiber> fiber;
    At at = At::Ended;
    uint32_t site = 0, line = 0, value = 0, source = 0;
    const uint64_t *a = nullptr, *b = nullptr; // of a matrix instruction
    uint64_t *c = nullptr;
    uint32_t aCount = 0, bCount = 0, cCount = 0;
    GroupOperands operands;                     // of a group's instruction
    uint64_t barrier = 0, parity = 0;           // of a copy barrier that it waits for
    std::vector<std::vector<AsyncCopy>> copies; // its groups of copies that have not landed; the last one is open
  };
  static const Services services;
  static State &of(Lane *lane) { return *static_cast<State *>(lane); }
  static void laneMain(void *state);
  static void print(Lane *lane, const char *prefix, uint32_t operand, uint32_t operands, uint32_t elem, uint32_t flags,
                    uint64_t bits, const int64_t *index, uint32_t rank);

  // Called on a lane's stack. wait: until the exchange is done. stop: never comes back.
  void wait(State &lane, At at, uint32_t site, uint32_t line);
  void stop(State &lane, std::string message, uint32_t line);
  void settle(State &lane);
  void stopIf(State &lane, std::string why, uint32_t line) {
    if (!why.empty())
      stop(lane, std::move(why), line);
  }
  // All but the youngest `pending` groups of the lane's copies land, as late as they may: what they read is what is there now.
  void land(State &lane, uint32_t pending, uint32_t line);
  void access(State &lane, const void *address, uint32_t bytes, uint32_t align, uint32_t kind, uint32_t line);

  // Called by the scheduler.
  bool runWarp(unsigned warp); // false: an error
  bool finishExchange(unsigned warp);
  bool passBlockBarrier();
  bool passPartBarrier(); // whether one could be passed
  bool groupMatrix();     // whether one could be done, or failed
  bool allStandStill();   // an error: nobody can go on
  bool matrix(unsigned warp);
  bool fail(const State &lane, const std::string &message);
  std::string describe(const State &lane) const;

  BlockOptions options_;
  std::vector<std::unique_ptr<State>> lanes_;
  SharedBytes shared_;
  CopyEngine engine_;
  Products products_;
  KernelEntry kernel_ = nullptr;
  const void *args_ = nullptr;
  BlockError error_;
  bool progress_ = false; // a lane has run since the warps were last gone through
};

} // namespace tessera::simt
