// Control.cpp - regions, branches, loops; the dispatch of every op
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/Program.h"

#include <algorithm>

namespace tessera::interp {

using namespace tbc;

bool Program::region(const Region &r) {
  for (const Op &o : r.ops)
    if (!op(o))
      return false;
  return true;
}

void Program::bind(const std::vector<ValueId> &to, const std::vector<ValueId> &from, size_t skip) {
  // In two steps: a yield may name the arguments that it replaces, in another order.
  if (to.size() == 1) {
    values_[to[0]] = values_[from[skip]];
    return;
  }
  std::vector<Value> taken;
  taken.reserve(to.size());
  for (size_t i = 0; i < to.size(); ++i)
    taken.push_back(values_[from[skip + i]]);
  for (size_t i = 0; i < to.size(); ++i)
    values_[to[i]] = std::move(taken[i]);
}

static bool sameBits(const Value &a, const Value &b) {
  if (!a.tensor || !b.tensor)
    return a.scalar == b.scalar;
  return a.tensor == b.tensor || a.tensor->bits == b.tensor->bits;
}

bool Program::ifOp(const Op &op) {
  useOf(op, op.operands[0], "the condition of a branch");
  const Region &r = op.regions[values_[op.operands[0]].scalar & 1 ? 0 : 1];
  if (!region(r))
    return false;
  bind(op.results, r.ops.back().operands);
  return true;
}

bool Program::forOp(const Op &op) {
  for (size_t i = 0; i < 3; ++i)
    useOf(op, op.operands[i], "a bound of a loop");
  const Region &body = op.regions[0];
  unsigned width = scalar::intBits(typeOf(op.operands[0]).elem);
  bool isSigned = op.intAttr(AttrId::Signed);
  auto value = [&](size_t i) {
    uint64_t v = values_[op.operands[i]].scalar;
    return isSigned ? static_cast<uint64_t>(scalar::signExtend(v, width)) : v;
  };
  uint64_t lower = value(0), upper = value(1), step = value(2);
  if (isSigned ? static_cast<int64_t>(step) <= 0 : step == 0) {
    report(DiagId::LaunchFailed, op,
           "the step of a loop is " + std::to_string(static_cast<int64_t>(step)) + "; it must be positive");
    return false;
  }
  // The number of iterations comes first, so that the induction value cannot wrap past its end.
  bool any = isSigned ? static_cast<int64_t>(lower) < static_cast<int64_t>(upper) : lower < upper;
  uint64_t trips = any ? (upper - lower - 1) / step + 1 : 0;
  std::vector<ValueId> carried(body.args.begin() + 1, body.args.end());
  bind(carried, op.operands, 3);
  for (uint64_t i = 0; i < trips; ++i) {
    setScalar(body.args[0], (lower + i * step) & scalar::lowMask(width));
    if (!region(body))
      return false;
    bind(carried, body.ops.back().operands);
  }
  bind(op.results, carried);
  return true;
}

bool Program::whileOp(const Op &op) {
  const Region &before = op.regions[0], &after = op.regions[1];
  bind(before.args, op.operands);
  for (;;) {
    uint64_t writes = writes_;
    if (!region(before))
      return false;
    const Op &condition = before.ops.back();
    useOf(condition, condition.operands[0], "the condition of a loop");
    if (!(values_[condition.operands[0]].scalar & 1)) {
      bind(op.results, condition.operands, 1);
      return true;
    }
    bind(after.args, condition.operands, 1);
    if (!region(after))
      return false;
    const auto &next = after.ops.back().operands;
    if (writes == writes_ && std::equal(next.begin(), next.end(), before.args.begin(),
                                        [&](ValueId a, ValueId b) { return sameBits(values_[a], values_[b]); })) {
      report(DiagId::LaunchFailed, op,
             "a loop waits for ever: an iteration changes neither its values nor memory, and every earlier program has "
             "ended");
      return false;
    }
    bind(before.args, next);
  }
}

// Both take turns where they wait; they write to no value and no byte that the other one writes.
bool Program::roles(const Op &op) {
  struct Stopped {};
  auto program = [&](size_t i) {
    return [this, &op, i] {
      if (!region(op.regions[i]))
        throw Stopped();
    };
  };
  scalar::Turns turns;
  turns_ = &turns;
  bool ok = true;
  try {
    turns.run({program(0), program(1)});
  } catch (const Stopped &) {
    ok = false;
  }
  turns_ = nullptr;
  return ok;
}

void Program::arriveAt(CopyBarrier &barrier, int64_t arrivals) {
  barrier.left -= arrivals;
  if (barrier.left <= 0) {
    barrier.left = barrier.arrivals;
    ++barrier.phase;
  }
}

bool Program::copyBarrier(const Op &op) {
  const Tensor *slot = values_[op.operands[0]].tensor.get();
  switch (op.code) {
  case Opcode::CopyBarrierInit:
    for (const auto &each : rings_[op.operands[0]]) {
      int64_t arrivals = op.intAttr(AttrId::Arrivals);
      copyBarriers_[each.get()] = {arrivals, arrivals, 0};
    }
    return true;
  case Opcode::CopyExpect:
    if (in(op, 1).bits[0] & 1)
      arriveAt(copyBarriers_[slot], 1);
    return true;
  case Opcode::CopyArrive:
    if (in(op, 1).bits[0] & 1)
      arriveAt(copyBarriers_[slot], m_.option("num_warps", 4));
    return true;
  case Opcode::CopyBarrierWait: {
    const CopyBarrier &barrier = copyBarriers_[slot];
    uint64_t parity = in(op, 1).bits[0] & 1;
    auto isOver = [&barrier, parity] { return (barrier.phase & 1) != parity; };
    if (!turns_ || isOver() || turns_->waitUntil(isOver))
      return true;
    report(DiagId::LaunchFailed, op, "the roles of the kernel wait for each other for ever");
    return false;
  }
  default: // copy_barrier_end
    for (const auto &each : rings_[op.operands[0]])
      copyBarriers_.erase(each.get());
    return true;
  }
}

bool Program::op(const Op &op) {
  if (o_.maxOps && ++ops_ > o_.maxOps) {
    report(DiagId::LaunchFailed, op,
           "more than " + std::to_string(o_.maxOps) +
               " ops in one program; does it wait for a program that runs after it?");
    return false;
  }
  switch (op.code) {
  case Opcode::Return:
  case Opcode::Yield:
  case Opcode::Condition:
  case Opcode::Barrier:
  case Opcode::SharedFree:
  case Opcode::AsyncCommit:
  case Opcode::AsyncWait:
  case Opcode::SharedFence:
  case Opcode::TensorStoreWait:
    return true;
  case Opcode::CopyBarrierInit:
  case Opcode::CopyExpect:
  case Opcode::CopyArrive:
  case Opcode::CopyBarrierWait:
  case Opcode::CopyBarrierEnd:
    return copyBarrier(op);
  case Opcode::Roles:
    return roles(op);
  case Opcode::If:
    return ifOp(op);
  case Opcode::For:
    return forOp(op);
  case Opcode::While:
    return whileOp(op);
  case Opcode::Constant:
    constant(op);
    return true;
  case Opcode::Arange:
    arange(op);
    return true;
  case Opcode::Splat:
    splat(op);
    return true;
  case Opcode::ProgramId:
    setScalar(op.results[0], id_[op.intAttr(AttrId::Axis)]);
    return true;
  case Opcode::NumPrograms:
    setScalar(op.results[0], grid_[op.intAttr(AttrId::Axis)]);
    return true;
  case Opcode::Philox:
    philox(op);
    return true;
  case Opcode::Poison:
    poison(op);
    return true;
  case Opcode::Assume:
    assume(op);
    return true;
  case Opcode::GridStride: // every launch runs the programs that it asks for
    return true;
  case Opcode::ExpandDims:
  case Opcode::Reshape:
  case Opcode::ConvertLayout:
    alias(op.results[0], op.operands[0]);
    return true;
  case Opcode::SharedAlloc:
    values_[op.results[0]].tensor.reset(); // another buffer every time, whoever still holds the last one
    poison(op);
    if (int64_t slots = op.intAttr(AttrId::Slots)) {
      auto &ring = rings_[op.results[0]];
      ring.clear();
      for (int64_t i = 0; i < slots; ++i)
        ring.push_back(std::make_shared<Tensor>(*values_[op.results[0]].tensor));
    }
    return true;
  case Opcode::SharedSlot: {
    const auto &ring = rings_[op.operands[0]];
    auto index = static_cast<uint32_t>(in(op, 1).bits[0]);
    if (index >= ring.size()) {
      report(DiagId::OutOfBounds, op, "slot " + std::to_string(index) + " of a ring of " + std::to_string(ring.size()));
      return false;
    }
    values_[op.results[0]].tensor = ring[index];
    return true;
  }
  case Opcode::AsyncLoad:
    asyncLoad(op);
    return true;
  case Opcode::TensorMap:
    tensorMap(op);
    return true;
  case Opcode::TensorLoad:
    if (in(op, 3).bits[0] & 1)
      tensorCopy(op, true, 4);
    return true;
  case Opcode::TensorStore:
    tensorCopy(op, false, 2);
    return true;
  case Opcode::AsyncDot:
    dot(op);
    return true;
  case Opcode::DotWait:
    for (size_t i = 0; i < op.results.size(); ++i)
      alias(op.results[i], op.operands[i]);
    return true;
  case Opcode::SharedStore:
    // In place: every name of the buffer sees it.
    *values_[op.operands[0]].tensor = *values_[op.operands[1]].tensor;
    return true;
  case Opcode::SharedLoad:
    values_[op.results[0]].tensor = std::make_shared<Tensor>(*values_[op.operands[0]].tensor);
    return true;
  case Opcode::Broadcast:
    broadcast(op);
    return true;
  case Opcode::Transpose:
  case Opcode::SharedTranspose: // of what is there now: nobody writes to a transposed name
    transpose(op);
    return true;
  case Opcode::Join:
    join(op);
    return true;
  case Opcode::Split:
    split(op);
    return true;
  case Opcode::Cat:
    cat(op);
    return true;
  case Opcode::ExtractScalar: {
    In x = in(op, 0);
    setScalar(op.results[0], x.bits[0], x.unspecified(0));
    return true;
  }
  case Opcode::Load:
    load(op);
    return true;
  case Opcode::Store:
    store(op);
    return true;
  case Opcode::AtomicRmw:
  case Opcode::AtomicCas:
    atomic(op);
    return true;
  case Opcode::Print:
    print(op);
    return true;
  case Opcode::Assert:
    return assertOp(op);
  case Opcode::Dot:
    dot(op);
    return true;
  case Opcode::DotScaled:
    dotScaled(op);
    return true;
  case Opcode::Reduce:
  case Opcode::Scan:
    return reduceOrScan(op);
  case Opcode::MapElementwise:
    return mapElementwise(op);
  case Opcode::Sort:
    sort(op);
    return true;
  case Opcode::Gather:
    gather(op);
    return true;
  case Opcode::Histogram:
    histogram(op);
    return true;
  case Opcode::InlineAsm:
    report(DiagId::TargetCannot, op, "the interpreter cannot run inline assembly: it is the code of one target");
    return false;
  case Opcode::ExternElementwise:
    report(DiagId::TargetCannot, op,
           "the interpreter cannot call `" + std::string(op.strAttr(AttrId::Symbol)) +
               "`: the function's library is for one target");
    return false;
  default:
    elementwise(op);
    return true;
  }
}

} // namespace tessera::interp
