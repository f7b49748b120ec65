// Memory.cpp - loads, stores and atomics of global memory, as wide as layout and addresses allow
//
// SPDX-License-Identifier: Apache-2.0
//
// The core says on each load and store how many neighbours are contiguous, aligned together and equally masked; the layout says
// which registers are neighbours. Lanes that hold copies of an element all load it; one of them stores it or works on it.
#include "core/codegen/simt/AccessVectors.h"
#include "core/codegen/simt/Emitter.h"
#include "core/layout/TensorLayouts.h"

using namespace llvm;
using tessera::layout::LinearLayout;
using tessera::layout::Span;
using tessera::layout::Vectors;
using tessera::tbc::AttrId;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

static AccessHints hintsOf(const Op &o) {
  return {static_cast<tbc::Cache>(o.intAttr(AttrId::Cache)), static_cast<tbc::Evict>(o.intAttr(AttrId::Evict)),
          o.intAttr(AttrId::Volatile) != 0};
}

// What memory calls an element: i1 is a byte, pointees are never pointers.
static unsigned bitsInMemory(const tbc::Type &pointers) { return tbc::elemBits(pointers.elem); }

std::vector<AccessVector> Emitter::globalVectors(const Op &o, const tbc::Type &pointers, int64_t most) {
  if (!pointers.isTensor())
    return {AccessVector{0, {0}}};
  const LinearLayout &l = layoutOf(pointers);
  auto axis = static_cast<unsigned>(o.intAttr(AttrId::Axis));
  int64_t promised = std::max<int64_t>(o.intAttr(AttrId::Width), 1),
          widest = std::max(target_.maxVectorBits() / bitsInMemory(pointers), 1u);
  std::string dim = layout::tensorDimName(axis);
  return accessVectors(l, l.outStart(dim), std::min({promised, widest, most, int64_t(1) << l.outBits(dim)}));
}

// A predicate, nullptr where it is known to hold.
static Value *unlessTrue(Value *predicate) {
  auto *known = dyn_cast_or_null<ConstantInt>(predicate);
  return known && known->isOne() ? nullptr : predicate;
}

Value *Emitter::both(V a, V b) {
  a = unlessTrue(a);
  b = unlessTrue(b);
  return a && b ? b_.CreateAnd(a, b) : a ? a : b;
}

Value *Emitter::isFirstHolder(const tbc::Type &t) {
  return t.isTensor() ? isFirstCopy(layoutOf(t)) : b_.CreateICmpEQ(thread_, i32(0));
}

void Emitter::load(const Op &o) {
  const tbc::Type &pointers = type(o.operands[0]), &result = type(o.results[0]);
  const Registers *mask = o.operands.size() > 1 ? &of(o.operands[1]) : nullptr,
                  *other = o.operands.size() > 2 ? &of(o.operands[2]) : nullptr;
  unsigned bits = bitsInMemory(pointers);
  Registers out(registersOf(result));
  // Every access first, then what comes of them, the last one first: work between two accesses would let a device's assembler make the second wait.
  SmallVector<std::pair<AccessVector, V>> loaded;
  for (const AccessVector &v : globalVectors(o, pointers)) {
    auto count = static_cast<unsigned>(v.registers.size());
    unsigned first = v.registers[0];
    V predicate = mask ? unlessTrue((*mask)[first]) : nullptr, elsewhere = nullptr;
    if (predicate && other) {
      SmallVector<V, 16> elements;
      for (unsigned r : v.registers)
        elements.push_back((*other)[r]);
      elsewhere = packWords(b_, elements, bits);
    }
    V words = target_.loadGlobal(b_, wordsType(b_.getContext(), count, bits), of(o.operands[0])[first], predicate,
                                 elsewhere, count * bits / 8, hintsOf(o));
    loaded.emplace_back(v, words);
  }
  for (const auto &[v, words] : reverse(loaded))
    for (auto [r, value] :
         zip(v.registers, unpackWords(b_, words, static_cast<unsigned>(v.registers.size()), bits, llvmType(result))))
      out[r] = value;
  if (result.isTensor())
    for (auto [r, first] : enumerate(registerCopies(layoutOf(result))))
      out[r] = out[first];
  set(o.results[0], std::move(out));
}

void Emitter::store(const Op &o) {
  const tbc::Type &pointers = type(o.operands[0]);
  const Registers *mask = o.operands.size() > 2 ? &of(o.operands[2]) : nullptr;
  unsigned bits = bitsInMemory(pointers);
  V holder = isFirstHolder(pointers);
  for (const AccessVector &v : globalVectors(o, pointers)) {
    SmallVector<V, 16> elements;
    for (unsigned r : v.registers)
      elements.push_back(of(o.operands[1])[r]);
    unsigned first = v.registers[0];
    target_.storeGlobal(b_, packWords(b_, elements, bits), of(o.operands[0])[first],
                        both(holder, mask ? (*mask)[first] : nullptr),
                        static_cast<unsigned>(v.registers.size()) * bits / 8, hintsOf(o));
  }
}

// ---- atomics -------------------------------------------------------------------------------------------------------

