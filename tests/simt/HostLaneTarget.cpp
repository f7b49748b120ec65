// HostLaneTarget.cpp - LLVM IR for the host: fields of the lane, calls of the device's services, branches for predicates
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/HostLaneTarget.h"

#include "core/interpreter/TensorArray.h"
#include "tests/simt/Block.h"

#include "tests/simt/Lane.h"

#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"

#include <cstddef>

using namespace llvm;

namespace tessera::simt {

using codegen::simt::AccessHints;
using codegen::simt::MatrixIssue;
using codegen::simt::PrintedValue;

// What a masked-off load without `other` and a masked-off atomic give: nothing that a kernel computes by accident.
static constexpr uint64_t kUnspecified = 0xcdcdcdcdcdcdcdcd;

unsigned sourceLine(const DebugLoc &loc) { return loc ? loc.getLine() : 0; }

static DebugLoc placeOf(IRBuilderBase &b) { return b.getCurrentDebugLocation(); }

static Constant *unspecified(Type *t) {
  if (auto *v = dyn_cast<FixedVectorType>(t))
    return ConstantVector::getSplat(v->getElementCount(), unspecified(v->getElementType()));
  if (t->isPointerTy())
    return ConstantExpr::getIntToPtr(ConstantInt::get(Type::getInt64Ty(t->getContext()), kUnspecified), t);
  unsigned bits = t->getScalarSizeInBits();
  Constant *c = ConstantInt::get(IntegerType::get(t->getContext(), bits), APInt(64, kUnspecified).trunc(bits));
  return t->isFloatingPointTy() ? ConstantExpr::getBitCast(c, t) : c;
}

Value *toBits(IRBuilderBase &b, Value *v) {
  Type *t = v->getType();
  if (t->isPointerTy())
    return b.CreatePtrToInt(v, b.getInt64Ty());
  if (t->isFloatingPointTy())
    v = b.CreateBitCast(v, b.getIntNTy(t->getScalarSizeInBits()));
  return b.CreateZExt(v, b.getInt64Ty());
}

Value *fromBits(IRBuilderBase &b, Value *bits, Type *t) {
  if (t->isPointerTy())
    return b.CreateIntToPtr(bits, t);
  Value *v = b.CreateTrunc(bits, b.getIntNTy(t->getScalarSizeInBits()));
  return t->isFloatingPointTy() ? b.CreateBitCast(v, t) : v;
}

// Emits `body` where the predicate holds (nullptr: always) and joins its result with `otherwise`; both may be null.
static Value *where(IRBuilderBase &b, Value *predicate, Value *otherwise, function_ref<Value *()> body) {
  if (!predicate)
    return body();
  LLVMContext &c = b.getContext();
  Function *f = b.GetInsertBlock()->getParent();
  BasicBlock *before = b.GetInsertBlock(), *then = BasicBlock::Create(c, "holds", f),
             *after = BasicBlock::Create(c, "after", f);
  b.CreateCondBr(predicate, then, after);
  b.SetInsertPoint(then);
  Value *v = body();
  BasicBlock *end = b.GetInsertBlock();
  b.CreateBr(after);
  b.SetInsertPoint(after);
  if (!v || v->getType()->isVoidTy())
    return nullptr;
  PHINode *joined = b.CreatePHI(v->getType(), 2);
  joined->addIncoming(v, end);
  joined->addIncoming(otherwise, before);
  return joined;
}

// ---- frame -----------------------------------------------------------------------------------------------------------

Function *HostLaneTarget::createKernel(llvm::Module &out, const tbc::Module &m, const tbc::Function &f,
                                       const std::string &name, unsigned) {
  module_ = &m;
  LLVMContext &c = out.getContext();
  IRBuilder<> b(c);
  codegen::Elementwise e(b, numerics());
  SmallVector<Type *> types;
  for (const tbc::Param &p : f.params) {
    const tbc::Type &t = m.typeOf(p.value);
    bool isBool = !t.pointer && t.elem == tbc::Elem::I1;
    types.push_back(isBool ? b.getInt8Ty() : e.type(codegen::ElemType::of(t)));
  }
  types.push_back(b.getPtrTy());
  auto *type = FunctionType::get(b.getVoidTy(), types, false);
  return Function::Create(type, GlobalValue::InternalLinkage, name, out);
}

Value *HostLaneTarget::lane(IRBuilderBase &b) const {
  Function *f = b.GetInsertBlock()->getParent();
  return f->getArg(static_cast<unsigned>(f->arg_size() - 1));
}

Value *HostLaneTarget::field(IRBuilderBase &b, Type *type, uint64_t offset) const {
  Value *at = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), lane(b), offset);
  LoadInst *load = b.CreateLoad(type, at);
  load->setMetadata(LLVMContext::MD_invariant_load, MDNode::get(b.getContext(), {}));
  return load;
}

