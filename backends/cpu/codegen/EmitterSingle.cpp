// EmitterSingle.cpp - ops that stand alone: control flow, scalar memory, atomics, print, assert
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

using namespace llvm;
using namespace tessera::tbc;
using tessera::codegen::ElemType;

namespace tessera::cpu {

void Emitter::emitSingle(const Item &item) {
  const Op &op = *item.single;
  switch (op.code) {
  case Opcode::For:
    return emitFor(op);
  case Opcode::If:
    return emitIf(op);
  case Opcode::While:
    return emitWhile(op);
  case Opcode::Load:
    return emitScalarLoad(op);
  case Opcode::Store:
    return emitScalarStore(op);
  case Opcode::AtomicRmw:
  case Opcode::AtomicCas:
    return emitAtomic(item);
  case Opcode::Barrier: // a program runs on one thread: only the order of its own accesses matters, and that is kept
    return;
  case Opcode::Print:
    return emitPrint(op);
  case Opcode::Assert:
    return emitAssert(op);
  case Opcode::Scan:
    return emitScan(item);
  case Opcode::Reduce: // in loops with others where its combiner is straight
    return emitInOrder(item);
  case Opcode::Sort:
    return emitSort(item);
  case Opcode::Histogram:
    return emitHistogram(item);
  case Opcode::MapElementwise:
    return emitMap(item);
  case Opcode::Split:
  case Opcode::ExtractScalar: {
    const tbc::Type &t = m.typeOf(op.operands[0]);
    for (size_t i = 0; i < op.results.size(); ++i) {
      Tuple s(t.isTensor() ? t.shape.size() : 0, constIndex(0));
      if (op.code == Opcode::Split)
        s.back() = constIndex(int64_t(i));
      bindings[op.results[i]].kind = Binding::Scalar;
      bindings[op.results[i]].scalar = element(op.operands[0], s);
    }
    return;
  }
  case Opcode::Dot:
    return emitDot(item);
  case Opcode::DotScaled:
    return emitDotScaled(item);
  case Opcode::InlineAsm:
    return fail(op, "the CPU takes no inline assembly");
  case Opcode::ExternElementwise:
    return fail(op, "the CPU has no function `" + std::string(op.strAttr(AttrId::Symbol)) + "`");
  default:
    fail(op, "no lowering for this operation");
  }
}

void Emitter::elementLoop(ArrayRef<int64_t> shape, const std::function<void(const Tuple &)> &body) {
  lanes = 1;
  chunk = b.getInt64(0);
  chunkAlign = uint64_t(1) << 32;
  Tuple t(shape.size(), constIndex(0));
  std::function<void(size_t)> nest = [&](size_t d) {
    if (d == shape.size()) {
      body(t);
      return;
    }
    loop(shape[d], [&](V i) {
      t[d] = isa<ConstantInt>(i) ? constIndex(cast<ConstantInt>(i)->getSExtValue()) : Lane::uniform(i);
      nest(d + 1);
    });
  };
  nest(0);
  chunk = nullptr;
}

llvm::Value *Emitter::element(ValueId v, const Tuple &t) {
  unsigned keep = lanes;
  lanes = 1;
  Lane l = eval(v, m.typeOf(v).isTensor() ? t : Tuple());
  V r = l.kind == Lane::Affine ? laneBase(l) : l.v;
  lanes = keep;
  return r;
}

void Emitter::emitScalarLoad(const Op &op) {
  ElemType e = ElemType::of(m.typeOf(op.results[0]));
  V p = scalarOf(op.operands[0]);
  V mask = op.operands.size() > 1 ? scalarOf(op.operands[1]) : nullptr;
  V other = op.operands.size() > 2 ? scalarOf(op.operands[2]) : nullptr;
  inner([&] {
    V a = mask ? b.CreateSelect(mask, p, safeMemory) : p;
    LoadInst *l = b.CreateAlignedLoad(memoryType(e), a, Align(m.typeOf(op.results[0]).elementBytes()));
    l->setVolatile(op.intAttr(AttrId::Volatile) != 0);
    V v = fromMemory(l, e);
    if (mask && other)
      v = b.CreateSelect(mask, v, other);
    bindings[op.results[0]].kind = Binding::Scalar;
    bindings[op.results[0]].scalar = v;
  });
}

void Emitter::emitScalarStore(const Op &op) {
  ElemType e = ElemType::of(m.typeOf(op.operands[1]));
  V p = scalarOf(op.operands[0]), v = scalarOf(op.operands[1]);
  auto put = [&] {
    inner([&] { b.CreateAlignedStore(toMemory(v, e), p, Align(m.typeOf(op.operands[1]).elementBytes())); });
  };
  if (op.operands.size() > 2)
    guarded(scalarOf(op.operands[2]), put);
  else
    put();
}

// ---- atomics

namespace {
AtomicOrdering orderingOf(int64_t sem) {
  switch (MemSem(sem)) {
  case MemSem::Acquire:
    return AtomicOrdering::Acquire;
  case MemSem::Release:
    return AtomicOrdering::Release;
  case MemSem::Relaxed:
    return AtomicOrdering::Monotonic;
  default:
    return AtomicOrdering::AcquireRelease;
  }
}
} // namespace

llvm::Value *Emitter::atomicElement(const Op &op, V p, V value, V compare) {
  const tbc::Type &t = m.typeOf(op.operands[1]);
  ElemType e = ElemType::of(t);
  unsigned bits = t.elementBytes() * 8;
  llvm::Type *it = b.getIntNTy(bits), *vt = value->getType();
  AtomicOrdering order = orderingOf(op.intAttr(AttrId::Sem));
  auto asInt = [&](V v) { return e.pointer ? b.CreatePtrToInt(v, it) : b.CreateBitCast(toMemory(v, e), it); };
  auto fromInt = [&](V v) -> V {
    if (e.pointer)
      return b.CreateIntToPtr(v, vt);
    return fromMemory(b.CreateBitCast(v, memoryType(e)), e);
  };
  if (op.code == Opcode::AtomicCas) {
    // A release that fails still reads; the failure order may not release.
    AtomicOrdering failure = order == AtomicOrdering::AcquireRelease || order == AtomicOrdering::Acquire
                                 ? AtomicOrdering::Acquire
                                 : AtomicOrdering::Monotonic;
    V r = b.CreateAtomicCmpXchg(p, asInt(compare), asInt(value), MaybeAlign(bits / 8), order, failure);
    return fromInt(b.CreateExtractValue(r, 0));
  }
  auto kind = Rmw(op.intAttr(AttrId::Kind));
  bool isFloat = e.isFloat();
  if (kind == Rmw::Xchg)
    return fromInt(b.CreateAtomicRMW(AtomicRMWInst::Xchg, p, asInt(value), MaybeAlign(bits / 8), order));
  if (!isFloat) {
    AtomicRMWInst::BinOp k = AtomicRMWInst::Add;
    switch (kind) {
    case Rmw::Max:
      k = AtomicRMWInst::Max;
      break;
    case Rmw::Min:
      k = AtomicRMWInst::Min;
      break;
    case Rmw::UMax:
      k = AtomicRMWInst::UMax;
      break;
    case Rmw::UMin:
      k = AtomicRMWInst::UMin;
      break;
    case Rmw::And:
      k = AtomicRMWInst::And;
      break;
    case Rmw::Or:
      k = AtomicRMWInst::Or;
      break;
    case Rmw::Xor:
      k = AtomicRMWInst::Xor;
      break;
    default:
      break;
    }
    return fromInt(b.CreateAtomicRMW(k, p, asInt(value), MaybeAlign(bits / 8), order));
  }
  // Floats: read, compute as the elementwise op does, exchange if nobody was faster.
  LLVMContext &c = b.getContext();
  BasicBlock *head = BasicBlock::Create(c, "rmw", fn), *done = BasicBlock::Create(c, "rmw.end", fn);
  V first = b.CreateAlignedLoad(it, p, Align(bits / 8));
  cast<LoadInst>(first)->setAtomic(AtomicOrdering::Monotonic);
  BasicBlock *pre = b.GetInsertBlock();
  b.CreateBr(head);
  b.SetInsertPoint(head);
  PHINode *old = b.CreatePHI(it, 2);
  old->addIncoming(first, pre);
  V x = fromInt(old);
  V next;
  if (kind == Rmw::And || kind == Rmw::Or || kind == Rmw::Xor) {
    next = kind == Rmw::And  ? b.CreateAnd(old, asInt(value))
           : kind == Rmw::Or ? b.CreateOr(old, asInt(value))
                             : b.CreateXor(old, asInt(value));
  } else {
    Op add;
    add.code = kind == Rmw::Max || kind == Rmw::UMax   ? Opcode::MaxNumF
               : kind == Rmw::Min || kind == Rmw::UMin ? Opcode::MinNumF
                                                       : Opcode::AddF;
    next = asInt(ew.lower(add, e, e, {x, value}));
  }
  AtomicOrdering failure = order == AtomicOrdering::Monotonic || order == AtomicOrdering::Release
                               ? AtomicOrdering::Monotonic
                               : AtomicOrdering::Acquire;
  V r = b.CreateAtomicCmpXchg(p, old, next, MaybeAlign(bits / 8), order, failure);
  V seen = b.CreateExtractValue(r, 0), ok = b.CreateExtractValue(r, 1);
  old->addIncoming(seen, b.GetInsertBlock());
  b.CreateCondBr(ok, done, head);
  b.SetInsertPoint(done);
  return fromInt(old);
}

void Emitter::emitAtomic(const Item &item) {
  const Op &op = *item.single;
  bool cas = op.code == Opcode::AtomicCas;
  const tbc::Type &t = m.typeOf(op.operands[0]);
  ValueId maskId = !cas && op.operands.size() > 2 ? op.operands[2] : kNone;
  bool scalar = !t.isTensor();
  std::vector<int64_t> shape = scalar ? std::vector<int64_t>() : t.shape;
  elementLoop(shape, [&](const Tuple &s) {
    V p = element(op.operands[0], s);
    V value = element(op.operands[cas ? 2 : 1], s), compare = cas ? element(op.operands[1], s) : nullptr;
    V result = nullptr;
    if (maskId == kNone) {
      inner([&] { result = atomicElement(op, p, value, compare); });
      note(result, unsigned(levels.size()) - 1);
    } else {
      V mask = element(maskId, s);
      // The old value leaves the guarded part through a phi.
      LLVMContext &c = b.getContext();
      BasicBlock *then = BasicBlock::Create(c, "atomic", fn), *end = BasicBlock::Create(c, "atomic.end", fn);
      BasicBlock *pre = levels.back().bb;
      b.SetInsertPoint(pre);
      b.CreateCondBr(mask, then, end);
      b.SetInsertPoint(then);
      V r = atomicElement(op, p, value, compare);
      BasicBlock *last = b.GetInsertBlock();
      b.CreateBr(end);
      b.SetInsertPoint(end);
      PHINode *phi = b.CreatePHI(r->getType(), 2);
      phi->addIncoming(r, last);
      phi->addIncoming(Constant::getNullValue(r->getType()), pre);
      levels.back().bb = end;
      result = note(phi, unsigned(levels.size()) - 1);
    }
    if (scalar) {
      bindings[op.results[0]].kind = Binding::Scalar;
      bindings[op.results[0]].scalar = result;
    } else {
      storeBuffer(item.results[0], s, Lane::vector(result));
    }
  });
  if (!scalar)
    bindResult(op.results[0], item.results[0]);
}

// ---- services

llvm::Value *Emitter::stringConstant(StringRef s) {
  Constant *init = ConstantDataArray::getString(b.getContext(), s, true);
  auto *g = new GlobalVariable(out, init->getType(), true, GlobalValue::PrivateLinkage, init, "tsr.text");
  g->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return g;
}

llvm::Value *Emitter::services() {
  return b.CreateLoad(PointerType::get(b.getContext(), 0), b.CreateConstGEP1_64(b.getInt8Ty(), context, 24));
}

void Emitter::emitPrint(const Op &op) {
  std::string_view prefix = op.strAttr(AttrId::Prefix);
  V text = stringConstant(StringRef(prefix.data(), prefix.size()));
  int64_t isSigned = op.intAttr(AttrId::Signed), hex = op.intAttr(AttrId::Hex);
  PointerType *ptr = PointerType::get(b.getContext(), 0);
  llvm::Type *i32 = b.getInt32Ty(), *i64 = b.getInt64Ty();
  auto *ft = FunctionType::get(b.getVoidTy(), {ptr, ptr, ptr, i32, ptr, i64, i32, i32, i32, i64, i32, i32}, false);
  auto call = [&](V index, unsigned rank, unsigned kind, unsigned bits, V value, unsigned operand) {
    V s = services();
    V user = b.CreateLoad(ptr, b.CreateConstGEP1_64(b.getInt8Ty(), s, 8));
    V f = b.CreateLoad(ptr, b.CreateConstGEP1_64(b.getInt8Ty(), s, 32));
    b.CreateCall(ft, f,
                 {user, context, index, b.getInt32(rank), text, b.getInt64(prefix.size()), b.getInt32(kind),
                  b.getInt32(bits), b.getInt32(hex != 0), value, b.getInt32(operand),
                  b.getInt32(unsigned(op.operands.size()))});
  };
  if (op.operands.empty()) {
    inner([&] { call(ConstantPointerNull::get(ptr), 0, 0, 32, b.getInt64(0), 0); });
    return;
  }
  for (unsigned i = 0; i < op.operands.size(); ++i) {
    const tbc::Type &t = m.typeOf(op.operands[i]);
    std::vector<int64_t> shape = t.isTensor() ? t.shape : std::vector<int64_t>();
    IRBuilder<> e(entry->getTerminator());
    // Coordinates, then the extents, which never change.
    V index = e.CreateAlloca(ArrayType::get(i64, std::max<size_t>(1, 2 * shape.size())));
    for (size_t d = 0; d < shape.size(); ++d)
      e.CreateStore(e.getInt64(uint64_t(shape[d])), e.CreateConstGEP1_64(i64, index, shape.size() + d));
    elementLoop(shape, [&](const Tuple &s) {
      V v = element(op.operands[i], s);
      SmallVector<V, 4> at;
      for (const Lane &l : s)
        at.push_back(l.v);
      inner([&] {
        for (size_t d = 0; d < at.size(); ++d)
          b.CreateStore(at[d], b.CreateConstGEP1_64(i64, index, d));
        bool sign = (isSigned >> std::min(i, 63u)) & 1;
        unsigned kind = t.pointer                    ? 3
                        : isFloat(t.elem)            ? 2
                        : sign && t.elem != Elem::I1 ? 0
                                                     : 1,
                 bits = t.pointer ? 64 : elemBits(t.elem);
        V raw = v;
        if (kind == 2 && hex) {
          kind = 1; // the bits as they are stored
          raw = b.CreateZExt(b.CreateBitCast(v, b.getIntNTy(bits)), i64);
        } else if (kind == 2) {
          raw = ew.widen(v, t.elem);
          bits = t.elem == Elem::F64 ? 64 : 32;
          raw = b.CreateZExt(b.CreateBitCast(raw, b.getIntNTy(bits)), i64);
        } else if (t.pointer) {
          raw = b.CreatePtrToInt(v, i64);
        } else {
          raw = kind == 0 ? b.CreateSExt(v, i64) : b.CreateZExt(v, i64);
        }
        call(index, unsigned(shape.size()), kind, bits, raw, i);
      });
    });
  }
}

void Emitter::emitAssert(const Op &op) {
  std::string_view message = op.strAttr(AttrId::Message);
  // The message carries the place: the driver knows nothing of sources.
  std::string full(message);
  if (op.loc != kNone && op.loc < m.locs.size() && m.locs[op.loc].file != kNone && m.locs[op.loc].file < m.files.size())
    full = m.files[m.locs[op.loc].file] + ":" + std::to_string(m.locs[op.loc].line) + ": " + full;
  V text = stringConstant(full);
  PointerType *ptr = PointerType::get(b.getContext(), 0);
  auto *ft = FunctionType::get(b.getVoidTy(), {ptr, ptr, b.getInt64Ty(), ptr}, false);
  const tbc::Type &t = m.typeOf(op.operands[0]);
  elementLoop(t.isTensor() ? t.shape : std::vector<int64_t>(), [&](const Tuple &s) {
    V ok = element(op.operands[0], s);
    if (op.operands.size() > 1) {
      V mask = element(op.operands[1], s);
      ok = on({ok, mask}, [&] { return b.CreateOr(ok, b.CreateNot(mask)); });
    }
    V bad = on({ok}, [&] { return b.CreateNot(ok); });
    guarded(bad, [&] {
      inner([&] {
        V sv = services();
        V user = b.CreateLoad(ptr, b.CreateConstGEP1_64(b.getInt8Ty(), sv, 8));
        V f = b.CreateLoad(ptr, b.CreateConstGEP1_64(b.getInt8Ty(), sv, 24));
        b.CreateCall(ft, f, {user, text, b.getInt64(full.size()), context});
      });
    });
  });
}

} // namespace tessera::cpu