// From the lanes that hold the first copies of a tile's elements to all that hold copies.
Registers Emitter::spreadCopies(const Op &o, Registers r, const tbc::Type &t) {
  const LinearLayout &l = layoutOf(t);
  for (auto [reg, first] : enumerate(registerCopies(l)))
    r[reg] = r[first];
  unsigned bytes = t.elementBytes();
  if (l.freeMask(layout::kWarp)) {
    V place = scratch(o, static_cast<uint64_t>(t.numElements()) * bytes);
    LinearLayout buffer = LinearLayout::rowMajor(layout::kOffset, t.shape);
    onlyWhere(isFirstCopy(l), [&] { storeShared(place, buffer, l, r, bytes); });
    barrier();
    return loadShared(place, buffer, l, llvmType(t), bytes);
  }
  uint64_t copies = l.freeMask(layout::kLane);
  if (!copies)
    return r;
  // A free lane bit adds nothing that the bits before it do not give: there its element's first copy is.
  Span before;
  Vectors columns = l.columns(), from;
  for (unsigned bit = 0; bit < columns.size(); ++bit) {
    unsigned lane = bit - l.inStart(layout::kLane);
    bool isCopy = bit >= l.inStart(layout::kLane) && lane < l.inBits(layout::kLane) && (copies >> lane & 1);
    uint64_t source = isCopy ? before.solve(columns[bit]).value_or(0) : uint64_t(1) << bit;
    before.insert(columns[bit]);
    from.push_back(LinearLayout({}, l.ins(), {}).packOut(l.unpackIn(source)));
  }
  return exchange(r, LinearLayout(l.ins(), l.ins(), std::move(from)), 8 * bytes);
}

// In this region or one of those around it nothing follows that touches memory; loops come round.
static bool endsWith(const tbc::Region &r, const Op &o) {
  for (const Op &last : reverse(r.ops)) {
    if (&last == &o)
      return true;
    if (last.code == Opcode::If)
      return any_of(last.regions, [&](const tbc::Region &inner) { return endsWith(inner, o); });
    bool isPlain = (codegen::Elementwise::handles(last.code) || last.code == Opcode::Yield ||
                    last.code == Opcode::Return || last.code == Opcode::Constant);
    if (!isPlain)
      return false;
  }
  return false;
}

bool Emitter::isLastAccess(const Op &o) { return endsWith(f_.body, o); }

void Emitter::atomic(const Op &o) {
  const tbc::Type &pointers = type(o.operands[0]), &result = type(o.results[0]);
  bool isCas = o.code == Opcode::AtomicCas, used = isUsed(o.results[0]);
  const Registers *mask = !isCas && o.operands.size() > 2 ? &of(o.operands[2]) : nullptr;
  auto sem = static_cast<tbc::MemSem>(o.intAttr(AttrId::Sem));
  auto scope = static_cast<tbc::MemScope>(o.intAttr(AttrId::Scope));
  auto kind = static_cast<tbc::Rmw>(o.intAttr(AttrId::Kind));
  V holder = isFirstHolder(pointers);
  Registers old(registersOf(pointers), PoisonValue::get(llvmType(result)));
  std::vector<AccessVector> vectors = globalVectors(o, pointers, isCas ? 1 : target_.atomicVector(kind, pointers.elem));
  // One fence in front of all accesses of a lane and one behind them order what each of them would order on its own. Behind the last access of a kernel
  // there is nothing to order.
  bool releases = sem == tbc::MemSem::Release || sem == tbc::MemSem::AcqRel, isLast = !used && isLastAccess(o),
       acquires = (sem == tbc::MemSem::Acquire || sem == tbc::MemSem::AcqRel) && !isLast;
  bool byFences = !isCas && pointers.isTensor() && sem != tbc::MemSem::Relaxed && (vectors.size() > 1 || isLast);
  if (byFences) {
    sem = tbc::MemSem::Relaxed;
    if (releases)
      target_.memoryFence(b_, scope);
  }
  for (const AccessVector &v : vectors) {
    unsigned r = v.registers[0];
    V pointer = of(o.operands[0])[r], predicate = both(holder, mask ? (*mask)[r] : nullptr);
    if (v.registers.size() > 1) {
      SmallVector<V> values;
      for (unsigned each : v.registers)
        values.push_back(of(o.operands[1])[each]);
      SmallVector<V> were =
          target_.atomicRmwVector(b_, kind, pointers.elem, pointer, values, predicate, sem, scope, used);
      for (auto [each, was] : zip(v.registers, were)) // a form without results has none
        old[each] = was;
      continue;
    }
    V value = of(o.operands[1])[r],
      was = isCas ? target_.atomicCas(b_, pointers.elem, pointer, value, of(o.operands[2])[r], predicate, sem, scope)
                  : target_.atomicRmw(b_, kind, pointers.elem, pointer, value, predicate, sem, scope, used);
    if (was) // a form without a result
      old[r] = was;
  }
  if (byFences && acquires)
    target_.memoryFence(b_, scope);
  if (!used)
    set(o.results[0], std::move(old));
  else if (result.isTensor())
    set(o.results[0], spreadCopies(o, std::move(old), result));
  else
    setScalar(o.results[0], broadcastFromFirst(o, old[0]));
}

bool Emitter::memory(const Op &o) {
  switch (o.code) {
  case Opcode::Load:
    load(o);
    return true;
  case Opcode::Store:
    store(o);
    return true;
  case Opcode::AtomicRmw:
  case Opcode::AtomicCas:
    atomic(o);
    return true;
  case Opcode::Barrier:
    barrier();
    return true;
  default:
    return false;
  }
}

} // namespace tessera::codegen::simt