Value *HostLaneTarget::threadId(IRBuilderBase &b) { return field(b, b.getInt32Ty(), offsetof(Lane, thread)); }
Value *HostLaneTarget::programId(IRBuilderBase &b, unsigned axis) {
  return field(b, b.getInt32Ty(), offsetof(Lane, program) + 4 * axis);
}
Value *HostLaneTarget::numPrograms(IRBuilderBase &b, unsigned axis) {
  return field(b, b.getInt32Ty(), offsetof(Lane, numPrograms) + 4 * axis);
}
Value *HostLaneTarget::warpId(IRBuilderBase &b, V threadId) { return b.CreateUDiv(threadId, b.getInt32(lanes())); }
Value *HostLaneTarget::sharedBase(IRBuilderBase &b) { return field(b, b.getPtrTy(), offsetof(Lane, shared)); }
Value *HostLaneTarget::laneId(IRBuilderBase &b) { return b.CreateURem(threadId(b), b.getInt32(lanes())); }

// ---- services --------------------------------------------------------------------------------------------------------

Value *HostLaneTarget::call(IRBuilderBase &b, uint64_t offset, Type *result, ArrayRef<V> arguments, bool place) {
  SmallVector<V> all{lane(b)};
  if (place) {
    all.push_back(b.getInt32(++site_));
    all.push_back(b.getInt32(sourceLine(placeOf(b))));
  }
  all.append(arguments.begin(), arguments.end());
  SmallVector<Type *> types;
  for (V v : all)
    types.push_back(v->getType());
  auto *type = FunctionType::get(result, types, false);
  V services = field(b, b.getPtrTy(), offsetof(Lane, services));
  LoadInst *function = b.CreateLoad(b.getPtrTy(), b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), services, offset));
  function->setMetadata(LLVMContext::MD_invariant_load, MDNode::get(b.getContext(), {}));
  CallInst *made = b.CreateCall(type, function, all);
  made->setConvergent();
  made->setDoesNotThrow();
  return made;
}

void HostLaneTarget::blockBarrier(IRBuilderBase &b) {
  call(b, offsetof(Services, blockBarrier), b.getVoidTy(), {}, true);
}
void HostLaneTarget::warpBarrier(IRBuilderBase &b) {
  call(b, offsetof(Services, warpBarrier), b.getVoidTy(), {}, true);
}
void HostLaneTarget::partBarrier(IRBuilderBase &b, unsigned threads) {
  call(b, offsetof(Services, partBarrier), b.getVoidTy(), {b.getInt32(threads)}, true);
}
Value *HostLaneTarget::shuffle(IRBuilderBase &b, V value, V source) {
  return call(b, offsetof(Services, exchange), b.getInt32Ty(), {value, source}, true);
}
Value *HostLaneTarget::shuffleXor(IRBuilderBase &b, V value, unsigned mask) {
  return shuffle(b, value, b.CreateXor(laneId(b), b.getInt32(mask)));
}
Value *HostLaneTarget::shuffleUp(IRBuilderBase &b, V value, unsigned delta) {
  V own = laneId(b);
  V has = b.CreateICmpUGE(own, b.getInt32(delta));
  return shuffle(b, value, b.CreateSelect(has, b.CreateSub(own, b.getInt32(delta)), own));
}
Value *HostLaneTarget::reduceWarp(IRBuilderBase &b, tbc::Rmw kind, V value) {
  if (!options_.warpReductions)
    return nullptr;
  return call(b, offsetof(Services, reduce), b.getInt32Ty(), {b.getInt32(static_cast<uint32_t>(kind)), value}, true);
}

// ---- memory ----------------------------------------------------------------------------------------------------------

Value *HostLaneTarget::loadGlobal(IRBuilderBase &b, Type *type, V pointer, V predicate, V other, unsigned align,
                                  AccessHints hints) {
  return where(b, predicate, other ? other : unspecified(type),
               [&] { return b.CreateAlignedLoad(type, pointer, Align(align), hints.isVolatile); });
}

