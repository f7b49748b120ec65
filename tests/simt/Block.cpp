// Block.cpp - the scheduler of a block's lanes and the services that their code calls
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/Block.h"

#include "core/bytecode/Module.h"
#include "core/interpreter/PrintFormat.h"
#include "core/interpreter/ScalarSemantics.h"
#include "core/target/ElementNumber.h"
#include "core/target/GenericTarget.h"

#include <algorithm>
#include <cstring>

namespace tessera::simt {

namespace {

// Code that was hardly optimised keeps every register of a large tile on the stack.
constexpr size_t kStackBytes = 1 << 20;

std::string named(const char *what, unsigned number) { return std::string(what) + " " + std::to_string(number); }

} // namespace

const std::vector<target::MatrixEntry> &matrixMenu() {
  static const std::vector<target::MatrixEntry> menu = [] {
    std::vector<target::MatrixEntry> m;
    auto add = [&](const char *id, unsigned k, uint8_t ab, uint8_t c) {
      target::MatrixEntry e;
      e.id = id;
      e.m = e.nMin = e.nMax = 16;
      e.k = k;
      e.lanes = 32;
      e.a = e.b = ab;
      e.c = e.d = c;
      e.issueCycles = 16;
      e.latency = 32;
      m.push_back(e);
    };
    add("simt.mma.16x16x16.f16", 16, target::kElemF16, target::kElemF32);
    add("simt.mma.16x16x16.bf16", 16, target::kElemBF16, target::kElemF32);
    add("simt.mma.16x16x32.i8", 32, target::kElemI8, target::kElemI32);
    return m;
  }();
  return menu;
}

const std::vector<target::MatrixEntry> &groupMenu() {
  static const std::vector<target::MatrixEntry> menu = [] {
    std::vector<target::MatrixEntry> m = matrixMenu();
    auto add = [&](const char *id, unsigned k, uint8_t ab, uint8_t c) {
      target::MatrixEntry e;
      e.id = id;
      e.m = 64;
      e.nMin = e.nStep = 16;
      e.nMax = 64;
      e.k = k;
      e.lanes = 32 * Products::kWarps;
      e.a = e.b = ab;
      e.c = e.d = c;
      e.aSpaces = target::kInRegisters | target::kInShared;
      e.bSpaces = target::kInShared;
      e.flags = target::kMatrixAsync;
      e.issueCycles = 16;
      e.latency = 64;
      m.push_back(e);
    };
    add("simt.group.64xNx16.f16", 16, target::kElemF16, target::kElemF32);
    add("simt.group.64xNx8.f32", 8, target::kElemF32, target::kElemF32);
    add("simt.group.64xNx32.i8", 32, target::kElemI8, target::kElemI32);
    add("simt.group.64xNx32.f8e5", 32, target::kElemF8E5M2, target::kElemF32);
    add("simt.group.64xNx32.f8e4nv", 32, target::kElemF8E4M3FN, target::kElemF32);
    return m;
  }();
  return menu;
}

namespace {

// The fragments of an entry: register r of lane l holds element columns[l * registers + r] of the row-major matrix.
struct Fragment {
  unsigned rows = 0, columns = 0, registers = 0;
  std::vector<uint32_t> elements;
};

Fragment fragmentOf(const target::MatrixEntry &e, unsigned operand) {
  Fragment f;
  f.rows = operand == 1 ? e.k : e.m;
  f.columns = operand == 0 ? e.k : e.nMin;
  target::LayoutRequest request;
  request.access = operand == 2 ? target::Access::MatrixAccumulator : target::Access::MatrixOperand;
  request.shape = {f.rows, f.columns};
  request.numWarps = 1;
  request.operand = operand;
  std::optional<layout::LinearLayout> l = target::fragmentLayout(e, request, e.lanes);
  unsigned bits = l->inBits(layout::kRegister);
  f.registers = 1u << bits;
  for (uint64_t lane = 0; lane < e.lanes; ++lane)
    for (uint64_t r = 0; r < f.registers; ++r)
      f.elements.push_back(static_cast<uint32_t>(l->applyPacked(lane << bits | r)));
  return f;
}

const Fragment &fragment(unsigned entry, unsigned operand) {
  static const std::vector<Fragment> all = [] {
    std::vector<Fragment> v;
    for (const target::MatrixEntry &e : matrixMenu())
      for (unsigned operand = 0; operand < 3; ++operand)
        v.push_back(fragmentOf(e, operand));
    return v;
  }();
  return all[entry * 3 + operand];
}

} // namespace

// ---- the block -------------------------------------------------------------------------------------------------------

Block::Block(BlockOptions options)
    : options_(std::move(options)), shared_(options_.sharedBytes, options_.threads, options_.lanes),
      engine_(shared_, options_.holds), products_(shared_, options_.threads / options_.lanes) {
  for (unsigned t = 0; t < options_.threads; ++t) {
    auto lane = std::make_unique<State>();
    lane->services = &services;
    lane->thread = static_cast<int32_t>(t);
    lane->block = this;
    lane->fiber = std::make_unique<Fiber>(kStackBytes);
    lanes_.push_back(std::move(lane));
  }
}

Block::~Block() = default;

void Block::laneMain(void *state) {
  auto &lane = *static_cast<State *>(state);
  lane.block->kernel_(lane.block->args_, &lane);
  lane.block->settle(lane);
  lane.at = At::Ended;
  lane.fiber->leave();
}

BlockError Block::run(KernelEntry kernel, const void *args, const int32_t program[3], const int32_t numPrograms[3]) {
  kernel_ = kernel;
  args_ = args;
  error_ = {};
  shared_.reset();
  engine_.reset();
  products_.reset();
  for (auto &lane : lanes_) {
    lane->shared = shared_.data();
    std::copy(program, program + 3, lane->program);
    std::copy(numPrograms, numPrograms + 3, lane->numPrograms);
    lane->fiber->start(laneMain, lane.get());
    lane->at = At::Running;
    lane->copies.assign(1, {});
  }
  unsigned warps = options_.threads / options_.lanes;
  for (;;) {
    progress_ = false;
    for (unsigned w = 0; w < warps; ++w)
      if (!runWarp(w))
        return error_;
    auto any = [&](At at) {
      return std::any_of(lanes_.begin(), lanes_.end(), [&](auto &lane) { return lane->at == at; });
    };
    if (any(At::BlockBarrier) && !any(At::CopyBarrier) && !any(At::PartBarrier) && !any(At::GroupMatrix)) {
      if (!passBlockBarrier())
        return error_;
      continue;
    }
    bool waiting = any(At::BlockBarrier) || any(At::CopyBarrier) || any(At::PartBarrier) || any(At::GroupMatrix);
    if (!waiting || !(passPartBarrier() || groupMatrix() || progress_ || allStandStill()) || !error_.message.empty())
      return error_;
  }
}

// Until every lane of the warp has ended or waits for other warps.
bool Block::runWarp(unsigned warp) {
  for (;;) {
    bool exchange = false;
    for (unsigned l = 0; l < options_.lanes; ++l) {
      State &lane = *lanes_[warp * options_.lanes + l];
      std::string gone;
      if (lane.at == At::CopyBarrier && engine_.isOver(warp, lane.barrier, lane.parity, gone))
        lane.at = At::Running;
      if (!gone.empty())
        return fail(lane, gone);
      if (lane.at == At::Running) {
        progress_ = true;
        lane.fiber->enter();
      }
      if (!error_.message.empty())
        return false;
      exchange |= lane.at != At::BlockBarrier && lane.at != At::PartBarrier && lane.at != At::CopyBarrier &&
                  lane.at != At::GroupMatrix && lane.at != At::Ended;
    }
    if (!exchange)
      return true;
    if (!finishExchange(warp))
      return false;
  }
}

std::string Block::describe(const State &lane) const {
  static const char *const names[] = {"runs",
                                      "waits in a shuffle",
                                      "waits in a reduction of its warp",
                                      "waits in a matrix instruction",
                                      "waits in a matrix instruction of its group",
                                      "waits at a barrier of its warp",
                                      "waits at a barrier of the block",
                                      "waits at a barrier of a part of the block",
                                      "waits for a copy barrier",
                                      "has ended"};
  return "thread " + std::to_string(lane.thread) + " " + names[static_cast<unsigned>(lane.at)] +
         (lane.at == At::Ended ? "" : " at line " + std::to_string(lane.line));
}

bool Block::fail(const State &lane, const std::string &message) {
  error_.message = message;
  error_.line = lane.line;
  return false;
}

bool Block::finishExchange(unsigned warp) {
  State *const first = lanes_[warp * options_.lanes].get();
  auto lane = [&](unsigned l) -> State & { return *lanes_[warp * options_.lanes + l]; };
  for (unsigned l = 1; l < options_.lanes; ++l)
    if (lane(l).at != first->at || lane(l).site != first->site)
      return fail(lane(l).line ? lane(l) : *first,
                  named("the lanes of warp", warp) + " diverge: " + describe(*first) + ", " + describe(lane(l)));
  switch (first->at) {
  case At::Exchange: {
    std::vector<uint32_t> values(options_.lanes);
    for (unsigned l = 0; l < options_.lanes; ++l) {
      if (lane(l).source >= options_.lanes)
        return fail(lane(l), named("thread", static_cast<unsigned>(lane(l).thread)) + " asks for the value of lane " +
                                 std::to_string(lane(l).source) + " of " + std::to_string(options_.lanes));
      values[l] = lane(lane(l).source).value;
    }
    for (unsigned l = 0; l < options_.lanes; ++l)
      lane(l).value = values[l];
    break;
  }
  case At::Reduce: {
    uint64_t all = first->value;
    for (unsigned l = 1; l < options_.lanes; ++l)
      all = scalar::atomicResult(static_cast<tbc::Rmw>(first->source), tbc::Elem::I32, all, lane(l).value);
    for (unsigned l = 0; l < options_.lanes; ++l)
      lane(l).value = static_cast<uint32_t>(all);
    break;
  }
  case At::Matrix:
    if (!matrix(warp))
      return false;
    break;
  default:
    shared_.warpBarrier(warp);
    break;
  }
  for (unsigned l = 0; l < options_.lanes; ++l)
    lane(l).at = At::Running;
  return true;
}

bool Block::passBlockBarrier() {
  const State *waiting = nullptr;
  for (auto &lane : lanes_)
    if (lane->at == At::BlockBarrier)
      waiting = lane.get();
  for (auto &lane : lanes_)
    if (lane->at != At::BlockBarrier || lane->site != waiting->site)
      return fail(*waiting, "the lanes of the block diverge: " + describe(*waiting) + ", " + describe(*lane));
  shared_.blockBarrier();
  for (auto &lane : lanes_)
    lane->at = At::Running;
  return true;
}

bool Block::passPartBarrier() {
  const State &first = *lanes_.front();
  if (first.at != At::PartBarrier)
    return false;
  for (unsigned t = 0; t < first.value; ++t)
    if (lanes_[t]->at != At::PartBarrier || lanes_[t]->site != first.site || lanes_[t]->value != first.value)
      return false;
  shared_.partBarrier(first.value / options_.lanes);
  for (unsigned t = 0; t < first.value; ++t)
    lanes_[t]->at = At::Running;
  return true;
}

bool Block::groupMatrix() {
  constexpr unsigned warps = Products::kWarps;
  for (unsigned from = 0; from + warps * options_.lanes <= options_.threads; from += warps * options_.lanes) {
    State &first = *lanes_[from];
    std::vector<Products::Part> parts;
    for (unsigned t = from; t < from + warps * options_.lanes; ++t)
      if (State &lane = *lanes_[t]; lane.at == At::GroupMatrix && lane.site == first.site)
        parts.push_back({lane.operands, lane.a, lane.c});
    if (parts.size() < warps * options_.lanes)
      continue;
    if (std::string why = products_.start(from / options_.lanes, parts); !why.empty()) {
      fail(first, why);
      return true;
    }
    for (unsigned t = from; t < from + warps * options_.lanes; ++t)
      lanes_[t]->at = At::Running;
    return true;
  }
  return false;
}

bool Block::allStandStill() {
  const State *first = nullptr, *other = nullptr;
  for (auto &lane : lanes_)
    if (lane->at == At::CopyBarrier)
      return fail(*lane, "waits for ever for a copy barrier");
    else if (!first && lane->at != At::Ended)
      first = lane.get();
    else if (first && !other && (lane->at != first->at || lane->site != first->site))
      other = lane.get();
  return fail(*first, "the lanes of the block diverge: " + describe(*first) + ", " + describe(other ? *other : *first));
}

bool Block::matrix(unsigned warp) {
  auto lane = [&](unsigned l) -> State & { return *lanes_[warp * options_.lanes + l]; };
  unsigned entry = lane(0).value;
  if (entry >= matrixMenu().size() || options_.lanes != matrixMenu()[entry].lanes)
    return fail(lane(0), named("no matrix instruction", entry) + " here");
  const target::MatrixEntry &e = matrixMenu()[entry];
  const Fragment &fa = fragment(entry, 0), &fb = fragment(entry, 1), &fc = fragment(entry, 2);
  std::vector<double> a(e.m * e.k), b(e.k * e.nMin), c(e.m * e.nMin);
  for (unsigned l = 0; l < options_.lanes; ++l) {
    State &s = lane(l);
    if (s.aCount != fa.registers || s.bCount != fb.registers || s.cCount != fc.registers)
      return fail(s, "instruction " + e.id + " was given " + std::to_string(s.aCount) + ", " +
                         std::to_string(s.bCount) + " and " + std::to_string(s.cCount) + " registers instead of " +
                         std::to_string(fa.registers) + ", " + std::to_string(fb.registers) + " and " +
                         std::to_string(fc.registers));
    for (unsigned r = 0; r < fa.registers; ++r)
      a[fa.elements[l * fa.registers + r]] = valueOf(e.a, s.a[r]);
    for (unsigned r = 0; r < fb.registers; ++r)
      b[fb.elements[l * fb.registers + r]] = valueOf(e.b, s.b[r]);
    for (unsigned r = 0; r < fc.registers; ++r)
      c[fc.elements[l * fc.registers + r]] = valueOf(e.c, s.c[r]);
  }
  for (unsigned i = 0; i < e.m; ++i)
    for (unsigned j = 0; j < e.nMin; ++j)
      for (unsigned k = 0; k < e.k; ++k)
        c[i * e.nMin + j] += a[i * e.k + k] * b[k * e.nMin + j];
  for (unsigned l = 0; l < options_.lanes; ++l)
    for (unsigned r = 0; r < fc.registers; ++r)
      lane(l).c[r] = bitsOf(e.d, c[fc.elements[l * fc.registers + r]]);
  return true;
}

// ---- services: on the stack of a lane ----------------------------------------------------------------------------------

void Block::wait(State &lane, At at, uint32_t site, uint32_t line) {
  settle(lane);
  lane.at = at;
  lane.site = site;
  lane.line = line;
  lane.fiber->leave();
}

void Block::stop(State &lane, std::string message, uint32_t line) {
  error_.message = std::move(message);
  error_.line = line;
  lane.fiber->leave();
}

void Block::settle(State &lane) {
  if (std::string why = shared_.settleWrite(); !why.empty())
    stop(lane, std::move(why), lane.line);
}

void Block::access(State &lane, const void *address, uint32_t bytes, uint32_t align, uint32_t kind, uint32_t line) {
  settle(lane);
  lane.line = line;
  auto at = reinterpret_cast<uintptr_t>(address);
  const char *what = kind == kRead ? "reads" : kind == kWrite ? "writes" : "changes";
  if (at % align != 0) {
    stop(lane,
         named("thread", static_cast<unsigned>(lane.thread)) + " " + what + " " + std::to_string(bytes) +
             " bytes at an address that is no multiple of " + std::to_string(align),
         line);
    return;
  }
  auto base = reinterpret_cast<uintptr_t>(lane.shared);
  if (at + bytes > base && at < base + shared_.size() + SharedBytes::kBeyond) {
    if (at < base || at - base + bytes > shared_.size()) {
      stop(lane,
           named("thread", static_cast<unsigned>(lane.thread)) + " " + what + " bytes " +
               std::to_string(static_cast<int64_t>(at - base)) + " to " +
               std::to_string(static_cast<int64_t>(at - base + bytes)) + " of " + std::to_string(shared_.size()) +
               " bytes of shared memory",
           line);
      return;
    }
    auto thread = static_cast<unsigned>(lane.thread);
    std::string why = kind == kRead    ? shared_.read(thread, at - base, bytes)
                      : kind == kWrite ? shared_.write(thread, at - base, bytes)
                                       : shared_.atomic(thread, at - base, bytes);
    if (!why.empty())
      stop(lane, std::move(why), line);
    return;
  }
  if (!options_.holds(address, bytes))
    stop(lane,
         named("thread", static_cast<unsigned>(lane.thread)) + " " + what + " " + std::to_string(bytes) +
             " bytes of global memory outside of every allocation",
         line);
}

void Block::land(State &lane, uint32_t pending, uint32_t line) {
  while (lane.copies.size() > size_t(pending) + 1) {
    for (const AsyncCopy &copy : lane.copies.front()) {
      access(lane, copy.to, copy.bytes, copy.bytes, kWrite, line);
      if (copy.from) {
        access(lane, copy.from, copy.bytes, copy.bytes, kRead, line);
        std::memcpy(copy.to, copy.from, copy.bytes);
      } else {
        std::memset(copy.to, 0, copy.bytes);
      }
      settle(lane);
    }
    lane.copies.erase(lane.copies.begin());
  }
}

static uint64_t loadBits(const void *p, tbc::Elem e) {
  uint64_t bits = 0;
  std::memcpy(&bits, p, tbc::elemBits(e) / 8);
  return bits;
}

void Block::print(Lane *l, const char *prefix, uint32_t operand, uint32_t operands, uint32_t elem, uint32_t flags,
                  uint64_t bits, const int64_t *index, uint32_t rank) {
  const Block &block = *of(l).block;
  if (!block.options_.print)
    return;
  std::array<uint32_t, 3> program{};
  for (size_t d = 0; d < 3; ++d)
    program[d] = static_cast<uint32_t>(l->program[d]);
  if (operands == 0)
    return block.options_.print(scalar::printedLine(program, prefix));
  scalar::PrintedElement e;
  e.program = program;
  e.index = {index, rank};
  e.shape = {index + rank, rank};
  e.prefix = prefix;
  e.operand = operand;
  e.operandCount = operands;
  e.elem = static_cast<tbc::Elem>(elem);
  e.pointer = (flags & kPrintPointer) != 0;
  e.hex = (flags & kPrintHex) != 0;
  e.isSigned = (flags & kPrintSigned) != 0;
  e.bits = bits;
  block.options_.print(scalar::printedLine(e));
}

const Services Block::services = {
    .blockBarrier = [](Lane *l, uint32_t site,
                       uint32_t line) { of(l).block->wait(of(l), At::BlockBarrier, site, line); },
    .warpBarrier = [](Lane *l, uint32_t site, uint32_t line) { of(l).block->wait(of(l), At::WarpBarrier, site, line); },
    .partBarrier =
        [](Lane *l, uint32_t site, uint32_t line, uint32_t threads) {
          State &lane = of(l);
          lane.value = threads;
          lane.block->wait(lane, At::PartBarrier, site, line);
        },
    .exchange =
        [](Lane *l, uint32_t site, uint32_t line, uint32_t value, uint32_t source) {
          State &lane = of(l);
          lane.value = value;
          lane.source = source;
          lane.block->wait(lane, At::Exchange, site, line);
          return lane.value;
        },
    .reduce =
        [](Lane *l, uint32_t site, uint32_t line, uint32_t kind, uint32_t value) {
          State &lane = of(l);
          lane.value = value;
          lane.source = kind;
          lane.block->wait(lane, At::Reduce, site, line);
          return lane.value;
        },
    .matrix =
        [](Lane *l, uint32_t site, uint32_t line, uint32_t entry, const uint64_t *a, const uint64_t *b, uint64_t *c,
           uint32_t aCount, uint32_t bCount, uint32_t cCount) {
          State &lane = of(l);
          lane.value = entry;
          lane.a = a, lane.b = b, lane.c = c;
          lane.aCount = aCount, lane.bCount = bCount, lane.cCount = cCount;
          lane.block->wait(lane, At::Matrix, site, line);
        },
    .groupMatrix =
        [](Lane *l, uint32_t site, uint32_t line, const GroupOperands *operands, const uint64_t *a, uint64_t *c) {
          State &lane = of(l);
          lane.operands = *operands;
          lane.a = a, lane.c = c;
          lane.block->wait(lane, At::GroupMatrix, site, line);
        },
    .matrixCommit =
        [](Lane *l) {
          State &lane = of(l);
          lane.block->products_.commit(static_cast<unsigned>(lane.thread) / lane.block->options_.lanes);
        },
    .matrixWait =
        [](Lane *l, uint32_t line, uint32_t pending) {
          State &lane = of(l);
          Block &block = *lane.block;
          block.settle(lane);
          block.stopIf(lane, block.products_.wait(static_cast<unsigned>(lane.thread) / block.options_.lanes, pending),
                       line);
        },
    .access = [](Lane *l, const void *address, uint32_t bytes, uint32_t align, uint32_t kind,
                 uint32_t line) { of(l).block->access(of(l), address, bytes, align, kind, line); },
    .atomicRmw =
        [](Lane *l, uint32_t line, uint32_t kind, uint32_t elem, void *address, uint64_t value) {
          auto e = static_cast<tbc::Elem>(elem);
          uint32_t bytes = tbc::elemBits(e) / 8;
          of(l).block->access(of(l), address, bytes, bytes, kAtomic, line);
          uint64_t old = loadBits(address, e);
          uint64_t next = scalar::atomicResult(static_cast<tbc::Rmw>(kind), e, old, value);
          std::memcpy(address, &next, bytes);
          return old;
        },
    .atomicCas =
        [](Lane *l, uint32_t line, uint32_t elem, void *address, uint64_t compare, uint64_t value) {
          auto e = static_cast<tbc::Elem>(elem);
          uint32_t bytes = tbc::elemBits(e) / 8;
          of(l).block->access(of(l), address, bytes, bytes, kAtomic, line);
          uint64_t old = loadBits(address, e);
          if (old == loadBits(&compare, e))
            std::memcpy(address, &value, bytes);
          return old;
        },
    .asyncCopy =
        [](Lane *l, uint32_t line, void *shared, const void *global, uint32_t bytes) {
          State &lane = of(l);
          if (global)
            lane.block->access(lane, global, bytes, bytes, kRead, line);
          lane.copies.back().push_back({static_cast<uint8_t *>(shared), global, bytes});
        },
    .asyncCommit = [](Lane *l) { of(l).copies.emplace_back(); },
    .asyncWait = [](Lane *l, uint32_t line, uint32_t pending) { of(l).block->land(of(l), pending, line); },
    .tensorCopy =
        [](Lane *l, uint32_t line, const uint64_t *array, void *shared, const int32_t *corner, void *barrier) {
          State &lane = of(l);
          Block &block = *lane.block;
          block.settle(lane);
          auto offset = [&](void *p) {
            return static_cast<uint64_t>(static_cast<uint8_t *>(p) - static_cast<uint8_t *>(lane.shared));
          };
          block.stopIf(lane,
                       block.engine_.copy(static_cast<unsigned>(lane.thread), array, offset(shared), corner,
                                          barrier != nullptr, barrier ? offset(barrier) : 0),
                       line);
        },
    .copyBarrier =
        [](Lane *l, uint32_t line, uint32_t call, void *barrier, uint64_t value) {
          State &lane = of(l);
          Block &block = *lane.block;
          block.settle(lane);
          auto offset = static_cast<uint64_t>(static_cast<uint8_t *>(barrier) - static_cast<uint8_t *>(lane.shared));
          // Making and ending it are writes, like those of any lane.
          auto which = static_cast<BarrierCall>(call);
          auto thread = static_cast<unsigned>(lane.thread);
          if (which == BarrierCall::Init || which == BarrierCall::End)
            block.stopIf(lane, block.shared_.write(thread, offset, 8), line);
          else
            block.stopIf(lane, block.shared_.read(thread, offset, 8), line);
          unsigned warp = thread / block.options_.lanes;
          if (which != BarrierCall::Wait)
            return block.stopIf(lane, block.engine_.barrier(which, warp, offset, value), line);
          std::string why;
          if (block.engine_.isOver(warp, offset, value, why))
            return;
          block.stopIf(lane, std::move(why), line);
          lane.barrier = offset;
          lane.parity = value;
          block.wait(lane, At::CopyBarrier, 0, line);
        },
    .print = print,
    .assertFailed =
        [](Lane *l, const char *message, const char *file, uint32_t line, const char *function) {
          Block &block = *of(l).block;
          block.error_ = {message, file, function, line, true};
          if (block.error_.message.empty())
            block.error_.message = "assertion failed";
          of(l).fiber->leave();
        },
};

} // namespace tessera::simt
