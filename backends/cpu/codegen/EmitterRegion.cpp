// EmitterRegion.cpp - blocks of ops, and if, for and while
//
// SPDX-License-Identifier: Apache-2.0
//
// A tensor that a loop carries lives in one buffer, updated in place where the plan says that is safe; a tensor of pointers
// or indices that only moves by the same amount everywhere stays an expression plus a scalar.
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

#include <functional>

using namespace llvm;
using namespace tessera::tbc;

namespace tessera::cpu {

void Emitter::fail(const Op &op, const std::string &why) {
  if (!failure.empty())
    return;
  const OpInfo *info = opInfo(op.code);
  failure = "the CPU backend cannot lower `" + std::string(info ? info->name : "?") + "`: " + why;
  failureLoc = op.loc;
}

Emitter::Frame Emitter::enter(BasicBlock *bb) {
  Frame f{std::move(levels), std::move(depth)};
  levels.clear();
  depth.clear();
  pushLevel(bb);
  b.SetInsertPoint(bb);
  return f;
}

BasicBlock *Emitter::leave(Frame &&f) {
  BasicBlock *last = levels[0].bb;
  levels = std::move(f.levels);
  depth = std::move(f.depth);
  return last;
}

void Emitter::bindResult(ValueId v, int buffer) {
  bindings[v] = Binding();
  bindings[v].kind = Binding::Memory;
  bindings[v].buffer = buffer;
}

void Emitter::copyInto(ValueId v, int buffer) {
  if (bindings[v].kind == Binding::Memory && bindings[v].buffer == buffer)
    return;
  Item item;
  item.loop = true;
  item.shape = m.typeOf(v).shape;
  Root r;
  r.kind = Root::Materialise;
  r.value = v;
  r.buffer = buffer;
  r.bind = false;
  item.roots.push_back(r);
  emitLoopItem(item);
}

void Emitter::forceScalars(const Region &r, const Op *before) {
  for (const Op &op : r.ops) {
    if (&op == before)
      break;
    unsigned c = unsigned(op.code);
    if (!op.regions.empty() || op.results.empty() || c < 16 || c > unsigned(Opcode::Hint))
      continue;
    if (m.typeOf(op.results[0]).isTensor())
      continue;
    for (ValueId v : op.results)
      scalarOf(v);
  }
}

void Emitter::emitBlock(const Region &r, const YieldPlan &yields) {
  BlockPlan plan = planBlock(facts, r, yields);
  for (const Item &item : plan.items) {
    if (!failure.empty())
      return;
    ++clock;
    if (item.loop) {
      emitLoop(item);
    } else {
      if (!item.single->regions.empty())
        forceScalars(r, item.single);
      emitSingle(item);
    }
    clearMemo(0);
  }
  // What the terminator hands on, and nothing else, is needed from here on.
}

// Is v the same in every element, computable as a scalar?
static bool uniformTensor(const tbc::Module &m, const FunctionFacts &f, ValueId v, int guard) {
  if (!m.typeOf(v).isTensor())
    return true;
  const Op *op = f.def[v];
  if (!op || guard > 16)
    return false;
  switch (op->code) {
  case Opcode::Constant:
  case Opcode::Splat:
    return true;
  case Opcode::Broadcast:
  case Opcode::ExpandDims:
  case Opcode::Reshape:
  case Opcode::Transpose:
  case Opcode::AddI:
  case Opcode::SubI:
  case Opcode::MulI:
  case Opcode::ExtSI:
  case Opcode::ExtUI:
  case Opcode::TruncI:
  case Opcode::Hint:
    for (ValueId o : op->operands)
      if (!uniformTensor(m, f, o, guard + 1))
        return false;
    return true;
  default:
    return false;
  }
}

bool Emitter::uniformStep(const Region &body, ValueId y, ValueId arg, std::vector<std::pair<ValueId, bool>> &steps,
                          int guard) {
  if (y == arg)
    return true;
  const Op *op = facts.def[y];
  if (!op || guard > 16)
    return false;
  bool inBody = false;
  for (const Op &o : body.ops)
    inBody |= &o == op;
  if (!inBody)
    return false;
  switch (op->code) {
  case Opcode::Hint:
    return uniformStep(body, op->operands[0], arg, steps, guard + 1);
  case Opcode::AddPtr:
    if (!uniformTensor(m, facts, op->operands[1], 0))
      return false;
    steps.push_back({op->operands[1], false});
    return uniformStep(body, op->operands[0], arg, steps, guard + 1);
  case Opcode::SubI:
    if (!uniformTensor(m, facts, op->operands[1], 0))
      return false;
    steps.push_back({op->operands[1], true});
    return uniformStep(body, op->operands[0], arg, steps, guard + 1);
  case Opcode::AddI:
    for (int i = 0; i < 2; ++i) {
      auto saved = steps;
      steps.push_back({op->operands[size_t(1 - i)], false});
      if (uniformTensor(m, facts, op->operands[size_t(1 - i)], 0) &&
          uniformStep(body, op->operands[size_t(i)], arg, steps, guard + 1))
        return true;
      steps = saved;
    }
    return false;
  default:
    return false;
  }
}

llvm::Value *Emitter::uniformValue(ValueId v) {
  Tuple t(m.typeOf(v).isTensor() ? m.typeOf(v).shape.size() : 0, constIndex(0));
  return eval(v, t).v;
}

void Emitter::emitFor(const Op &op) {
  const Region &body = op.regions[0];
  const Op &yield = body.ops.back();
  V lower = scalarOf(op.operands[0]), upper = scalarOf(op.operands[1]), step = scalarOf(op.operands[2]);
  bool isSigned = op.intAttr(AttrId::Signed, 0) != 0;
  size_t n = op.results.size();
  struct Carried {
    enum { Scalar, Offset, Memory } kind = Scalar;
    V init = nullptr;
    PHINode *phi = nullptr;
    V next = nullptr;
    int buffer = -1;
    std::vector<std::pair<ValueId, bool>> steps;
  };
  std::vector<Carried> cs(n);
  YieldPlan yields;
  for (size_t i = 0; i < n; ++i) {
    ValueId init = op.operands[3 + i], arg = body.args[1 + i], y = yield.operands[i];
    Carried &c = cs[i];
    yields.values.push_back(y);
    yields.args.push_back(arg);
    yields.buffers.push_back(-1);
    const tbc::Type &t = m.typeOf(arg);
    if (!t.isTensor()) {
      c.init = scalarOf(init);
      continue;
    }
    bool index = t.pointer || (isInteger(t.elem) && t.elem != Elem::I1);
    if (index && uniformStep(body, y, arg, c.steps)) {
      c.kind = Carried::Offset;
      c.init = t.pointer ? (V)b.getInt64(0) : (V)ConstantInt::get(ew.type(t.elem), 0);
      facts.argRoot[arg] = init;
      facts.argRoot[op.results[i]] = init;
      continue;
    }
    c.kind = Carried::Memory;
    c.buffer = facts.newBuffer(t);
    yields.buffers[i] = c.buffer;
    copyInto(init, c.buffer);
  }
  int start = clock;
  ++clock;
  LLVMContext &ctx = b.getContext();
  BasicBlock *bodyBB = BasicBlock::Create(ctx, "for", fn), *exit = BasicBlock::Create(ctx, "for.end", fn);
  BasicBlock *pre = levels[0].bb;
  b.SetInsertPoint(pre);
  V enterCond = isSigned ? b.CreateICmpSLT(lower, upper) : b.CreateICmpULT(lower, upper);
  // A step that is not positive is a mistake of the program: the loop has no iterations then, where it would never end. Folded where the step is known.
  V zero = ConstantInt::get(step->getType(), 0);
  enterCond = b.CreateAnd(enterCond, isSigned ? b.CreateICmpSGT(step, zero) : b.CreateICmpNE(step, zero));
  b.CreateCondBr(enterCond, bodyBB, exit);
  Frame frame = enter(bodyBB);
  PHINode *iv = b.CreatePHI(lower->getType(), 2);
  bindings[body.args[0]].kind = Binding::Scalar;
  bindings[body.args[0]].scalar = iv;
  paramDivisor[body.args[0]] = std::min(divisorOf(op.operands[0]), divisorOf(op.operands[2]));
  for (size_t i = 0; i < n; ++i) {
    Carried &c = cs[i];
    Binding &k = bindings[body.args[1 + i]];
    if (c.kind != Carried::Memory)
      c.phi = b.CreatePHI(c.init->getType(), 2);
    if (c.kind == Carried::Scalar) {
      k.kind = Binding::Scalar;
      k.scalar = c.phi;
    } else if (c.kind == Carried::Offset) {
      k.kind = Binding::Offset;
      k.init = op.operands[3 + i];
      k.scalar = c.phi;
    } else {
      bindResult(body.args[1 + i], c.buffer);
    }
  }
  emitBlock(body, yields);
  for (size_t i = 0; i < n; ++i) {
    Carried &c = cs[i];
    if (c.kind == Carried::Scalar)
      c.next = scalarOf(yield.operands[i]);
    if (c.kind == Carried::Offset) {
      c.next = c.phi;
      const tbc::Type &t = m.typeOf(body.args[1 + i]);
      for (auto [u, negative] : c.steps) {
        V s = uniformValue(u);
        c.next = at(0, [&] {
          V k = b.CreateSExtOrTrunc(s, c.init->getType());
          if (t.pointer)
            k = b.CreateMul(k, b.getInt64(elemBits(t.elem) / 8));
          return negative ? b.CreateSub(c.next, k) : b.CreateAdd(c.next, k);
        });
      }
    }
  }
  BasicBlock *latch = leave(std::move(frame));
  b.SetInsertPoint(latch);
  // upper - iv is exact as an unsigned number inside the loop, so the test does not overflow.
  V more = b.CreateICmpUGT(b.CreateSub(upper, iv), step);
  V ivNext = b.CreateAdd(iv, step);
  b.CreateCondBr(more, bodyBB, exit);
  iv->addIncoming(lower, pre);
  iv->addIncoming(ivNext, latch);
  b.SetInsertPoint(exit);
  levels[0].bb = exit;
  for (size_t i = 0; i < n; ++i) {
    Carried &c = cs[i];
    ValueId result = op.results[i];
    if (c.kind == Carried::Memory) {
      bindResult(result, c.buffer);
      continue;
    }
    c.phi->addIncoming(c.init, pre);
    c.phi->addIncoming(c.next, latch);
    PHINode *p = b.CreatePHI(c.init->getType(), 2);
    p->addIncoming(c.init, pre);
    p->addIncoming(c.next, latch);
    bindings[result].kind = c.kind == Carried::Scalar ? Binding::Scalar : Binding::Offset;
    bindings[result].scalar = p;
    bindings[result].init = op.operands[3 + i];
  }
  ++clock;
  for (Buffer &f : facts.buffers)
    if (f.first >= 0 && f.first <= start && f.last > start)
      f.last = clock;
  for (Carried &c : cs)
    if (c.buffer >= 0)
      touch(c.buffer);
}

void Emitter::emitIf(const Op &op) {
  V cond = scalarOf(op.operands[0]);
  LLVMContext &ctx = b.getContext();
  std::vector<int> buffers;
  for (ValueId v : op.results) {
    buffers.push_back(m.typeOf(v).isTensor() ? facts.newBuffer(m.typeOf(v)) : -1);
    if (buffers.back() >= 0)
      touch(buffers.back());
  }
  BasicBlock *blocks[2] = {BasicBlock::Create(ctx, "if", fn), BasicBlock::Create(ctx, "else", fn)};
  BasicBlock *end = BasicBlock::Create(ctx, "if.end", fn);
  BasicBlock *pre = levels[0].bb;
  b.SetInsertPoint(pre);
  b.CreateCondBr(cond, blocks[0], blocks[1]);
  std::vector<V> values[2];
  BasicBlock *last[2];
  for (int k = 0; k < 2; ++k) {
    Frame frame = enter(blocks[k]);
    const Region &r = op.regions[size_t(k)];
    YieldPlan yields;
    if (!r.ops.empty())
      for (size_t i = 0; i < op.results.size(); ++i) {
        yields.values.push_back(r.ops.back().operands[i]);
        yields.buffers.push_back(buffers[i]);
        yields.args.push_back(kNone);
      }
    emitBlock(r, yields);
    for (size_t i = 0; i < op.results.size(); ++i)
      values[k].push_back(buffers[i] < 0 ? scalarOf(yields.values[i]) : nullptr);
    last[k] = leave(std::move(frame));
    b.SetInsertPoint(last[k]);
    b.CreateBr(end);
  }
  b.SetInsertPoint(end);
  levels[0].bb = end;
  for (size_t i = 0; i < op.results.size(); ++i) {
    if (buffers[i] >= 0) {
      touch(buffers[i]);
      bindResult(op.results[i], buffers[i]);
      continue;
    }
    PHINode *p = b.CreatePHI(values[0][i]->getType(), 2);
    p->addIncoming(values[0][i], last[0]);
    p->addIncoming(values[1][i], last[1]);
    bindings[op.results[i]].kind = Binding::Scalar;
    bindings[op.results[i]].scalar = p;
  }
}

void Emitter::emitWhile(const Op &op) {
  const Region &before = op.regions[0], &after = op.regions[1];
  const Op &condition = before.ops.back(), &yield = after.ops.back();
  size_t n = op.operands.size(), f = op.results.size();
  std::vector<int> carried(n, -1), forwarded(f, -1);
  std::vector<V> init(n);
  YieldPlan forward, next;
  for (size_t i = 0; i < n; ++i) {
    const tbc::Type &t = m.typeOf(before.args[i]);
    if (t.isTensor()) {
      carried[i] = facts.newBuffer(t);
      copyInto(op.operands[i], carried[i]);
    } else {
      init[i] = scalarOf(op.operands[i]);
    }
    next.values.push_back(yield.operands[i]);
    next.buffers.push_back(carried[i]);
    next.args.push_back(kNone);
  }
  std::vector<bool> taken(n, false);
  for (size_t j = 0; j < f; ++j) {
    ValueId v = condition.operands[1 + j];
    forward.values.push_back(v);
    forward.args.push_back(kNone);
    if (m.typeOf(v).isTensor()) {
      for (size_t i = 0; i < n; ++i)
        if (before.args[i] == v && !taken[i]) { // handed on unchanged: one buffer serves both
          forwarded[j] = carried[i];
          taken[i] = true;
          forward.args[j] = v;
          next.args[i] = after.args[j];
        }
      if (forwarded[j] < 0)
        forwarded[j] = facts.newBuffer(m.typeOf(v));
      touch(forwarded[j]);
    }
    forward.buffers.push_back(forwarded[j]);
  }
  // A forwarded copy of an argument whose buffer the body updates in place would change under it.
  int start = clock;
  ++clock;
  LLVMContext &ctx = b.getContext();
  BasicBlock *head = BasicBlock::Create(ctx, "while", fn), *bodyBB = BasicBlock::Create(ctx, "while.do", fn),
             *exit = BasicBlock::Create(ctx, "while.end", fn);
  BasicBlock *pre = levels[0].bb;
  b.SetInsertPoint(pre);
  b.CreateBr(head);
  std::vector<PHINode *> phis(n, nullptr);
  Frame frame = enter(head);
  for (size_t i = 0; i < n; ++i) {
    if (carried[i] >= 0) {
      bindResult(before.args[i], carried[i]);
      continue;
    }
    phis[i] = b.CreatePHI(init[i]->getType(), 2);
    bindings[before.args[i]].kind = Binding::Scalar;
    bindings[before.args[i]].scalar = phis[i];
  }
  emitBlock(before, forward);
  V cond = scalarOf(condition.operands[0]);
  std::vector<V> values(f, nullptr);
  for (size_t j = 0; j < f; ++j)
    if (forwarded[j] < 0)
      values[j] = scalarOf(condition.operands[1 + j]);
  forceScalars(before, &condition);
  BasicBlock *headEnd = leave(std::move(frame));
  b.SetInsertPoint(headEnd);
  b.CreateCondBr(cond, bodyBB, exit);
  auto bindForwarded = [&](const std::vector<ValueId> &ids) {
    for (size_t j = 0; j < f; ++j) {
      if (forwarded[j] >= 0) {
        bindResult(ids[j], forwarded[j]);
        continue;
      }
      bindings[ids[j]].kind = Binding::Scalar;
      bindings[ids[j]].scalar = values[j];
    }
  };
  Frame bodyFrame = enter(bodyBB);
  bindForwarded(after.args);
  emitBlock(after, next);
  std::vector<V> nextValues(n, nullptr);
  for (size_t i = 0; i < n; ++i)
    if (carried[i] < 0)
      nextValues[i] = scalarOf(yield.operands[i]);
  BasicBlock *latch = leave(std::move(bodyFrame));
  b.SetInsertPoint(latch);
  b.CreateBr(head);
  for (size_t i = 0; i < n; ++i)
    if (phis[i]) {
      phis[i]->addIncoming(init[i], pre);
      phis[i]->addIncoming(nextValues[i], latch);
    }
  levels[0].bb = exit;
  b.SetInsertPoint(exit);
  bindForwarded(op.results);
  ++clock;
  for (Buffer &buf : facts.buffers)
    if (buf.first >= 0 && buf.first <= start && buf.last > start)
      buf.last = clock;
  for (int k : carried)
    if (k >= 0)
      touch(k);
  for (int k : forwarded)
    if (k >= 0)
      touch(k);
}

// Control flow inside the region of a reduction, a scan or map_elementwise: plain blocks on scalars.
std::vector<llvm::Value *> Emitter::scalarRegion(const Region &r, ArrayRef<V> args) {
  if (isStraightLine(r))
    return inlineRegion(r, args);
  // The region's values are bound anew each time it is emitted.
  std::function<void(const Region &)> forget = [&](const Region &x) {
    for (ValueId v : x.args)
      bindings[v] = Binding();
    for (const Op &o : x.ops) {
      for (ValueId v : o.results)
        bindings[v] = Binding();
      for (const Region &s : o.regions)
        forget(s);
    }
  };
  forget(r);
  std::vector<V> result;
  BasicBlock *bb = levels.back().bb;
  Frame frame = enter(bb);
  for (size_t i = 0; i < r.args.size(); ++i) {
    bindings[r.args[i]].kind = Binding::Scalar;
    bindings[r.args[i]].scalar = args[i];
  }
  // Tiles are read and written around the region within one loop: to their lifetimes it takes no time.
  int now = clock;
  emitBlock(r, YieldPlan());
  clock = now;
  for (ValueId v : r.ops.back().operands)
    result.push_back(scalarOf(v));
  BasicBlock *last = leave(std::move(frame));
  levels.back().bb = last;
  b.SetInsertPoint(last);
  for (V v : result)
    note(v, unsigned(levels.size()) - 1);
  return result;
}

} // namespace tessera::cpu