void HostLaneTarget::storeGlobal(IRBuilderBase &b, V value, V pointer, V predicate, unsigned align, AccessHints hints) {
  where(b, predicate, nullptr, [&]() -> V {
    b.CreateAlignedStore(value, pointer, Align(align), hints.isVolatile);
    return nullptr;
  });
}

Value *HostLaneTarget::atomic(IRBuilderBase &b, uint64_t service, tbc::Elem elem, ArrayRef<V> arguments, V predicate) {
  Type *type = arguments.back()->getType();
  return where(b, predicate, unspecified(type), [&] {
    SmallVector<V> all{b.getInt32(sourceLine(placeOf(b)))};
    for (V v : arguments)
      all.push_back(v == arguments.back() ? toBits(b, v) : v);
    return fromBits(b, call(b, service, b.getInt64Ty(), all, false), type);
  });
}

Value *HostLaneTarget::atomicRmw(IRBuilderBase &b, tbc::Rmw kind, tbc::Elem elem, V pointer, V value, V predicate,
                                 tbc::MemSem, tbc::MemScope, bool) {
  return atomic(b, offsetof(Services, atomicRmw), elem,
                {b.getInt32(static_cast<uint32_t>(kind)), b.getInt32(static_cast<uint32_t>(elem)), pointer, value},
                predicate);
}

unsigned HostLaneTarget::atomicVector(tbc::Rmw kind, tbc::Elem elem) const {
  unsigned bits = tbc::elemBits(elem);
  bool isExtremum = (kind == tbc::Rmw::Max || kind == tbc::Rmw::Min) && tbc::isFloat(elem);
  return (kind == tbc::Rmw::FAdd && bits == 32) || ((kind == tbc::Rmw::FAdd || isExtremum) && bits == 16) ? 128 / bits
                                                                                                          : 1;
}

SmallVector<Value *> HostLaneTarget::atomicRmwVector(IRBuilderBase &b, tbc::Rmw kind, tbc::Elem elem, V pointer,
                                                     ArrayRef<V> values, V predicate, tbc::MemSem sem,
                                                     tbc::MemScope scope, bool resultUsed) {
  SmallVector<V> old;
  for (V value : values) {
    V each = b.CreateConstGEP1_64(b.getInt8Ty(), pointer, old.size() * tbc::elemBits(elem) / 8);
    old.push_back(atomicRmw(b, kind, elem, each, value, predicate, sem, scope, resultUsed));
  }
  return old;
}

Value *HostLaneTarget::atomicCas(IRBuilderBase &b, tbc::Elem elem, V pointer, V compare, V value, V predicate,
                                 tbc::MemSem, tbc::MemScope) {
  return atomic(b, offsetof(Services, atomicCas), elem,
                {b.getInt32(static_cast<uint32_t>(elem)), pointer, toBits(b, compare), value}, predicate);
}

codegen::NumericOptions HostLaneTarget::numerics() const {
  codegen::NumericOptions n;
  n.contract = options_.contract;
  return n;
}

// ---- blocks of shared memory: each lane asks those that name the rows, then moves its own part ----------------------------

// Where the lane's elements of block `block` are: one place of 4 bytes, or transposed two of 2 bytes.
SmallVector<Value *> HostLaneTarget::placesInBlock(IRBuilderBase &b, V row, unsigned block, bool transposed) {
  V base = sharedBase(b), own = laneId(b);
  V offset = b.CreateTrunc(b.CreateSub(b.CreatePtrToInt(row, b.getInt64Ty()), b.CreatePtrToInt(base, b.getInt64Ty())),
                           b.getInt32Ty());
  V high = b.CreateLShr(own, 2), low = b.CreateAnd(own, 3);
  SmallVector<V> places;
  for (unsigned i = 0; i < (transposed ? 2 : 1); ++i) {
    V named = transposed ? b.CreateAdd(b.CreateShl(low, 1), b.getInt32(i)) : high;
    V start = shuffle(b, offset, b.CreateAdd(named, b.getInt32(8 * block)));
    V inRow = transposed ? b.CreateShl(high, 1) : b.CreateShl(low, 2);
    places.push_back(b.CreateGEP(b.getInt8Ty(), base, b.CreateAdd(start, inRow)));
  }
  return places;
}

SmallVector<Value *> HostLaneTarget::loadBlocks(IRBuilderBase &b, V row, unsigned blocks, bool transposed) {
  SmallVector<V> words;
  for (unsigned block = 0; block < blocks; ++block) {
    SmallVector<V> places = placesInBlock(b, row, block, transposed);
    if (!transposed) {
      words.push_back(b.CreateAlignedLoad(b.getInt32Ty(), places[0], Align(4)));
      continue;
    }
    V first = b.CreateAlignedLoad(b.getInt16Ty(), places[0], Align(2)),
      second = b.CreateAlignedLoad(b.getInt16Ty(), places[1], Align(2));
    words.push_back(
        b.CreateOr(b.CreateZExt(first, b.getInt32Ty()), b.CreateShl(b.CreateZExt(second, b.getInt32Ty()), 16)));
  }
  return words;
}

void HostLaneTarget::storeBlocks(IRBuilderBase &b, V row, ArrayRef<V> words, bool transposed) {
  for (auto [block, word] : enumerate(words)) {
    SmallVector<V> places = placesInBlock(b, row, static_cast<unsigned>(block), transposed);
    if (!transposed) {
      b.CreateAlignedStore(word, places[0], Align(4));
      continue;
    }
    for (unsigned i = 0; i < 2; ++i)
      b.CreateAlignedStore(b.CreateTrunc(b.CreateLShr(word, 16 * i), b.getInt16Ty()), places[i], Align(2));
  }
}

// ---- matrix and messages -----------------------------------------------------------------------------------------------

codegen::simt::MatrixForm HostLaneTarget::matrixForm(unsigned entry) const {
  if (entry >= matrixMenu().size())
    return {};
  const target::MatrixEntry &e = matrixMenu()[entry];
  return {e.m, e.nMin, e.k, static_cast<tbc::Elem>(e.a), static_cast<tbc::Elem>(e.b), static_cast<tbc::Elem>(e.c)};
}

SmallVector<Value *> HostLaneTarget::matrix(IRBuilderBase &b, const MatrixIssue &issue) {
  // Arrays of the registers, in the entry block so that a loop does not grow the stack.
  auto arrayOf = [&](ArrayRef<V> registers) {
    BasicBlock &entry = b.GetInsertBlock()->getParent()->getEntryBlock();
    IRBuilder<> top(&entry, entry.begin());
    V array = top.CreateAlloca(b.getInt64Ty(), b.getInt32(static_cast<uint32_t>(registers.size())));
    for (auto [i, r] : enumerate(registers))
      b.CreateStore(toBits(b, r), b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), array, i));
    return array;
  };
  auto count = [&](ArrayRef<V> registers) { return b.getInt32(static_cast<uint32_t>(registers.size())); };
  V a = arrayOf(issue.aRegisters), bs = arrayOf(issue.bRegisters), c = arrayOf(issue.accumulator);
  call(b, offsetof(Services, matrix), b.getVoidTy(),
       {b.getInt32(issue.entry), a, bs, c, count(issue.aRegisters), count(issue.bRegisters), count(issue.accumulator)},
       true);
  SmallVector<V> results;
  for (auto [i, r] : enumerate(issue.accumulator)) {
    V bits = b.CreateLoad(b.getInt64Ty(), b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), c, i));
    results.push_back(fromBits(b, bits, r->getType()));
  }
  return results;
}

// ---- tensor copies -----------------------------------------------------------------------------------------------------

static Value *stackArray(IRBuilderBase &b, Type *element, unsigned count) {
  BasicBlock &top = b.GetInsertBlock()->getParent()->getEntryBlock();
  IRBuilder<> entry(&top, top.begin());
  return entry.CreateAlloca(element, b.getInt32(count));
}

// The words of CopyEngine.h, on the lane's stack.
Value *HostLaneTarget::tensorMap(IRBuilderBase &b, const tbc::Op &op, ArrayRef<V> operands, V) {
  const std::vector<int64_t> &box = op.intsAttr(tbc::AttrId::Box);
  auto rank = static_cast<unsigned>(box.size());
  V words = stackArray(b, b.getInt64Ty(), ArrayWords::count(rank));
  unsigned at = 0;
  auto put = [&](V v) { b.CreateStore(v, b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), words, at++)); };
  auto number = [&](uint64_t n) { put(b.getInt64(n)); };
  tbc::Elem elem = module_->typeOf(op.operands[0]).elem;
  scalar::TensorArray facts;
  facts.elem = elem;
  facts.nan = op.intAttr(tbc::AttrId::Fill) != 0;
  number(facts.bytes());
  number(rank);
  number(facts.fill());
  number(static_cast<uint64_t>(op.intAttr(tbc::AttrId::Swizzle)));
  for (int64_t extent : box)
    number(static_cast<uint64_t>(extent));
  for (V v : operands.drop_front()) // extents, strides
    put(v);
  number(1);
  put(b.CreatePtrToInt(operands.front(), b.getInt64Ty()));
  return words;
}

void HostLaneTarget::asyncCopy(IRBuilderBase &b, V shared, V global, unsigned bytes, V predicate, AccessHints) {
  if (predicate)
    global = b.CreateSelect(predicate, global, ConstantPointerNull::get(b.getPtrTy()));
  call(b, offsetof(Services, asyncCopy), b.getVoidTy(),
       {b.getInt32(sourceLine(placeOf(b))), shared, global, b.getInt32(bytes)}, false);
}
void HostLaneTarget::asyncCommit(IRBuilderBase &b) {
  call(b, offsetof(Services, asyncCommit), b.getVoidTy(), {}, false);
}
void HostLaneTarget::asyncWait(IRBuilderBase &b, unsigned pending) {
  call(b, offsetof(Services, asyncWait), b.getVoidTy(), {b.getInt32(sourceLine(placeOf(b))), b.getInt32(pending)},
       false);
}

void HostLaneTarget::barrierCall(IRBuilderBase &b, uint32_t what, V barrier, V value) {
  call(b, offsetof(Services, copyBarrier), b.getVoidTy(),
       {b.getInt32(sourceLine(placeOf(b))), b.getInt32(what), barrier, value}, false);
}

void HostLaneTarget::copyBarriersInit(IRBuilderBase &b, V pointer, unsigned barriers, unsigned arrivals) {
  for (unsigned i = 0; i < barriers; ++i)
    barrierCall(b, static_cast<uint32_t>(BarrierCall::Init),
                b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), pointer, uint64_t(8) * i), b.getInt64(arrivals));
}
void HostLaneTarget::copyBarriersEnd(IRBuilderBase &b, V pointer, unsigned barriers) {
  for (unsigned i = 0; i < barriers; ++i)
    barrierCall(b, static_cast<uint32_t>(BarrierCall::End),
                b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), pointer, uint64_t(8) * i), b.getInt64(0));
}
void HostLaneTarget::copyExpect(IRBuilderBase &b, V barrier, uint64_t bytes) {
  barrierCall(b, static_cast<uint32_t>(BarrierCall::Expect), barrier, b.getInt64(bytes));
}
void HostLaneTarget::copyArrive(IRBuilderBase &b, V barrier) {
  barrierCall(b, static_cast<uint32_t>(BarrierCall::Arrive), barrier, b.getInt64(0));
}
void HostLaneTarget::copyBarrierWait(IRBuilderBase &b, V barrier, V parity) {
  barrierCall(b, static_cast<uint32_t>(BarrierCall::Wait), barrier, b.CreateZExt(parity, b.getInt64Ty()));
}

void HostLaneTarget::tensorCopy(IRBuilderBase &b, V shared, V map, V barrier, ArrayRef<V> coordinates) {
  V corner = stackArray(b, b.getInt32Ty(), static_cast<unsigned>(coordinates.size()));
  for (auto [d, coordinate] : enumerate(coordinates))
    b.CreateStore(coordinate, b.CreateConstInBoundsGEP1_64(b.getInt32Ty(), corner, d));
  call(b, offsetof(Services, tensorCopy), b.getVoidTy(),
       {b.getInt32(sourceLine(placeOf(b))), map, shared, corner, barrier}, false);
}
void HostLaneTarget::tensorLoad(IRBuilderBase &b, V shared, V map, V barrier, ArrayRef<V> coordinates) {
  tensorCopy(b, shared, map, barrier, coordinates);
}
void HostLaneTarget::tensorStore(IRBuilderBase &b, V shared, V map, ArrayRef<V> coordinates) {
  tensorCopy(b, shared, map, ConstantPointerNull::get(b.getPtrTy()), coordinates);
}

void HostLaneTarget::print(IRBuilderBase &b, const PrintedValue &value) {
  BasicBlock &top = b.GetInsertBlock()->getParent()->getEntryBlock();
  IRBuilder<> entry(&top, top.begin());
  auto rank = static_cast<uint32_t>(value.index.size());
  V index = entry.CreateAlloca(b.getInt64Ty(), b.getInt32(2 * rank + 1));
  auto put = [&](uint64_t at, V v) { b.CreateStore(v, b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), index, at)); };
  for (unsigned d = 0; d < rank; ++d) {
    put(d, b.CreateSExt(value.index[d], b.getInt64Ty()));
    put(rank + d, b.getInt64(static_cast<uint64_t>(value.shape[d])));
  }
  uint32_t flags =
      (value.hex ? kPrintHex : 0) | (value.isSigned ? kPrintSigned : 0) | (value.type.pointer ? kPrintPointer : 0);
  V bits = value.value ? toBits(b, value.value) : b.getInt64(0);
  call(b, offsetof(Services, print), b.getVoidTy(),
       {b.CreateGlobalString(value.prefix), b.getInt32(value.operand), b.getInt32(value.operands),
        b.getInt32(static_cast<uint32_t>(value.type.elem)), b.getInt32(flags), bits, index, b.getInt32(rank)},
       false);
}

void HostLaneTarget::assertFailed(IRBuilderBase &b, const std::string &message, const std::string &file, unsigned line,
                                  const std::string &function) {
  call(b, offsetof(Services, assertFailed), b.getVoidTy(),
       {b.CreateGlobalString(message), b.CreateGlobalString(file), b.getInt32(line), b.CreateGlobalString(function)},
       false);
}

// ---- after emission ----------------------------------------------------------------------------------------------------

void insertAccessChecks(Function &f) {
  Value *lane = f.getArg(static_cast<unsigned>(f.arg_size() - 1));
  struct Access {
    Instruction *at;
    Value *pointer;
    Type *type;
    uint64_t align;
    AccessKind kind;
  };
  SmallVector<Access> accesses;
  for (Instruction &i : instructions(f)) {
    Access a;
    if (auto *load = dyn_cast<LoadInst>(&i))
      a = {load, load->getPointerOperand(), load->getType(), load->getAlign().value(), kRead};
    else if (auto *store = dyn_cast<StoreInst>(&i))
      a = {store, store->getPointerOperand(), store->getValueOperand()->getType(), store->getAlign().value(), kWrite};
    else if (auto *rmw = dyn_cast<AtomicRMWInst>(&i))
      a = {rmw, rmw->getPointerOperand(), rmw->getType(), rmw->getAlign().value(), kAtomic};
    else if (auto *cas = dyn_cast<AtomicCmpXchgInst>(&i))
      a = {cas, cas->getPointerOperand(), cas->getNewValOperand()->getType(), cas->getAlign().value(), kAtomic};
    else
      continue;
    // The lane's own fields are marked.
    const Value *object = getUnderlyingObject(a.pointer);
    if (!i.hasMetadata(LLVMContext::MD_invariant_load) && !isa<AllocaInst>(object) && !isa<GlobalVariable>(object))
      accesses.push_back(a);
  }
  const DataLayout &layout = f.getParent()->getDataLayout();
  for (const Access &a : accesses) {
    IRBuilder<> b(a.at);
    Value *services =
        b.CreateLoad(b.getPtrTy(), b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), lane, offsetof(Lane, services)));
    Value *function =
        b.CreateLoad(b.getPtrTy(), b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), services, offsetof(Services, access)));
    Type *word = b.getInt32Ty();
    auto *type = FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getPtrTy(), word, word, word, word}, false);
    auto bytes = static_cast<uint32_t>(layout.getTypeStoreSize(a.type).getFixedValue());
    b.CreateCall(type, function,
                 {lane, a.pointer, b.getInt32(bytes), b.getInt32(static_cast<uint32_t>(a.align)), b.getInt32(a.kind),
                  b.getInt32(sourceLine(a.at->getDebugLoc()))})
        ->setDoesNotThrow();
  }
}

Function *createEntry(Function &kernel, const tbc::Module &m, const tbc::Function &f, const std::string &name) {
  LLVMContext &c = kernel.getContext();
  IRBuilder<> b(c);
  auto *type = FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getPtrTy()}, false);
  Function *entry = Function::Create(type, GlobalValue::ExternalLinkage, name, *kernel.getParent());
  b.SetInsertPoint(BasicBlock::Create(c, "entry", entry));
  SmallVector<Value *> arguments;
  uint64_t at = 0;
  for (auto [i, p] : enumerate(f.params)) {
    uint64_t size = m.typeOf(p.value).elementBytes();
    at = (at + size - 1) / size * size;
    Value *from = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), entry->getArg(0), at);
    arguments.push_back(b.CreateAlignedLoad(kernel.getArg(static_cast<unsigned>(i))->getType(), from, Align(size)));
    at += size;
  }
  arguments.push_back(entry->getArg(1));
  b.CreateCall(&kernel, arguments);
  b.CreateRetVoid();
  return entry;
}

} // namespace tessera::simt
